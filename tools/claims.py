"""The page of all claims of the source document: docs/claims.md, made of docs/claims.toml and the notebooks' outputs.

python -m tools.claims            write the page
python -m tools.claims --check    compare only; exit 1 if the page is not in step, or a claim has no number
"""

import argparse
import re
import sys
import tomllib
from functools import cache, cached_property

import nbformat
from nbformat import NotebookNode
from pydantic import BaseModel, ConfigDict, TypeAdapter

from tools.build_notebooks import NOTEBOOKS
from tools.verify.notebooks import words_of

DOCS = NOTEBOOKS.parent / "docs"
TABLE, PAGE = DOCS / "claims.toml", DOCS / "claims.md"
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
OPENING = """# The claims of the source document, one by one

The course began with a document: an analysis of a small teaching program's printed output. It makes 33 claims. Here is
each of them with our verdict, a number that a cell measured, and where that cell stands. Every number is read out of
the notebooks' stored outputs; brackets after it hold its 95 % interval. Nothing here is medical advice.

| | the document says | verdict | what a cell found | where |
|---|---|---|---|---|
"""
TAKEAWAYS = """
## Five things to take away

The document closes with five takeaways. What is left of them, each with the cell whose number stands above:

"""


class Claim(BaseModel):
    """One claim, and where the number is that settles it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    says: str
    verdict: str
    takeaway: str = ""
    found: str
    notebook: str
    under: str
    pattern: str

    @cached_property
    def settled(self) -> tuple[str, str]:
        """The sentence with its numbers, and where they stand, as Markdown.

        Raises ValueError if no cell under the heading prints them.
        """
        for cell in cells_under(self.notebook, self.under):
            match = re.search(self.pattern, words_of(cell), re.DOTALL)
            if match:
                where = f"[{self.notebook}](../notebooks/{self.notebook}.ipynb), *{self.under}*"
                return self.found.format(*match.groups()), f"{where}, cell [{cell.execution_count}]"
        raise ValueError(f"under: no cell under {self.under!r} of {self.notebook} prints {self.pattern!r}")


def claims() -> dict[str, Claim]:
    """All claims by number."""
    return TypeAdapter(dict[str, Claim]).validate_python(tomllib.loads(TABLE.read_text(encoding="utf-8")))


@cache
def notebook(name: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def cells_under(name: str, heading: str) -> list[NotebookNode]:
    """The code cells under a heading of a notebook."""
    found, last = [], ""
    for cell in notebook(name).cells:
        if cell.cell_type == "markdown":
            last = [last, *HEADING.findall(cell.source)][-1]
        elif last == heading:
            found.append(cell)
    return found


def page() -> str:
    """The page. Raises ValueError, naming the claim, for one without a number."""
    rows: list[str] = []
    takeaways: list[str] = []
    for number, claim in claims().items():
        try:
            finding, where = claim.settled
        except ValueError as error:
            raise ValueError(f"{number}: {error}") from None
        rows.append(f"| {number} | {claim.says} | {claim.verdict} | {finding} | {where} |\n")
        if claim.takeaway:
            takeaways.append(f"{len(takeaways) + 1}. {claim.takeaway} ({number}: {where})\n")
    return "".join([OPENING, *rows, TAKEAWAYS, *takeaways])


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    parser = argparse.ArgumentParser(description="Make docs/claims.md of docs/claims.toml and the notebooks' outputs.")
    parser.add_argument("--check", action="store_true", help="only compare")
    options = parser.parse_args(arguments)
    try:
        made = page()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if not options.check:
        PAGE.write_text(made, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != made:
        print(f"not in step with the notebooks: {PAGE.name}; python -m tools.claims makes it anew")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
