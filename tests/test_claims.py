"""The page of claims has all of them, each with a number that a cell printed, and a gap is found."""

import re

import pytest

from tools import claims
from tools.build_notebooks import NOTEBOOKS

ALL = [f"C{number}" for number in range(1, 34)]


def test_every_claim_of_the_document_has_a_row_with_its_number():
    assert list(claims.claims()) == ALL
    for claim in claims.claims().values():
        finding, where = claim.settled
        assert re.search(r"\d", finding) and re.search(r"cell \[\d+\]$", where)
        assert 0 < re.compile(claim.pattern).groups == claim.found.count("{}"), "each number is read out of a cell"


def test_the_page_is_in_step_with_the_notebooks():
    assert claims.main(["--check"]) == 0


@pytest.mark.parametrize("number", ALL)
def test_notebook_and_heading_name_the_claim_that_they_settle(number):
    claim = claims.claims()[number]
    for text in ((NOTEBOOKS / "sources" / f"{claim.notebook}.md").read_text(encoding="utf-8"), claim.under):
        ranges = [range(int(first), int(last) + 1) for first, last in re.findall(r"C(\d+) to C(\d+)", text)]
        assert re.search(rf"\b{number}\b", text) or any(int(number[1:]) in numbers for numbers in ranges)


def test_the_five_takeaways_stand_after_the_claims_each_with_its_cell():
    _, takeaways = claims.page().split(claims.TAKEAWAYS)
    found = re.findall(r"^\d\. .+ \((C\d+): .+, cell \[\d+\]\)$", takeaways, re.MULTILINE)
    assert found == ["C28", "C29", "C30", "C31", "C32"]


def test_a_claim_whose_number_no_cell_prints_is_named(monkeypatch, capsys):
    gap = claims.claims()["C3"].model_copy(update={"pattern": "nowhere ([0-9])"})
    monkeypatch.setattr(claims, "claims", lambda: {"C3": gap})
    assert claims.main([]) == 1
    assert capsys.readouterr().err.startswith("C3: under: no cell under 'The log of the source document (C1, C3)' of")


def test_a_page_that_is_out_of_step_is_found_and_made_anew(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(claims, "PAGE", tmp_path / "claims.md")
    assert claims.main(["--check"]) == 1
    assert "python -m tools.claims makes it anew" in capsys.readouterr().out
    assert claims.main([]) == 0 and claims.main(["--check"]) == 0
