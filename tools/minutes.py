"""How long the notebooks take a learner: the table that TEACHING.md quotes.

python -m tools.minutes            print it, and the seconds of the last `make course` here
python -m tools.minutes --write    and put it in the place of TEACHING.md's

*Reading* is the notebook's prose at `WORDS_A_MINUTE`; code, tables and pictures come on top. *Exercises* allow for
themselves. *First run* is the README's figure, which `make verify` remakes.
"""

import re
import sys
from pathlib import Path
from typing import NamedTuple

import nbformat

from rlhf_lessons import exercises, reruns
from tools.deck import FORMULA
from tools.verify.notebooks import quoted_minutes

ROOT = Path(__file__).resolve().parents[1]
README, TEACHING, COURSE = ROOT / "README.md", ROOT / "TEACHING.md", ROOT / "build" / "course"
WORDS_A_MINUTE = 150  # an assumption: slow enough for text with terms and numbers to think about
NOT_READ = re.compile(r"(?<=\])\([^)]*\)|<[^>]*>")  # a link's address, a tag
WORD = re.compile(r"\w[\w.,'%-]*")
HEADER = f"| notebook | words | reading, {WORDS_A_MINUTE} words a minute | exercises | first run |"
TABLE = re.compile(rf"{re.escape(HEADER)}\n(\|.*\n)+")


class Row(NamedTuple):
    """Words of a notebook's prose, and minutes: of reading them, of its exercises, of its first run."""

    name: str
    words: int
    reading: int
    exercises: int
    run: float


def words(text: str) -> int:
    """How many words a reader of this Markdown reads; a formula counts as one."""
    return len(WORD.findall(NOT_READ.sub(" ", FORMULA.sub(lambda found: found["code"] or " formula ", text))))


def rows() -> list[Row]:
    """A row for each notebook."""
    quoted = quoted_minutes(README.read_text(encoding="utf-8"))
    found = []
    for path in reruns.list_notebooks(reruns.NOTEBOOKS):
        cells = nbformat.read(path, as_version=4).cells
        length = sum(words(cell.source) for cell in cells if cell.cell_type == "markdown")
        exercise = sum(exercises.minutes(path.stem[:2]).values())
        run = float(quoted[path.name][0])
        found.append(Row(path.stem[:2], length, round(length / WORDS_A_MINUTE), exercise, run))
    return found


def table(found: list[Row]) -> str:
    """The rows and their sums, in Markdown."""
    _, *columns = zip(*found, strict=True)
    total = Row("all", *map(sum, columns))
    lines = [f"| {r.name} | {r.words:,} | {r.reading} | {r.exercises} | {r.run:.1f} |" for r in [*found, total]]
    return "\n".join([HEADER, "|---|---|---|---|---|", *lines, ""])


def last_course() -> str:
    """What the last `make course` here took, notebook by notebook; nothing if there was none."""
    runs = [(path.stem[:2], nbformat.read(path, as_version=4)) for path in sorted(COURSE.glob(reruns.NUMBERED))]
    times = [(name, run.metadata.get("papermill", {}).get("duration") or 0.0) for name, run in runs]
    said = ", ".join(f"{name}: {seconds:.0f} s" for name, seconds in times)
    return (
        f"the last make course here: {said}; {sum(seconds for _, seconds in times) / 60:.1f} minutes\n" if said else ""
    )


def main(arguments: list[str]) -> None:
    """The program."""
    made = table(rows())
    print(made + last_course(), end="")
    if "--write" in arguments:
        TEACHING.write_text(TABLE.sub(lambda _: made, TEACHING.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
