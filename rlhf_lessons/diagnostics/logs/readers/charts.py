"""Charts as files: what W&B and TensorBoard export of one."""

import re
from collections.abc import Iterator
from itertools import islice

from rlhf_lessons.diagnostics.logs.columns import Printed
from rlhf_lessons.diagnostics.logs.names import canonical, number, plain, stage_name
from rlhf_lessons.diagnostics.logs.readers.tables import first_line, header_cells, split
from rlhf_lessons.diagnostics.logs.readers.tables import read as read_table
from rlhf_lessons.diagnostics.logs.readers.text import Rows, lines

SERIES = re.compile(r"(.+) - (.+?)(__MIN|__MAX)?")
SCALAR = ["wall_time", "step", "value"]
NAMELESS = "a TensorBoard table does not say which metric its Value is; rename that column, e.g. to loss"


def is_wandb(text: str) -> bool:
    """Whether a column is called `RUN - METRIC`, of a metric that is known."""
    series = [SERIES.fullmatch(cell) for cell in _header(text)]
    return any(found and canonical(found[2]) for found in series)


def read_wandb(text: str) -> Rows:
    """A row for each run of the chart; the smallest and largest values of a blurred line are left out."""
    header = _header(text)
    places = {place: found for place, cell in enumerate(header) if (found := SERIES.fullmatch(cell)) and not found[3]}
    where = {place: cell for place, cell in enumerate(header) if SERIES.fullmatch(cell) is None and canonical(cell)}
    runs = dict.fromkeys(found[1] for found in places.values())
    if any(cell.endswith(("__MIN", "__MAX")) for cell in header):
        yield "the columns __MIN and __MAX are those of a smoothed line and were left out"
    for run in runs:
        columns = where | {place: found[2] for place, found in places.items() if found[1] == run}
        name = stage_name(run) if len(runs) > 1 else ""
        for cells in _below(text):
            row = {key: number(cells[place]) for place, key in columns.items() if place < len(cells)}
            values = {key: value for key, value in row.items() if value is not None}
            if len(values) > len(where):
                yield Printed(values, name)


def is_tensorboard(text: str) -> bool:
    """Whether the columns are `Wall time`, `Step` and `Value`."""
    return [plain(cell) for cell in _header(text)] == SCALAR


def read_tensorboard(text: str) -> Rows:
    """The values of a metric without a name."""
    yield NAMELESS
    yield from read_table(text)


def _header(text: str) -> list[str]:
    return header_cells(next(split([first_line(text)], ",", strict=False), []))


def _below(text: str) -> Iterator[list[str]]:
    return islice(split((line for line in lines(text) if not line.startswith("#")), ","), 1, None)
