"""Pages of notebooks that need no network."""

import re

import pytest

from tools import pages

FETCHES = re.compile(r"<script|<link[^>]+href|src=[\"'](?!data:)|@import|url\([\"']?http", re.IGNORECASE)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    pages.main(["--to", str(folder)])
    return sorted(folder.glob("*.html"))


def test_every_notebook_is_a_page_that_fetches_nothing(written):
    assert [page.stem for page in written] == [path.stem for path in sorted(pages.NOTEBOOKS.glob("[0-9]*.ipynb"))]
    for page in written:
        assert not FETCHES.findall(page.read_text(encoding="utf-8")), page.name


def test_formulas_are_drawn_by_the_browser(written):
    text = "".join(page.read_text(encoding="utf-8") for page in written)
    sources = "".join(path.read_text(encoding="utf-8") for path in pages.NOTEBOOKS.glob("sources/*.md"))
    formulas = [found for found in pages.FORMULA.finditer(sources) if not found["code"]]
    assert text.count("<math") == len(formulas) > 10
    assert r"\\frac" not in text and "$$" not in text


def test_links_lead_to_pages(written):
    assert 'href="01_pretraining.html"' in written[0].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "drawn"),
    [("costs `$5` and `$6`", 0), ("```\n$x$\n```", 0), ("$x$ and $$y\n= 2$$", 2), ("5 $ and\n6 $", 0)],
)
def test_what_is_a_formula(text, drawn):
    assert pages.with_mathml(text).count("<math") == drawn
