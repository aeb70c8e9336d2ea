"""The course as pages and as slides: nothing is fetched, every link leads somewhere, and nothing is lost on the way."""

import re
from html import escape

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from rlhf_lessons import exercises, reruns
from tools import book, deck, slides
from tools.api_pages import package_page

NOTEBOOKS = [path.stem for path in reruns.list_notebooks(reruns.NOTEBOOKS)]
FETCHED = re.compile(r"(?:@import|url\()\s*[\"']?(?:https?:)?//")
TEA = '''"""Tea."""
from shop.cups import Cup

class Tea:
    """Hot."""
    cups: int = 1

    @property
    def warm(self) -> bool:
        """Is it?"""

    def pour(self, into: Cup) -> None:
        """Pour.

        into: a cup.
        Raises ValueError for a sieve.
        """

def _hidden(): ...
'''
IMAGE = re.compile(r"<img [^>]*>")


@pytest.fixture(scope="session")
def decks(tmp_path_factory):
    """All slides, made once."""
    folder = tmp_path_factory.mktemp("slides")
    slides.main(["--to", str(folder)])
    return folder


def read(path):
    return path.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["pages", "decks"])
def test_nothing_is_fetched_and_every_link_leads_somewhere(what, request):
    folder = request.getfixturevalue(what)
    assert {f"{name}.html" for name in NOTEBOOKS} <= {path.name for path in folder.rglob("*.html")}
    assert book.faults(folder) == []
    texts = [path for path in folder.rglob("*") if path.suffix in {".css", ".html"}]
    assert [path.name for path in texts if FETCHED.search(read(path))] == []


@pytest.mark.slow
@pytest.mark.parametrize("what", ["pages", "decks"])
def test_every_picture_has_words(what, request):
    images = [image for path in request.getfixturevalue(what).rglob("*.html") for image in IMAGE.findall(read(path))]
    assert len(images) > 50
    assert [image[:200] for image in images if not re.search(r'alt="[^"]+"|class="key"', image)] == []


@pytest.mark.slow
def test_every_formula_of_the_notebooks_is_drawn(pages):
    for name in NOTEBOOKS:
        cells = nbformat.read(reruns.NOTEBOOKS / f"{name}.ipynb", as_version=4).cells
        prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        formulas = [found for found in deck.FORMULA.finditer(prose) if not found["code"]]
        assert read(pages / "notebooks" / f"{name}.html").count("<math") == len(formulas), name


@pytest.mark.slow
def test_the_book_has_a_search_and_an_entry_for_each_loss(pages):
    assert "Search.setIndex(" in read(pages / "searchindex.js")
    assert "06_ppo" in read(pages / "index.html")
    losses = read(pages / "api" / "rlhf_lessons.objectives.html")
    assert 'id="rlhf_lessons.objectives.policy.clipped_policy_loss"' in losses


@pytest.mark.slow
def test_slides_show_each_section_and_no_code_but_exercises(decks):
    for name in NOTEBOOKS:
        text = read(decks / f"{name}.html")
        shown = {re.sub("<[^>]*>", "", heading) for heading in re.findall("<h2>(.*?)</h2>", text)}
        wanted = re.findall(r"^## (.*)", read(reruns.NOTEBOOKS / "sources" / f"{name}.md"), re.MULTILINE)
        assert {escape(re.sub("[*`]", "", heading), quote=False) for heading in wanted} <= shown, name
        code = [re.sub("<[^>]*>", "", cell) for cell in re.findall('<div class="highlight.*?</div>', text, re.DOTALL)]
        assert all(".check" in cell for cell in code), name
        assert bool(code) == bool(exercises.names(name[:2])), name


@pytest.mark.parametrize(
    ("html", "said"),
    [
        ('<a href="other.html#here">', []),
        ('<a href="#there">', ["one.html: #there leads nowhere"]),
        ('<a href="gone.html">', ["one.html: gone.html leads nowhere"]),
        ('<a href="other.html#gone">', ["one.html: other.html#gone leads nowhere"]),
        ('<a class="x" href="https://example.org">', []),
        ('<img src="data:image/png;base64,AA==">', []),
        ('<script src="https://example.org/x.js">', ["one.html: <script> fetches https://example.org/x.js"]),
        ('<link rel="stylesheet" href="//example.org/x.css">', ["one.html: <link> fetches //example.org/x.css"]),
    ],
)
def test_a_fault_of_a_page_is_named(tmp_path, html, said):
    (tmp_path / "one.html").write_text(html)
    (tmp_path / "other.html").write_text('<p id="here">')
    assert book.faults(tmp_path) == said


@pytest.mark.parametrize(
    ("text", "drawn"),
    [("costs `$5` and `$6`", 0), ("```\n$x$\n```", 0), ("$x$ and $$y\n= 2$$", 2), ("5 $ and\n6 $", 0)],
)
def test_what_is_a_formula(text, drawn):
    assert deck.with_mathml(text).count("<math") == drawn


def test_a_question_stands_on_a_slide_of_its_own_before_what_answers_it():
    made = deck.Deck()
    panel = "<section><b>You</b><p>How many?</p><details><summary>Answer</summary>3</details></section>"
    html = new_output("display_data", {"text/html": panel})
    printed = new_output("stream", text="3 of 20\n")
    made.add(new_markdown_cell("## Pairs\n\nThere are pairs.\n\n**Predict first.** How many?"))
    made.add(new_code_cell("predict()", outputs=[html]))
    made.add(new_code_cell("count()", outputs=[printed]))
    made.add(new_code_cell("import torch"))
    kinds = [cell.metadata.get("slideshow", {}).get("slide_type") for cell in made.cells]
    assert [kind for kind in kinds if kind] == ["slide", "subslide", "subslide", "subslide"]
    asked, answered = made.cells[5], made.cells[-1]
    assert "How many?" in asked.source and "<section" not in asked.source
    assert answered.outputs == [printed] and answered.metadata.tags == [deck.NO_CODE]


def test_a_page_of_the_reference_holds_what_is_public_with_its_words(tmp_path):
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").write_text('"""A shop."""')
    (package / "tea.py").write_text(TEA)
    page = package_page(package, tmp_path)
    assert page.startswith("# shop\n\nA shop.\n\n## tea\n\n")
    for line in ("class} Tea(cups: int=1)", "property} warm\n:type: bool", "method} pour(into: shop.cups.Cup) -> None"):
        assert f"{{py:{line}\n" in page
    assert "into: a cup.\\\nRaises ValueError for a sieve." in page
    assert "_hidden" not in page
