"""The teacher's slides, made of the notebooks' own cells: `make slides` writes build/slides.

A deck for each notebook, a slide for each of its sections: what it begins with, and then, one below the other, what
it predicts, its exercises, its pictures and its short results. Nothing is run, and nothing is fetched.
"""

import argparse
import re
import shutil
import sys
from html import escape
from importlib.resources import files
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from traitlets.config import Config

from rlhf_lessons import reruns
from tools.book import ROOT, faults

SETTINGS, SLIDES = ROOT / "docs" / "slides", ROOT / "build" / "slides"
FULL, PICTURE = 1000, 650  # a slide, and a picture on it, in letters of its text
MOST_LINES = 14  # of a table, or of what is printed
STYLES = ("regular", "italic", "semibold", "semibolditalic")
FONT = "theme/fonts/source-sans-pro/source-sans-pro"
REVEAL = ["reveal.js", "reveal.css", "theme/white.css", f"{FONT}.css", *(f"{FONT}-{style}.woff" for style in STYLES)]
NO_CODE = "no-code"
CODE = r"```.*?```|`[^`\n]*`"  # where a dollar is a dollar
FORMULA = re.compile(rf"(?P<code>{CODE})|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)
BLOCK = re.compile(r"<details.*?</details>|\$\$.+?\$\$|(?:(?!\n\n|<details|\$\$).)+", re.DOTALL)
TAG = re.compile(r"<style.*?</style>|<[^>]*>|\s\s+", re.DOTALL)
PICTURE_TAG = re.compile(r"<img |<svg ")
SECTION = re.compile(r"(</?)section\b")  # reveal.js would take one in a result for a slide
LOCAL_LINK = re.compile(r'<a [^>]*href="(?!https?:|#)[^"]*"[^>]*>(.*?)</a>', re.DOTALL)


def with_mathml(text: str) -> str:
    """Markdown with its formulas, $inline$ and $$block$$, as MathML; what stands in code is left alone."""

    def drawn(found: re.Match[str]) -> str:
        if found["code"]:
            return found["code"]
        return convert(found["block"] or found["inline"], display="block" if found["block"] else "inline")

    return FORMULA.sub(drawn, text)


class Deck:
    """The slides of one notebook, in the making: `cells` know by their metadata where a slide begins."""

    def __init__(self) -> None:
        self.cells: list[NotebookNode] = []
        self._heading = self._lead = ""
        self._is_new = False  # the slide that was begun last has no text yet
        self._used = FULL  # how much of it is

    def add(self, cell: NotebookNode) -> None:
        """Take from a cell of the notebook what belongs on slides."""
        if cell.cell_type == "code":
            self._add_results(cell)
            return
        for part in re.split(r"^(?=##? )", cell.source, flags=re.MULTILINE):
            if part.strip():
                self._add_text(part)

    def _add_text(self, part: str) -> None:
        blocks = [block.strip() for block in BLOCK.findall(part) if block.strip()]
        if part.startswith("#"):
            self._heading = blocks[0].lstrip("# ")
            self._begin("slide", blocks.pop(0))
            self._is_new = True
        if self._is_new and blocks:
            first = next(filter(_is_prose, blocks), "")
            formulas = [block for block in blocks if block.startswith("$$")]
            self._write("\n\n".join([first, *formulas]))
            blocks = [block for block in blocks if block not in (first, *formulas)]
        for block in blocks:
            if "Predict first" in block or block.startswith("<details"):
                self._begin_below()
                self._write(block)
                self._used = FULL
        self._lead = next(filter(_is_prose, reversed(blocks)), "")

    def _add_results(self, cell: NotebookNode) -> None:
        is_exercise = ".check" in cell.source
        if is_exercise:
            self._make_room(len(cell.source) + PICTURE)
        shown = [output for output in cell.outputs if is_exercise or _is_short(output)]
        for output in shown:
            if not is_exercise:
                self._make_room(_size(output))
            self.cells.append(_result(cell, output, with_code=is_exercise and output is shown[0]))
        if shown:
            self._used = FULL

    def _make_room(self, size: int) -> None:
        """Begin another slide below if this one cannot take so much more; it starts with the words before the cell."""
        if self._used + size > FULL:
            self._begin_below()
            self._write(self._lead)
            self._lead = ""
        self._used += size

    def _begin_below(self) -> None:
        self._begin("subslide", f'<h2 class="again">{escape(self._heading)}</h2>')

    def _begin(self, kind: str, text: str) -> None:
        self.cells.append(new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}}))
        self._used = 0

    def _write(self, text: str) -> None:
        self.cells.append(new_markdown_cell(with_mathml(text)))
        self._is_new = False
        self._used += len(text)


