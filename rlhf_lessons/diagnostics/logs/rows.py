"""Rows as readers find them, one by one or, of tables, many at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import NamedTuple

Row = dict[str, float]  # names as printed, and numbers

MOST_RUNS = 100
AT_ONCE = 1_000  # rows


class Printed(NamedTuple):
    """One row as a reader finds it, and the name of its run or stage, "" for none."""

    values: Row
    run: str = ""


class Block(NamedTuple):
    """Rows that follow one another and have the same names: printed name -> its values, the run, how many rows."""

    columns: Mapping[str, Sequence[float]]
    run: str
    rows: int


def in_blocks(found: Iterable[Printed | Block | str]) -> Iterator[Block | str]:
    """Printed rows that are alike as blocks; the rest as it comes."""
    for key, alike in groupby(found, key=_names):
        if isinstance(key, str | Block):
            yield from (item for item in alike if not isinstance(item, Printed))
            continue
        run, names = key[0], key[1:]
        while some := [tuple(item.values.values()) for item in islice(alike, AT_ONCE) if isinstance(item, Printed)]:
            yield Block(dict(zip(names, zip(*some, strict=True), strict=True)), run, len(some))


def _names(item: Printed | Block | str) -> tuple[str, ...] | Block | str:
    """The run and the printed names of a row; anything else is like itself alone."""
    return (item.run, *item.values) if isinstance(item, Printed) else item
