"""Model cards as they are copied from a page: lists of results and settings, and tables that lost their bars.

The header of such a table is a line of names that may have several words, `Training Loss Epoch Step Validation Loss`;
a row below it is a line of as many numbers.
"""

import re
from collections.abc import Iterator
from functools import partial

from rlhf_lessons.diagnostics.logs.names import NUMBER, canonical, number
from rlhf_lessons.diagnostics.logs.readers.records import settings_of
from rlhf_lessons.diagnostics.logs.readers.tables import header_cells, rows_below
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Found, Rows, has_measured, held_out, lines
from rlhf_lessons.diagnostics.logs.rows import Printed, Row

RESULTS = re.compile(r"following results on the evaluation set", re.IGNORECASE)
ITEM = re.compile(r"^[-*•]\s*`?([\w/ .]{1,60}?)`?\s*:\s*(\S+)\s*$")
NO_LOG = re.compile(r"\bno log\b", re.IGNORECASE)
MOST_WORDS = 100  # of a header
LONGEST_NAME = 4  # words


def sniff(text: str) -> bool:
    """Whether a header of words stands above a row of as many numbers, or a card lists its results."""
    return bool(RESULTS.search(text, 0, HEAD)) or any(True for _ in _tables(text[:HEAD]))


def read(text: str) -> Found:
    """The rows of the tables, and what is listed around them. Results that are listed repeat a table's last row."""
    yield from stated(text)
    tables = list(_tables(text))
    for header, below in tables:
        yield from rows_below(header, partial(iter, below))
    if not tables:
        yield from results(text)


def stated(text: str) -> Rows:
    """The settings that are listed."""
    if found := settings_of(_items(text)):
        yield Printed(found)


def results(text: str) -> Rows:
    """The listed results as one held-out row."""
    yield Printed(held_out({name: value for name, value in _items(text).items() if not settings_of({name: value})}))
    yield "the results on the evaluation set are a single row"


def _items(text: str) -> Row:
    found = (ITEM.match(line.lstrip()) for line in lines(text) if line.lstrip().startswith(("-", "*", "•")))
    pairs = ((item[1], number(item[2])) for item in found if item)
    return {name: value for name, value in pairs if value is not None}


def _tables(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """The header and the cells of every table."""
    header: list[str] = []
    below: list[list[str]] = []
    for line in lines(text):
        cells = _numbers(line)
        if cells and header and len(cells) == len(header):
            below.append(cells)
            continue
        if below:
            yield header, below
        header, below = _header(line), []
    if below:
        yield header, below


def _numbers(line: str) -> list[str]:
    """The numbers of a line that has nothing else, "" for "No log"; none for another line."""
    cells = NO_LOG.sub("-", line).split()
    return ["" if cell == "-" else cell for cell in cells] if all(_is_cell(cell) for cell in cells) else []


def _is_cell(cell: str) -> bool:
    return cell == "-" or number(cell) is not None


def _header(line: str) -> list[str]:
    """The names of a line that has nothing else, none if fewer than two of them are known.

    The longest known one is taken first; words that are unknown and stand together are one name.
    """
    words = header_cells(line.split())
    if NUMBER.search(line) or not 1 < len(words) <= MOST_WORDS:
        return []
    names: list[str] = []
    known = 0
    while words:
        size = next((size for size in range(LONGEST_NAME, 0, -1) if canonical(" ".join(words[:size]))), 0)
        name, words = " ".join(words[: size or 1]), words[size or 1 :]
        if size or not names or "/" in name or "/" in names[-1] or canonical(names[-1]):
            names.append(name)
        else:
            names[-1] += f" {name}"
        known += bool(size)
    return names if known > 1 and has_measured(dict.fromkeys(names, 0.0)) else []