def _result(cell: NotebookNode, output: NotebookNode, with_code: bool) -> NotebookNode:
    """A cell with this output alone."""
    if html := output.get("data", {}).get("text/html"):
        output.data["text/html"] = SECTION.sub(r"\1div", html)
    return new_code_cell(cell.source, outputs=[output], metadata={"tags": [] if with_code else [NO_CODE]})


def _size(output: NotebookNode) -> int:
    """How much of a slide it fills, in letters of the text."""
    html = output.get("data", {}).get("text/html", "")
    return len(TAG.sub("", html)) + PICTURE * bool(PICTURE_TAG.search(html)) + len(output.get("text", ""))


def _is_prose(block: str) -> bool:
    return not block.startswith(("$$", "<details")) and "Predict first" not in block


def _is_short(output: NotebookNode) -> bool:
    """Whether a class can read it: a picture, a lab, a question, a short table or a few lines; not the way about."""
    html = output.get("data", {}).get("text/html", "")
    lines = output.get("text", "").count("\n") + html.count("<tr")
    return bool(PICTURE_TAG.search(html)) or ("<nav " not in html and lines <= MOST_LINES and 0 < _size(output) <= FULL)


def page(path: Path) -> str:
    """A notebook as one page of slides that fetches nothing but what `write` puts beside it."""
    deck = Deck()
    for cell in nbformat.read(path, as_version=4).cells:
        deck.add(cell)
    settings = Config(
        CSSHTMLHeaderPreprocessor={"style": "default"},
        TagRemovePreprocessor={"enabled": True, "remove_input_tags": {NO_CODE}},
    )
    template = (SETTINGS / "deck.html.j2").read_text(encoding="utf-8")
    exporter = SlidesExporter(
        config=settings,
        raw_template=template,
        reveal_url_prefix="reveal",
        reveal_theme="white",
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    html, _ = exporter.from_notebook_node(new_notebook(cells=deck.cells), {"metadata": {"name": path.stem}})
    return LOCAL_LINK.sub(r"\1", html.replace("reveal/dist/", "reveal/"))


def write(folder: Path) -> None:
    """Write all decks with reveal.js beside them, and an index."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in REVEAL:
        (folder / "reveal" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(files("sphinx_revealjs") / "_static/revealjs/dist" / name), folder / "reveal" / name)
    shutil.copy(SETTINGS / "deck.css", folder)
    entries = []
    for path in reruns.list_notebooks(reruns.NOTEBOOKS):
        (folder / f"{path.stem}.html").write_text(page(path), encoding="utf-8")
        entries.append(f'<li><a href="{path.stem}.html">{escape(reruns.title(path))}</a></li>')
    head = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Slides</title><h1>Slides</h1>'
    keys = "<p>Arrows or the space bar go on, Esc shows all slides, F fills the screen, B makes it black.</p>"
    (folder / "index.html").write_text(f"{head}{keys}<ul>{''.join(entries)}</ul>", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tools.slides", description=__doc__)
    parser.add_argument("--to", type=Path, default=SLIDES, help="the folder to write")
    folder = parser.parse_args(arguments).to
    write(folder)
    if found := faults(folder):
        sys.exit("\n".join(found))
    print(f"{folder}: open index.html")


if __name__ == "__main__":
    main()
