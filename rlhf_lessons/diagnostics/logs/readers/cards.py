"""Tables and results within a text, above all a model card that was copied from its page.

Where a table lost its bars, its header is a line of names that may have several words, `Training Loss Epoch Step`. A
row is a line of as many numbers below it.
"""

import math
import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import chain, takewhile

from rlhf_lessons.diagnostics.logs.names import NUMBER, canonical, is_measured, number
from rlhf_lessons.diagnostics.logs.readers.records import settings_of
from rlhf_lessons.diagnostics.logs.readers.tables import header_cells, rows_below
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Found, Rows, held_out, lines
from rlhf_lessons.diagnostics.logs.rows import Block, Printed, Row, has_measured

RESULTS = re.compile(r"following results on the evaluation set", re.IGNORECASE)
ITEM = re.compile(r"^(?:[-*•]\s*)?[*`]*([\w/ .()-]{1,60}?)[*`]*\s*:[*`]*\s*(\S+)\s*$")
BULLETS = ("-", "*", "•")
NO_LOG = re.compile(r"\bno log\b", re.IGNORECASE)
LONGEST_HEADER = 1_000  # characters
SIGNS = (",", ";", "|", "\t")  # at which cells end; else at blanks
OTHER_CELL = re.compile(r"-?|\d{1,4}(?::\d\d){1,2}")
LONGEST_NAME = 4  # words


def sniff(text: str) -> bool:
    """Whether a header of words stands above a row of as many numbers, or a card lists its results."""
    return bool(RESULTS.search(text, 0, HEAD)) or any(True for _ in _tables(text[:HEAD]))


def read(text: str) -> Found:
    """The rows of the tables, and what is listed around them."""
    yield from stated(text)
    tables = (rows_below(header, partial(iter, below)) for header, below in _tables(text))
    yield from with_results(text, chain.from_iterable(tables))


def stated(text: str) -> Rows:
    """The settings that are listed."""
    if found := settings_of(_listed(text)):
        yield Printed(found)


def with_results(text: str, rows: Found) -> Found:
    """The rows of a card's table and, behind them, the held-out results that it lists, unless they are those of a row.

    Most cards repeat the last row, or that of the checkpoint that was kept. Others are of an evaluation at the end, and
    stand at the last epoch that the settings have.
    """
    results = {canonical(name) or name: (name, value) for name, value in _results(text).items()}
    if not results:
        yield from rows
        return
    repeated, alone, epoch = False, True, 0.0
    for row in rows:
        yield row
        if isinstance(row, str):
            continue
        columns = row.columns if isinstance(row, Block) else {name: (value,) for name, value in row.values.items()}
        known = {meant: values for name, values in columns.items() if (meant := canonical(name))}
        shared = [name for name in results if name in known and is_measured(name)]
        alike = zip(*([_close(results[name][1], value) for value in known[name]] for name in shared), strict=True)
        repeated = repeated or any(map(all, alike)) or bool(row.run)
        alone, epoch = False, max((epoch, *known.get("epoch", ())))
    if repeated:
        return
    end = _listed(text).get("num_epochs", 0.0)
    yield Printed(({"epoch": end} if 0 < epoch < end and "epoch" not in results else {}) | dict(results.values()))
    yield f"the listed results on the evaluation set are {'a single' if alone else 'the last'} row"


def _results(text: str) -> Row:
    """What is listed below the sentence about the results, as held-out values; nothing if none of it is known."""
    found = RESULTS.search(text)
    below = lines(text[found.end() :]) if found else iter(())
    next(below, None)  # the rest of the sentence
    row = _numbers_of(takewhile(bool, map(ITEM.match, map(str.lstrip, below))))
    return held_out(row) if has_measured(row) else {}


def _listed(text: str) -> Row:
    """Whatever is listed anywhere."""
    return _numbers_of(ITEM.match(item) for line in lines(text) if (item := line.lstrip()).startswith(BULLETS))


def _numbers_of(items: Iterable[re.Match[str] | None]) -> Row:
    pairs = ((item[1], number(item[2])) for item in items if item)
    return {name: value for name, value in pairs if value is not None}


def _close(listed: float, value: float) -> bool:
    """Whether two numbers are one, printed with more or fewer digits."""
    return math.isclose(listed, value, rel_tol=1e-3, abs_tol=1e-4)


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


def _cells(line: str) -> list[str]:
    sign = next((sign for sign in SIGNS if sign in line), None)
    return [cell.strip() for cell in line.strip("| ").split(sign)]


def _numbers(line: str) -> list[str]:
    """The numbers of a line that has nothing else but times, "" for "No log" and a gap; none for another line."""
    cells = _cells(NO_LOG.sub("-", line))
    found = [number(cell) is not None for cell in cells]
    others = (cell for cell, is_number in zip(cells, found, strict=True) if not is_number)
    is_row = any(found) and all(OTHER_CELL.fullmatch(cell) for cell in others)
    return ["" if cell == "-" else cell for cell in cells] if is_row else []


def _header(line: str) -> list[str]:
    """The names of a line that has nothing else, none if fewer than two of them are known."""
    if NUMBER.search(line) or len(line) > LONGEST_HEADER:
        return []
    names = header_cells(_cells(line))
    if not any(sign in line for sign in SIGNS):
        names = _joined(names)
    return names if sum(map(bool, map(canonical, names))) > 1 and has_measured(dict.fromkeys(names, 0.0)) else []


def _joined(words: list[str]) -> list[str]:
    """Words as names, the longest known one first; unknown words that stand together are one name, none with a "/"."""
    names: list[str] = []
    while words:
        most = next((size for size, word in enumerate(words[:LONGEST_NAME]) if "/" in word), LONGEST_NAME)
        size = next((size for size in range(max(most, 1), 0, -1) if canonical(" ".join(words[:size]))), 0)
        name, words = " ".join(words[: size or 1]), words[size or 1 :]
        if size or not names or "/" in name or "/" in names[-1] or canonical(names[-1]):
            names.append(name)
        else:
            names[-1] += f" {name}"
    return names
