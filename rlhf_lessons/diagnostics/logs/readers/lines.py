"""Lines of names and numbers, in any order: what most trainers print who have no form of their own."""

import re

from rlhf_lessons.diagnostics.logs.names import WHERE, canonical
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Rows, fields, lines, without_repeats
from rlhf_lessons.diagnostics.logs.rows import Printed, Row

LONGEST_LINE = 1_000_000  # characters
MLX = re.compile(r"^Iter \d+: (Train|Val) loss ", re.MULTILINE)
PADDLE = re.compile(r"^.*\bglobal step \d+, epoch: \d+, (batch: \d+, )?loss: ", re.MULTILINE)
TORCHTUNE = re.compile(r"^Step \d+ \| (loss|\w+):", re.MULTILINE)


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
    for line in lines(text):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"log: it has a line of {len(line):,} characters; it must have at most {LONGEST_LINE:,}")
        more = {} if "train_runtime" in line else fields(line.replace("'", "").replace('"', ""))
        if all(canonical(name) in WHERE and row[name] == value for name, value in more.items() if name in row):
            row |= more
        else:
            yield Printed(row)
            row = more
    yield Printed(row)
