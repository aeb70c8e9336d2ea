"""A log as columns: what the rules ask of, and how printed rows become one."""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import sub
from typing import Any, NamedTuple

import numpy as np

from rlhf_lessons.diagnostics.bars import NO_CEILING, Bars
from rlhf_lessons.diagnostics.logs.names import AS_PRINTED, SETTING, WHERE, canonical, setting, stage_name
from rlhf_lessons.diagnostics.logs.reading import NO_READING, Reading
from rlhf_lessons.diagnostics.logs.rows import MOST_RUNS, Block, Printed, Row, in_blocks, without_summary

LARGEST = 1e100  # what is larger than any loss counts as infinite
LEAST_PERCENT = 20


class Column(NamedTuple):
    """The values of one name, and the numbers of the rows that have it, ascending."""

    rows: np.ndarray
    values: np.ndarray


NOTHING = Column(np.array([], dtype=int), np.array([]))


class Asked(dict[str, Column]):
    """Columns that note in `names` which of them were looked at."""

    def __init__(self, columns: Mapping[str, Column]):
        super().__init__(columns)
        self.names: dict[str, None] = {}

    def get(self, name: str, default: Any = None) -> Any:
        if name in self:
            self.names[name] = None
        return super().get(name, default)


@dataclass(frozen=True, eq=False)
class Log:
    """Columns by canonical name (`names.NAMES`, with `eval_` before what was held out).

    Accuracies are shares. Where they were printed otherwise (in percent, or as sums), `printed_accuracy` has them as
    they were printed.

    bars: those of its pairs; kind: what sort of run it is (`findings.Kind`); reading: what was understood.
    """

    columns: Mapping[str, Column]
    bars: Bars = NO_CEILING
    kind: str = "unknown"
    reading: Reading = NO_READING

    def __contains__(self, name: str) -> bool:
        """Whether any value of this name was logged."""
        return len(self.columns.get(name, NOTHING).rows) > 0

    def series(self, *names: str) -> list[tuple[float, ...]]:
        """The values of `names` in those rows which have all of them, in order; NaN and infinity included."""
        return _tuples(_shared([self.columns.get(name, NOTHING) for name in names]))

    def finite(self, *names: str) -> list[tuple[float, ...]]:
        """As `series`, without the rows in which one of them is NaN or infinite."""
        return _tuples(self.arrays(*names))

    def arrays(self, *names: str) -> list[np.ndarray]:
        """As `finite`, but an array a name: tuples of a long log take ten times the memory."""
        return _shared([_finite(self.columns.get(name, NOTHING)) for name in names])

    def values(self, name: str) -> list[float]:
        """The finite values of one column, in order."""
        return _finite(self.columns.get(name, NOTHING)).values.tolist()

    def positions(self, name: str) -> tuple[str, list[float]]:
        """The unit and the places of the finite values of `name`: epoch, else step, else row number."""
        rows = _finite(self.columns.get(name, NOTHING)).rows
        for where in WHERE:
            column = _finite(self.columns.get(where, NOTHING))
            if np.isin(rows, column.rows).all() and (np.diff(_at(column, rows)) > 0).all():
                return where, _at(column, rows).tolist()
        return "row", [float(number) for number in range(len(rows))]


@dataclass
class _Writer:
    """Collects the rows of one run; 16 bytes a number."""

    rows: defaultdict[str, "array[int]"] = field(default_factory=lambda: defaultdict(lambda: array("q")))
    values: defaultdict[str, "array[float]"] = field(default_factory=lambda: defaultdict(lambda: array("d")))
    printed: defaultdict[str, dict[str, None]] = field(default_factory=lambda: defaultdict(dict))
    ignored: dict[str, None] = field(default_factory=dict)
    places: dict[tuple[str, ...], dict[str, int]] = field(default_factory=dict)  # of what was printed under some names
    count: int = 0

    def add(self, block: Block) -> None:
        """Some rows, with their numbers."""
        names = tuple(block.columns)
        places = self.places.get(names)
        if places is None:
            places = self.places[names] = self._places(names)
        printed = tuple(block.columns.values())
        columns = {name: printed[place] for name, place in places.items()}
        for prefix in ("", "eval_"):
            both = [columns[name] for which in ("chosen", "rejected") if (name := f"{prefix}reward_{which}") in columns]
            if len(both) == 2:
                columns.setdefault(f"{prefix}margin", tuple(map(sub, *both)))
        for name, column in columns.items():
            self.rows[name].extend(block.rows)
            self.values[name].extend(column)
        self.count += len(block.rows) if columns else 0

    def _places(self, names: Sequence[str]) -> dict[str, int]:
        """Canonical name -> its place among the printed ones, the first of several; and notes what is not known."""
        found: dict[str, int] = {}
        for place, printed in enumerate(names):
            name = canonical(printed)
            if name is None:
                self.ignored[stage_name(printed)] = None
            elif name not in found:
                found[name] = place
                self.printed[name][stage_name(printed)] = None
        return found

    def log(self, form: str, remarks: tuple[str, ...], words: frozenset[str], settings: Row) -> Log:
        columns = {name: _in_order(np.asarray(self.rows[name]), np.asarray(self.values[name])) for name in self.rows}
        for prefix in ("", "eval_"):
            columns |= _as_shares(columns, prefix)
        finite = {name: _finite(column).values for name, column in columns.items()}
        reading = Reading(
            form,
            self.count,
            {name: tuple(printed) for name, printed in self.printed.items() if name in columns},
            {name: (float(values[0]), float(values[-1])) for name, values in finite.items() if len(values)},
            tuple(self.ignored),
            settings,
            words,
            remarks,
        )
        return Log(columns, reading=reading)


