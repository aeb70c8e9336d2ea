"""The table of all rows, as Markdown that reads well in a terminal too, and the line that sums it up."""

from collections.abc import Sequence
from dataclasses import dataclass

from tools.verify.rows import AGREES, DIFFERS, EQUAL, Row, count

COLUMNS = ("where", "what", "quoted", "remade", "difference", "judged by", "verdict")


@dataclass(frozen=True)
class Label:
    """What the figures were remade with."""

    made: str
    torch: str
    threads: int
    minutes: float

    def __str__(self) -> str:
        return f"made on {self.made}, torch {self.torch}, threads {self.threads}, {self.minutes:.0f} minutes"


def table(rows: Sequence[Row]) -> str:
    """One line a row, the columns aligned."""
    told = [(r.where, r.what, r.quoted, r.remade, r.difference, r.judged_by, r.verdict) for r in rows]
    lines = [[cell.replace("|", "/") for cell in line] for line in (COLUMNS, *told)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    printed = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    return "\n".join([printed[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *printed[1:]])


def summary(rows: Sequence[Row], label: Label) -> str:
    """How many figures were remade, and how many of them agree."""
    found = count(rows)
    equal, differ = found[EQUAL], found[DIFFERS]
    agree = equal + found[AGREES]
    return f"{agree + differ:,} figures remade, {agree:,} agree ({equal:,} to the digit), {differ:,} differ; {label}"


def page(rows: Sequence[Row], prose: Sequence[str], label: Label) -> str:
    """Table, the numbers in prose that a reader should judge, and the summary."""
    listing = [
        f"{len(prose)} numbers in prose that no cell of their notebook prints (quoted, or to be mended):\n",
        *(f"- {line}" for line in prose),
    ]
    return "\n".join(
        [
            table(rows),
            "",
            *(listing if prose else ["Each number in prose is printed by a cell."]),
            "",
            summary(rows, label),
            "",
        ]
    )
