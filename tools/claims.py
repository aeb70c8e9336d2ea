"""The page of all claims of the source document: docs/claims.md, made of docs/claims.toml and the notebooks' outputs.

python -m tools.claims            write the page
python -m tools.claims --check    compare only; exit 1 if the page is not in step, or a claim has no number
"""

import argparse
import re
import sys
import tomllib
from functools import cache

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
the notebooks' stored outputs. Nothing here is medical advice.

| | the document says | verdict | what a cell found | where |
|---|---|---|---|---|
"""


class Claim(BaseModel):
    """One claim, and where the number is that settles it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    says: str
    verdict: str
    found: str
    notebook: str
    under: str
    pattern: str

    @property
    def finding(self) -> str:
        """The sentence with its numbers. Raises ValueError if no cell under the heading prints them."""
        for text in printed(self.notebook, self.under):
            match = re.search(self.pattern, text, re.DOTALL)
            if match:
                return self.found.format(*match.groups())
        raise ValueError(f"under: no cell under {self.under!r} of {self.notebook} prints {self.pattern!r}")


def claims() -> dict[str, Claim]:
    """All claims by number."""
    return TypeAdapter(dict[str, Claim]).validate_python(tomllib.loads(TABLE.read_text(encoding="utf-8")))


@cache
def notebook(name: str) -> NotebookNode:
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def printed(name: str, heading: str) -> list[str]:
    """What the code cells under a heading of a notebook show as text, cell by cell."""
    found, last = [], ""
    for cell in notebook(name).cells:
        if cell.cell_type == "markdown":
            last = [last, *HEADING.findall(cell.source)][-1]
        elif last == heading:
            found.append(words_of(cell))
    return found


def page() -> str:
    """The page. Raises ValueError, naming the claim, for one without a number."""
    lines = []
    for number, claim in claims().items():
        try:
            finding = claim.finding
        except ValueError as error:
            raise ValueError(f"{number}: {error}") from None
        where = f"[{claim.notebook}](../notebooks/{claim.notebook}.ipynb), *{claim.under}*"
        lines.append(f"| {number} | {claim.says} | {claim.verdict} | {finding} | {where} |")
    return OPENING + "\n".join(lines) + "\n"


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