def collect(
    found: Iterable[Printed | Block | str], form: str = "", words: frozenset[str] = frozenset()
) -> dict[str, Log]:
    """Rows as a reader yields them as one log a run. Rows without a run have an empty name for it; text is a remark.

    A row of names that begin with `setting_` states what holds of the run as a whole, the last one if several do.
    form, words: see `Reading`. Raises ValueError for more than 100 runs, and where some rows name theirs and others do
    not.
    """
    writers: dict[str, _Writer] = {}
    remarks: dict[str, None] = {}
    settings: Row = {}
    for block in without_summary(in_blocks(found)):
        if isinstance(block, str):
            remarks[block] = None
            continue
        run, names = block.run, tuple(block.columns)
        if names and names[0].startswith(SETTING):
            values = {setting(name[len(SETTING) :]): column[-1] for name, column in block.columns.items()}
            settings |= {kept: value for kept, value in values.items() if kept}
            continue
        if run not in writers and (run or names):
            writers[run] = _Writer()
            if "" in writers and len(writers) > 1:
                raise ValueError("stage: some rows name none; either every row must name its stage, or no row")
            if len(writers) > MOST_RUNS:
                raise ValueError(f"stage: the log holds over {MOST_RUNS}; it must hold at most so many")
        if names:
            writers[run].add(block)
    return {run: writer.log(form, tuple(remarks), words, settings) for run, writer in writers.items()}


def _shared(columns: Sequence[Column]) -> list[np.ndarray]:
    """The values of each column in the rows that all of them have."""
    rows = reduce(lambda some, others: some[np.isin(some, others)], [column.rows for column in columns])
    return [_at(column, rows) for column in columns]


def _tuples(arrays: Sequence[np.ndarray]) -> list[tuple[float, ...]]:
    return list(zip(*(array.tolist() for array in arrays), strict=True))


def _in_order(rows: np.ndarray, values: np.ndarray) -> Column:
    """A column by its row numbers, ascending, without values that are larger than any loss."""
    if (np.diff(rows) < 0).any():
        order = np.argsort(rows)
        rows, values = rows[order], values[order]
    return Column(rows, np.where(np.abs(values) > LARGEST, np.copysign(np.inf, values), values))


def _as_shares(columns: dict[str, Column], prefix: str) -> dict[str, Column]:
    """Accuracies as shares from 0 to 1; where some are over 1, also as they were printed, and as shares if in percent.

    Values over 1 of which none reaches 20 are no percentages (a coin has 50), nor are those that count up from under 20
    by at most one a row, or in more than ten rows without ever falling. No share can be made of them.
    """
    name = f"{prefix}accuracy"
    column = columns.get(name, NOTHING)
    if not len(column.rows):
        return {}
    over = np.fmax.reduce(column.values) > 1
    finite = _finite(column).values
    steps = np.diff(finite)
    slowly = np.median(steps) <= 1 or len(steps) > 10 if len(steps) else False
    counted = len(steps) > 2 and finite[0] < LEAST_PERCENT and (steps >= 0).all() and slowly
    percent = np.fmax.reduce(column.values) >= LEAST_PERCENT and not counted
    shares = column.values / (100 if percent else np.nan if over else 1)
    found = {name: _where(Column(column.rows, shares), (shares >= 0) & (shares <= 1))}
    return found | ({f"{prefix}{AS_PRINTED}": column} if over else {})


def _finite(column: Column) -> Column:
    return _where(column, np.isfinite(column.values))


def _where(column: Column, chosen: np.ndarray) -> Column:
    return Column(column.rows[chosen], column.values[chosen])


def _at(column: Column, rows: np.ndarray) -> np.ndarray:
    """The values of a column in rows that it has."""
    return column.values[np.searchsorted(column.rows, rows)]


def printed_name(log: Log, name: str) -> str:
    """The name under which a column was printed; `name` itself where nothing was."""
    return " or ".join(log.reading.names.get(name, (name,)))
