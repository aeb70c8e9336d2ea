"""Rows as readers find them, one by one or, of tables, many at once."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, islice
from typing import Any, NamedTuple

from rlhf_lessons.diagnostics.logs.names import canonical, is_measured, means_of_the_run

Row = dict[str, float]  # names as printed, and numbers

MOST_RUNS = 100
ONLY_SUMMARY = "there is only the trainer's closing summary: train_loss is a mean over the whole run, not its end"
AT_ONCE = 1_000  # rows


class Printed(NamedTuple):
    """One row as a reader finds it, and the name of its run or stage, "" for none."""

    values: Row
    run: str = ""


class Block(NamedTuple):
    """Rows that have the same names: printed name -> its values, the run, and the numbers of the rows in the log.

    A reader that yields one counts its rows from 0.
    """

    columns: Mapping[str, Sequence[float]]
    run: str
    rows: Sequence[int]


def in_blocks(found: Iterable[Printed | Block | str]) -> Iterator[Block | str]:
    """Printed rows that are alike as blocks, also where others stand between them; the rest as it comes."""
    count = 0
    for are_printed, items in groupby(found, key=lambda item: isinstance(item, Printed)):
        if are_printed:
            while some := list(islice(items, AT_ONCE)):
                yield from _alike(some, count)
                count += len(some)
            continue
        for item in items:
            if isinstance(item, Block):
                yield item._replace(rows=range(count, count + len(item.rows)))
                count += len(item.rows)
            elif isinstance(item, str):
                yield item


def _alike(printed: Sequence[Any], first: int) -> Iterator[Block]:
    """A block for each run and set of names, `first` being the number of the first row."""
    rows: defaultdict[tuple[str, ...], tuple[list[int], list[Any]]] = defaultdict(lambda: ([], []))
    for number, (values, run) in enumerate(printed, start=first):
        numbers, some = rows[run, *values]
        numbers.append(number)
        some.append(values.values())
    for (run, *names), (numbers, some) in rows.items():
        yield Block(dict(zip(names, zip(*some, strict=True), strict=True)), run, numbers)


def without_summary(blocks: Iterable[Block | str]) -> Iterator[Block | str]:
    """Blocks without the summary that a Hugging Face trainer appends, for its means are no points of the run.

    An evaluation beside them stays. Where nothing else was measured, or NaN alone, the summary is kept, with a remark.
    """
    summary, seen = None, False
    for block in blocks:
        if isinstance(block, Block) and (means := means_of_the_run(tuple(block.columns))):
            summary = block
            block = block._replace(columns={name: block.columns[name] for name in block.columns if name not in means})
            if not has_measured(block.columns):
                continue
        seen = seen or (isinstance(block, Block) and _measures_a_number(block))
        yield block
    if summary and not seen:
        own = {
            name: summary.columns[name] for name in summary.columns if not (canonical(name) or "").startswith("eval_")
        }
        yield from (ONLY_SUMMARY, summary._replace(columns=own))


def _measures_a_number(block: Block) -> bool:
    return any(value == value for name in block.columns if has_measured([name]) for value in block.columns[name])


def has_measured(names: Iterable[str]) -> bool:
    """Whether any of these printed names is that of a measured value."""
    return any((name := canonical(printed)) and is_measured(name) for printed in names)
