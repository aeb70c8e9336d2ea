"""Records: names with values, as JSON and `log_history` have them, and which of their texts tell runs apart."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from rlhf_lessons.diagnostics.logs.names import (
    HELD_OUT,
    RUNS,
    SETTING,
    STAGE,
    TRAINING,
    canonical,
    counted,
    number,
    plain,
    setting,
    stage_name,
)
from rlhf_lessons.diagnostics.logs.readers.text import Rows
from rlhf_lessons.diagnostics.logs.rows import MOST_RUNS, Printed, Row, has_measured
from rlhf_lessons.refusals import shown

Record = Mapping[Any, Any]

LOSSES = ("loss_type", "objective")  # say what was trained, even of a single run
PARTS = (*HELD_OUT, *TRAINING)  # of the data, as names of records within records
NUMBERED = ("run", "experiment")  # may be told apart by numbers
FEWEST_ROWS = 2  # of a run: where every row has its own name, the name tells no runs apart


def rows_of(content: Any) -> Rows:
    """Records, or what holds them: under `log_history` or another name, or as a list for each metric.

    Raises ValueError where there are none.
    """
    records = content
    if isinstance(content, Mapping):
        lists = (value for value in content.values() if isinstance(value, list))
        held = [value for value in lists if any(map(_is_record, value[:FEWEST_ROWS]))]
        records = content.get("log_history", held[0] if held else [content, *_beside(content)])
        if (held or "log_history" in content) and (stated := settings_of(content)):
            yield Printed(stated)
    try:
        found = [dict(record) for record in records]
    except (TypeError, ValueError):
        raise ValueError("log: this is not a log; it must be text, a table or a list of records") from None
    yield from rows_of_records(lambda: iter(found))


def _is_record(value: Any) -> bool:
    return isinstance(value, Mapping) and has_measured(map(str, value))


def _beside(content: Record) -> Iterator[Record]:
    """The rows of lists that stand under names of metrics, those of the same length side by side."""
    lists = {name: value for name, value in content.items() if isinstance(value, list) and canonical(name)}
    for length in dict.fromkeys(map(len, lists.values())):
        alike = [name for name, value in lists.items() if len(value) == length]
        for cells in zip(*map(lists.get, alike), strict=True):
            yield dict(zip(alike, cells, strict=True))


def settings_of(values: Record) -> Row:
    """What a record states of its run as a whole, ready to be yielded as a row."""
    named = {f"{SETTING}{key}": number(value) for key, value in values.items() if isinstance(key, str) and setting(key)}
    return {name: value for name, value in named.items() if value is not None}


def rows_of_records(records: Callable[[], Iterator[Record]], may_name_runs: bool = True) -> Rows:
    """A row a record, each with its run. `records` is called twice where texts may tell runs apart."""
    runs = {STAGE}
    if may_name_runs:
        keys = {key for key in set().union(*records()) if plain(key) in RUNS and plain(key) != STAGE}
        if keys:
            runs |= names_of_runs((key, record[key]) for record in records() for key in keys if key in record)
    return (row_of(record, runs) for record in records())


def names_of_runs(cells: Iterable[tuple[Any, Any]]) -> set[str]:
    """Which names tell the rows of one run from those of another: see `RUNS`."""
    values: dict[str, Counter[str]] = {}
    for key, value in cells:
        if (name := plain(key)) in RUNS and name != STAGE:
            seen = values.setdefault(name, Counter())
            if len(seen) <= MOST_RUNS:
                seen[stage_name(value)] += 1
    return {name for name, seen in values.items() if tell_runs(name, seen)}


def tell_runs(name: str, rows: Mapping[str, int]) -> bool:
    """Whether texts under this name, each with its number of rows, are those of runs that have several rows."""
    few = len(rows) <= MOST_RUNS and min(rows.values()) >= FEWEST_ROWS and all(rows)
    words = name in NUMBERED or not any(number(text) is not None for text in rows)
    return few and words and (len(rows) > 1 or name in LOSSES)


def row_of(record: Record, runs: Iterable[str] = (STAGE,)) -> Printed:
    """Its numbers, with those of records in it: `eval/loss` of `{"eval": {"loss": 0.6}}`."""
    names: dict[str, None] = {}
    row: Row = {}
    for key, value in record.items():
        if plain(key) in runs:
            names[stage_name(value)] = None
        elif (found := number(value)) is not None:
            row[key if isinstance(key, str) else shown(key)] = found
        elif isinstance(value, Mapping):
            part = f"{key}/" if f"{plain(key)}_" in PARTS else ""
            row |= {f"{part}{name}": found for name, of in value.items() if (found := number(of)) is not None}
        else:
            row |= counted(key, value)
    return Printed(row, run_name(names))


def run_name(parts: Iterable[str]) -> str:
    """One name of what several columns say."""
    return ", ".join(filter(None, dict.fromkeys(parts)))
