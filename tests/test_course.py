"""The header of the notebooks."""

import re
from xml.etree import ElementTree

import pytest

from rlhf_lessons import course, reruns, store
from tools import build_notebooks

NAMES = ("00_start_here", "01_pretraining", "08_dpo")


@pytest.fixture
def folder(write_notebook, monkeypatch, tmp_path):
    """A folder with three notebooks, in which the learner works; nothing is done yet."""
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "home"))
    for name in NAMES:
        path = write_notebook(name)
    monkeypatch.chdir(path.parent)
    return path.parent


def page(links: course.Links) -> ElementTree.Element:
    return ElementTree.fromstring(links._repr_html_())


def hrefs(links: course.Links) -> list[str | None]:
    return [link.get("href") for link in page(links).iter("a")]


def test_all_notebooks_but_the_one_that_is_open_are_links_to_files_beside_it(folder):
    header = course.here("01")
    assert hrefs(header) == ["00_start_here.ipynb", "08_dpo.ipynb"]
    assert all((folder / name).exists() for name in hrefs(header))
    (current,) = (item for item in page(header).iter("span") if item.get("aria-current") == "page")
    assert "".join(current.itertext()) == "01 pretraining"
    assert repr(header) == "You are here: 01 pretraining, notebook 2 of 3"


def test_a_tick_stands_at_what_has_kept_its_result(folder):
    assert "✓" not in course.here("01").html and "done" not in course.here("01").html
    store.save_result("00_start_here", {"seed": 0})
    store.save_result("quality", {})
    header = page(course.here("01"))
    assert ["✓" in "".join(item.itertext()) for item in header.findall("span")] == [True, False, False, False]
    assert "".join(header.itertext()).endswith("1 of 3 done")


def test_what_others_have_done_gets_no_tick(folder, monkeypatch, tmp_path):
    store.save_result("00_start_here", {"seed": 0})
    monkeypatch.setenv(store.SHARED_VARIABLE, str(store.home()))
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path / "own"))
    assert "✓" not in course.here("01").html and store.load_result("00_start_here") is None


def test_it_needs_no_trust_and_fits_any_theme(folder):
    """JupyterLab takes scripts, style tags and aria attributes out of what it does not trust."""
    store.save_result("00_start_here", {})
    shown = page(course.here("01"))
    assert {item.tag for item in shown.iter()} <= {"nav", "div", "span", "a"}
    assert not re.search(r"(color|background)\s*:", course.here("01").html), "colours are inherited"
    assert shown.tag == "nav" and shown.get("aria-label") == shown.get("title")


def test_a_notebook_that_is_open_elsewhere_is_found_in_the_course(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(hrefs(course.here("03"))) == len(reruns.list_notebooks(reruns.NOTEBOOKS)) - 1
    with pytest.raises(
        ValueError, match="notebook: '42' is not one; it must be a number or a name from 00_start_here,"
    ):
        course.here("42")


@pytest.mark.parametrize("source", sorted((reruns.NOTEBOOKS / "sources").glob("*.md")), ids=lambda path: path.stem)
def test_every_notebook_has_its_own_header_and_keeps_its_result_under_its_name(source):
    cells = [cell.source for cell in build_notebooks.convert(source).cells if cell.cell_type == "code"]
    number = source.stem[:2]
    assert cells[0].endswith(f'\ncourse.here("{number}")')
    assert f'store.save_result("{source.stem}", ' in cells[-1]


def test_a_notebook_made_for_all_shows_nobodys_ticks(tmp_path, monkeypatch):
    monkeypatch.setattr(build_notebooks, "HOME", tmp_path)
    monkeypatch.setenv(store.HOME_VARIABLE, str(tmp_path))
    store.save_result("00_start_here", {})
    assert "✓" in course.here("01").html
    build_notebooks.forget_results()
    assert "✓" not in course.here("01").html
