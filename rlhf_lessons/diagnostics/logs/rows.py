"""Rows as readers find them, one by one or, of tables, many at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import NamedTuple

from rlhf_lessons.diagnostics.logs.names import canonical, is_measured, means_of_the_run

Row = dict[str, float]  # names as printed, and numbers

MOST_RUNS = 100
ONLY_SUMMARY = "the only row is the trainer's closing summary: train_loss is a mean over the whole run, not its end"
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


def without_summary(blocks: Iterable[Block | str]) -> Iterator[Block | str]:
    """Blocks without the summary that a Hugging Face trainer appends, for its means are no points of the run.

    An evaluation beside them stays. Where nothing else was measured, the summary is all there is, with a remark.
    """
    summary, seen = None, False
    for block in blocks:
        if isinstance(block, Block) and (means := means_of_the_run(tuple(block.columns))):
            summary = block
            block = block._replace(columns={name: block.columns[name] for name in block.columns if name not in means})
            if not has_measured(block.columns):
                continue
        seen = seen or (isinstance(block, Block) and has_measured(block.columns))
        yield block
    if summary and not seen:
        yield from (ONLY_SUMMARY, summary)


def has_measured(names: Iterable[str]) -> bool:
    """Whether any of these printed names is that of a measured value."""
    return any((name := canonical(printed)) and is_measured(name) for printed in names)
