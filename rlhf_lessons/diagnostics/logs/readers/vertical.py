"""Tables with a metric a row: the boxes that stable-baselines prints, and the summaries of READMEs.

| Metric        | Value          |
|---------------|----------------|
| Eval accuracy | 71.5%          |
| Training loss | 0.677 -> 0.545 |
"""

import re
from collections.abc import Iterator

from rlhf_lessons.diagnostics.logs.columns import Printed, Row
from rlhf_lessons.diagnostics.logs.names import canonical, plain, printed_number
from rlhf_lessons.diagnostics.logs.readers.records import settings_of
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Rows, has_measured, lines

BARS = str.maketrans("│┃║", "|||")
BORDER = re.compile(r"[-=+|:\s\u2500-\u257f]{4,}")  # what boxes are drawn with
NUMBER = r"([-+]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?(?:e[-+]?\d+)?|[-+]?inf|nan)"
# A number, or two with an arrow between, and what is said of it: `71.4% (avg last 50 steps)`.
CELL = re.compile(rf"[~≈]?\s?{NUMBER}(\s?%)?(?:\s*(?:->|→|=>|⟶)\s*{NUMBER}(\s?%)?)?(?=[\s,;(]|\Z)(?!\s*/)", re.IGNORECASE)
FEWEST = 2  # metrics
FIRST = re.compile(r"(?:start(?:ing)?|initial|first)\s+", re.IGNORECASE)
LAST = re.compile(r"(?:final|last|ending)\s+", re.IGNORECASE)
PAIRS = {"eval_examples": "eval_n_pairs", "training_examples": "num_examples", "train_examples": "num_examples"}


def sniff(text: str) -> bool:
    """Whether two known metrics stand in rows of their own."""
    found = {canonical(name) for name, _, _ in _cells(text[:HEAD]) if has_measured({name: 0.0})}
    return len(found) >= FEWEST


def read(text: str) -> Rows:
    """A row a box; a name that was there already begins the next one. `0.677 -> 0.545` is a first and a last row."""
    first: Row = {}
    row: Row = {}
    stated: Row = {}
    for name, before, value in _cells(text):
        if not name or name in row:
            yield from _rows(first, row, stated)
            first, row = {}, {}
        if name and canonical(name) is None and settings_of({name: value}):
            stated |= {name: value}
        elif name:
            row |= {} if value is None else {name: value}
            first |= {} if before is None else {name: before}
    yield from _rows(first, row, stated)
