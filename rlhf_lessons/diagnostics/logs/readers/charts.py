"""Charts as files: what W&B and TensorBoard export of one."""

from collections.abc import Iterator
from itertools import islice

from rlhf_lessons.diagnostics.logs.names import canonical, number, plain, stage_name
from rlhf_lessons.diagnostics.logs.readers.tables import first_line, header_cells, split
from rlhf_lessons.diagnostics.logs.readers.tables import read as read_table
from rlhf_lessons.diagnostics.logs.readers.text import Found, Rows, lines
from rlhf_lessons.diagnostics.logs.rows import Printed

BETWEEN = " - "  # the name of a run and that of a metric
BLURRED = ("__MIN", "__MAX")
SCALAR = ["wall_time", "step", "value"]
NAMELESS = "a TensorBoard table does not say which metric its Value is; rename that column, e.g. to loss"


def is_wandb(text: str) -> bool:
    """Whether a column is called `RUN - METRIC`, of a metric that is known."""
    return any(canonical(_metric(cell)) for cell in _header(text) if BETWEEN in cell)


def read_wandb(text: str) -> Rows:
    """A row for each run of the chart; the smallest and largest values of a smoothed line are left out."""
    header = _header(text)
    series = {place: cell for place, cell in enumerate(header) if BETWEEN in cell and not cell.endswith(BLURRED)}
    where = {place: cell for place, cell in enumerate(header) if BETWEEN not in cell and canonical(cell)}
    runs = dict.fromkeys(_run(cell) for cell in series.values())
    if any(cell.endswith(BLURRED) for cell in header):
        yield "the columns __MIN and __MAX are those of a smoothed line and were left out"
    for run in runs:
        columns = where | {place: _metric(cell) for place, cell in series.items() if _run(cell) == run}
        name = stage_name(run) if len(runs) > 1 else ""
        for cells in _below(text):
            row = {key: number(cells[place]) for place, key in columns.items() if place < len(cells)}
            values = {key: value for key, value in row.items() if value is not None}
            if len(values) > len(where):
                yield Printed(values, name)


def _run(cell: str) -> str:
    return cell.rpartition(BETWEEN)[0].strip()


def _metric(cell: str) -> str:
    return cell.rpartition(BETWEEN)[2]


def is_tensorboard(text: str) -> bool:
    """Whether the columns are `Wall time`, `Step` and `Value`."""
    return [plain(cell) for cell in _header(text)] == SCALAR


def read_tensorboard(text: str) -> Found:
    """The values of a metric without a name."""
    yield NAMELESS
    yield from read_table(text)


def _header(text: str) -> list[str]:
    return header_cells(next(split([first_line(text)], ",", strict=False), []))


def _below(text: str) -> Iterator[list[str]]:
    return islice(split((line for line in lines(text) if not line.startswith("#")), ","), 1, None)
