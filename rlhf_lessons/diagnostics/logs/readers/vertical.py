"""Tables with a metric a row: the boxes that stable-baselines prints, and the summaries of READMEs."""

import re
from collections.abc import Iterator

from rlhf_lessons.diagnostics.logs.names import HELD_OUT, SETTING, TRAINING, canonical, plain, printed_number, setting
from rlhf_lessons.diagnostics.logs.readers.tables import BORDER, header_cells
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Rows, lines
from rlhf_lessons.diagnostics.logs.rows import Printed, Row, has_measured

NUMBER = r"[-+]?(?:(?:\d{1,3}(?:,\d{3})+(?![\d,])|\d+)(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?\s?%?|[-+]?(?:nan|inf)\b"
# A number, or two with an arrow between, and in words what is said of it: `71.4% (avg last 50 steps)`.
CELL = re.compile(rf"[~≈]?\s?({NUMBER})(?:\s*(?:->|→|=>)\s*({NUMBER}))?(?=[\s(;]|\Z)(?!\s*/)", re.IGNORECASE)
LONGEST_LINE = 1_000
FEWEST = 2  # names
FIRST = re.compile(r"^(?:start|starting|initial|first|before)\s+", re.IGNORECASE)
LAST = re.compile(r"^(?:final|last|end|after)\s+", re.IGNORECASE)
# Of the data, or of the run, as names of columns.
PARTS = frozenset(prefix.strip("_") for prefix in (*HELD_OUT, *TRAINING))
PARTS |= {"start", "initial", "first", "before", "final", "last", "end", "after"}
EXAMPLES = {f"{part}_examples": "eval_n_pairs" for part in ("eval", "evaluation", "validation", "test")}
EXAMPLES |= {f"{part}_examples": f"{SETTING}num_examples" for part in ("train", "training")}

Cell = tuple[str, bool, float]  # the name of a metric, whether this is its first value, and the value


def sniff(text: str) -> bool:
    """Whether two known names stand in rows of their own, one of them that of a measured value."""
    known = {name: value for name, _, value in _cells(text[:HEAD]) if canonical(name)}
    return len(set(map(canonical, known))) >= FEWEST and has_measured(known)


def read(text: str) -> Rows:
    """A row a box; a name that was there already begins the next one. `0.677 -> 0.545` is a first and a last row."""
    first: Row = {}
    last: Row = {}
    for name, is_first, value in _cells(text):
        if name.startswith(SETTING):
            yield Printed({name: value})
            continue
        if not name or name in (first if is_first else last):
            yield from (Printed(row) for row in (first, last) if row)
            first, last = {}, {}
        if name:
            (first if is_first else last)[name] = value
    yield from (Printed(row) for row in (first, last) if row)


def _cells(text: str) -> Iterator[Cell]:
    """What the rows of two cells say, or of a cell for each part of the data; an empty name between two boxes."""
    after_border, parts = False, [""]
    for line in lines(text):
        if BORDER.fullmatch(line):
            if after_border:
                yield "", False, 0.0
            after_border = True
            continue
        line = line if len(line) <= LONGEST_LINE else ""
        name, *cells = header_cells(line.strip("| \t").split("|"))
        if cells and all(plain(cell) in PARTS for cell in cells):
            parts = cells
        elif len(cells) != len(parts):
            parts = [""]
        if len(cells) == len(parts):
            after_border = False
            for part, cell in zip(parts, cells, strict=True):
                yield from _pair(f"{part} {name}".strip() if name else "", cell)


def _pair(name: str, cell: str) -> Iterator[Cell]:
    found = CELL.match(cell)
    if not name or not found or printed_number(name) is not None:
        return
    numbers = [value for text in found.groups("") if (value := printed_number(text.replace(",", ""))) is not None]
    is_first = bool(FIRST.match(name))
    name = LAST.sub("", FIRST.sub("", name))
    if plain(name) in EXAMPLES:
        name = EXAMPLES[plain(name)]
    elif canonical(name) is None and setting(name):
        name = f"{SETTING}{name}"
    for place, value in enumerate(numbers):
        yield name, is_first or place < len(numbers) - 1, value
