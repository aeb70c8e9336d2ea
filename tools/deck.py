"""What of a notebook goes onto slides, and where one ends: for tools/slides.py."""

import re
from html import escape

from latex2mathml.converter import convert
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell

FULL, PICTURE = 1000, 650  # a slide, and a picture on it, in letters of its text
MOST_LINES = 14  # of a table, or of what is printed
NO_CODE = "no-code"
CODE = r"```.*?```|`[^`\n]*`"  # where a dollar is a dollar
FORMULA = re.compile(rf"(?P<code>{CODE})|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)
BLOCK = re.compile(r"<details.*?</details>|\$\$.+?\$\$|(?:(?!\n\n|<details|\$\$).)+", re.DOTALL)
ASKS = re.compile(r"Predict first|<details")
NO_LEAD = re.compile(rf"{ASKS.pattern}|\$\$")
QUESTION = re.compile(r"<p>(?:(?!</details>).)*<summary>Answer</summary>.*?</details>", re.DOTALL)  # of a panel
PICTURE_TAG = re.compile(r"<img |<svg ")
SECTION = re.compile(r"(</?)section\b")  # reveal.js would take one in a result for a slide
TAG = re.compile(r"<style.*?</style>|<[^>]*>|\s\s+", re.DOTALL)


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
            first = next((block for block in blocks if not block.startswith(("$$", "<details"))), "")
            formulas = [block for block in blocks if block.startswith("$$")]
            self._write("\n\n".join([first, *formulas]))
            blocks = [block for block in blocks if block not in (first, *formulas)]
        for block in filter(ASKS.search, blocks):
            self._write_below(block)
        self._lead = next((block for block in reversed(blocks) if not NO_LEAD.search(block)), "")

    def _add_results(self, cell: NotebookNode) -> None:
        if is_exercise := ".check" in cell.source:  # its code is what the class has to see
            self._make_room(len(cell.source) + PICTURE)
            self.cells.append(new_code_cell(cell.source, outputs=cell.outputs))
        shown = [] if is_exercise else list(filter(_is_short, cell.outputs))
        for output in shown:
            self._add_result(output)
        if is_exercise or shown:
            self._used = FULL  # what the next cell found begins another slide

    def _add_result(self, output: NotebookNode) -> None:
        questions = QUESTION.findall(_html(output))
        for question in questions:
            self._write_below(question)
        if not questions:
            self._make_room(_size(output))
            if html := _html(output):
                output.data["text/html"] = SECTION.sub(r"\1div", html)
            self.cells.append(new_code_cell(outputs=[output], metadata={"tags": [NO_CODE]}))

    def _make_room(self, size: int) -> None:
        """Begin another slide below if this one cannot take so much more; it starts with the words before the cell."""
        if self._used + size > FULL:
            self._write_below(self._lead)
            self._lead = ""
        self._used += size

    def _write_below(self, text: str) -> None:
        self._begin("subslide", f'<h2 class="again">{escape(self._heading)}</h2>')
        self._write(text)

    def _begin(self, kind: str, text: str) -> None:
        self.cells.append(new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}}))
        self._used = 0

    def _write(self, text: str) -> None:
        self.cells.append(new_markdown_cell(with_mathml(text)))
        self._is_new = False
        self._used = FULL if ASKS.search(text) else self._used + len(text)  # no answer beside its question


def _html(output: NotebookNode) -> str:
    return output.get("data", {}).get("text/html", "")


def _size(output: NotebookNode) -> int:
    """How much of a slide it fills, in letters of the text."""
    html = _html(output)
    return len(TAG.sub("", html)) + PICTURE * bool(PICTURE_TAG.search(html)) + len(output.get("text", ""))


def _is_short(output: NotebookNode) -> bool:
    """Whether a class can read it: a picture, a lab, a question, a short table or a few lines; not the way about."""
    html = _html(output)
    lines = output.get("text", "").count("\n") + html.count("<tr")
    return bool(PICTURE_TAG.search(html) or QUESTION.search(html)) or (
        "<nav " not in html and lines <= MOST_LINES and 0 < _size(output) <= FULL
    )
