"""The table of speed in README and docs is that of the kept runs."""

import pytest

from benchmarks.against_trl import table

RUNS = [
    {
        "ratios": {"small": {"RM": ratio, "SFT": 2.0}, "large": {"RM": 1.0}},
        "starts": {"our first step": 2.0, "TRL's first step": 2.0 * ratio},
    }
    for ratio in (1.5, 3.0, 2.0)
]
TABLE = """| TRL's time / ours | small | large |
|---|---|---|
| RM | 2.00 (1.50 to 3.00) | 1.00 (1.00 to 1.00) |
| SFT | 2.00 (2.00 to 2.00) |  |
| start of the process to the first step | 2.00 (1.50 to 3.00) | |"""


def test_the_table_has_median_lowest_and_highest():
    assert table.table({"runs": RUNS}) == TABLE


def test_one_run_has_no_spread():
    assert "| RM | 1.50 | 1.00 |" in table.table({"runs": RUNS[:1]})


def test_a_page_gets_the_new_table_in_place_of_its_old_one(tmp_path, monkeypatch):
    page, other = tmp_path / "page.md", tmp_path / "other.md"
    page.write_text(f"Before\n\n{TABLE}\n\n| another | table |\n")
    other.write_text("No table\n")
    monkeypatch.setattr(table, "PAGES", [page, other])
    table.renew(f"{table.FIRST} new |")
    assert page.read_text() == f"Before\n\n{table.FIRST} new |\n\n| another | table |\n"
    assert other.read_text() == "No table\n"


@pytest.mark.parametrize("page", table.PAGES, ids=lambda page: page.name)
def test_pages_show_what_is_kept(page):
    assert table.shown(page.read_text(encoding="utf-8")) in ("", table.table(table.read()))


def test_the_page_about_speed_shows_it():
    assert table.shown(table.PAGES[1].read_text(encoding="utf-8"))
