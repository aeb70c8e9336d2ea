"""Lines of names and numbers, in any order: what most trainers print who have no form of their own."""

import re

from rlhf_lessons.diagnostics.logs.names import WHERE, canonical, means_of_the_run
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Rows, fields, lines, without_repeats
from rlhf_lessons.diagnostics.logs.rows import Printed, Row, has_measured

LONGEST_LINE = 1_000_000  # characters
ARROW = re.compile(r"([-+]?[\d.]+(?:e-?\d+)?%?)\s*(?:->|→)\s*([-+]?[\d.]+(?:e-?\d+)?%?)(?![\w.]*\w)")
MLX = re.compile(r"^Iter \d+: (Train|Val) loss ", re.MULTILINE)
PADDLE = re.compile(r"^.*\bglobal step \d+, epoch: \d+, (batch: \d+, )?loss: ", re.MULTILINE)
TORCHTUNE = re.compile(r"^Step \d+ \| (loss|\w+):", re.MULTILINE)


# Behind the name of an accuracy, how many of how many pairs are right: `113/373`, or `30.29% (113/373)`.
RIGHT_OF_ALL = re.compile(r"[\s:=]{0,9}(?:[\d.]{1,20}\s?%?\s{0,9}\(\s?)?(\d{1,12})\s?/\s?(\d{1,12})")


def is_mlx(text: str) -> bool:
    """mlx-lm prints `Iter 10: Train loss 0.61, Chosen reward 0.3, ...`."""
    return bool(MLX.search(text, 0, HEAD))


def is_paddle(text: str) -> bool:
    """PaddleNLP prints `global step 10, epoch: 1, loss: 0.61, speed: ...`, and `Evaluation acc: 0.6`."""
    return bool(PADDLE.search(text, 0, HEAD))


def is_torchtune(text: str) -> bool:
    """torchtune writes `Step 1 | loss:0.69 lr:2e-06 rewards/chosen:0.01 ...`."""
    return bool(TORCHTUNE.search(text, 0, HEAD))


def sniff(text: str) -> bool:
    """Any text may have such lines."""
    return True


def read(text: str) -> Rows:
    """Names with numbers behind them; a line that says more of the same epoch or step is added to the row before."""
    return without_repeats(_rows(text))


def _rows(text: str) -> Rows:
    row: Row = {}
    begun: Row = {}  # what the lines of a summary say of the start: `loss 0.69 -> 0.41`
    for line in lines(text):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"log: it has a line of {len(line):,} characters; it must have at most {LONGEST_LINE:,}")
        line = line.replace("'", "").replace('"', "")
        if "->" in line or "→" in line:
            start, line = ARROW.sub(r"\1", line), ARROW.sub(r"\2", line)
            begun |= _moved(_with_pairs(start), _with_pairs(line))
        *earlier, more = _rows_of_line(line)
        if earlier:
            yield from map(Printed, (row, *earlier))
            row = {}
        is_summary = len(more) > 1 and means_of_the_run(tuple(more))
        repeats = (canonical(name) in WHERE and row[name] == value for name, value in more.items() if name in row)
        if not is_summary and all(repeats):
            row |= more
        else:
            yield from map(Printed, (begun, row))
            begun, row = {}, more
    yield from map(Printed, (begun, row))


def _moved(start: Row, end: Row) -> Row:
    """What changes from start to end; of a line that names its place, nothing: its last number is that of the place."""
    is_placed = any(canonical(name) in WHERE for name in end)
    return {} if is_placed else {name: value for name, value in start.items() if end.get(name) != value}


def _rows_of_line(line: str) -> list[Row]:
    """The fields of a line as one row; as several, where it says the same names again, each time of another place."""
    whole = _with_pairs(line)
    first = next(iter(whole), "")
    if line.count(first) < 2 or not any(canonical(name) in WHERE for name in whole):
        return [whole]
    rows = [_with_pairs(part) for part in re.split(rf"(?<!\w)(?={re.escape(first)}\b)", line) if part.strip()]
    return rows if has_measured(whole) and all(row.keys() == whole.keys() for row in rows) else [whole]


def _with_pairs(line: str) -> Row:
    """The fields of a line, with the number of pairs that stands behind an accuracy."""
    row = fields(line)
    for name in row if "/" in line else ():
        meant = canonical(name) or ""
        found = meant.endswith("accuracy") and RIGHT_OF_ALL.match(line, line.find(name) + len(name))
        if found and int(found[1]) <= int(found[2]) > 0:
            return row | {name: int(found[1]) / int(found[2]), meant.replace("accuracy", "n_pairs"): float(found[2])}
    return row
