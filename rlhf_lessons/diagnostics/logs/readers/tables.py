"""Tables with a header: as spreadsheets and programs write them, with cells that end at a sign or at blanks."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, reduce
from itertools import dropwhile, islice
from operator import or_

from rlhf_lessons.diagnostics.logs.names import (
    DISTINCT,
    MISREAD_MARK,
    NUMBER,
    RUNS,
    STAGE,
    TRAINING,
    canonical,
    counted,
    is_measured,
    number,
    plain,
    stage_name,
)
from rlhf_lessons.diagnostics.logs.readers.records import names_of_runs, run_name
from rlhf_lessons.diagnostics.logs.readers.text import DECIMAL_COMMA, Found, lines, refuse_decimal_comma
from rlhf_lessons.diagnostics.logs.rows import AT_ONCE, Block, Printed
from rlhf_lessons.refusals import shown

Cells = Callable[[], Iterator[list[str]]]

DELIMITERS = (",", ";", "\t", "|")
WIDE = re.compile(r"\s{2,}")
COMMENT = "#"
EDGES = "-=+|:" + "".join(map(chr, range(0x2500, 0x2580)))  # what the edges of tables and boxes are drawn with
BORDER = re.compile(f"[{re.escape(EDGES)}]{{4,}}")
MARKUP = re.compile(r"\*\*|`")  # of a name in bold or as code
LONGEST_HEADER = 100_000  # characters
SAMPLE = 20  # rows that must look like rows, where cells end at blanks


def sniff(text: str) -> bool:
    """Whether the first line that is no comment is a header: at least two names that are known, and no number."""
    return _layout(text) is not None


def read(text: str) -> Found:
    """A row a line below the header."""
    found = _layout(text)
    assert found is not None  # as sniff says
    header, delimiter = found

    def cells() -> Iterator[list[str]]:
        return split(islice(_without_comments(text), 1, None), delimiter)

    yield from rows_below(header, cells, has_commas=delimiter == ";", may_be_ragged=delimiter is None)


def _without_comments(text: str) -> Iterator[str]:
    """The lines from the header on."""
    uncommented = (line for line in lines(text) if not line.startswith(COMMENT))
    return dropwhile(lambda line: not line.strip(f" {EDGES}"), uncommented)


def first_line(text: str) -> str:
    """The first line that is no comment."""
    first = next(_without_comments(text), "")
    return first if len(first) <= LONGEST_HEADER else ""


def _layout(text: str) -> tuple[list[str], str | None] | None:
    """The header, and the sign at which cells end; None where there is no table."""
    first = first_line(text)
    for delimiter in DELIMITERS:
        header = header_cells(next(split([first], delimiter, strict=False), []))
        if _is_header(header):
            return header, delimiter
    for names in [] if NUMBER.search(first) else [first.split(), WIDE.split(first)]:
        for header in (header_cells(names), ["", *header_cells(names)]):  # a printed data frame counts its rows
            if _is_header(header) and _is_regular(text, len(header)):
                return header, None
    return None


def _is_header(header: list[str]) -> bool:
    """Whether at least two of the names are known, and none of those holds a number."""
    stages = sum(plain(key) == STAGE for key in header)
    known = [key for key in header if canonical(key)]
    return len(known) + stages > 1 and not any(map(NUMBER.search, known))


def header_cells(cells: Iterable[str]) -> list[str]:
    """The names of a header."""
    return [MARKUP.sub("", cell.removeprefix(MISREAD_MARK)).strip(" *\"'") for cell in cells]


def _is_regular(text: str, width: int) -> bool:
    """Whether the first lines below a header of words have as many words, and numbers among them: else it is prose."""
    rows = list(islice(split(_without_comments(text), None), 1, 1 + SAMPLE))
    return bool(rows) and all(len(row) == width and any(number(cell) is not None for cell in row) for row in rows)


def split(lines: Iterable[str], delimiter: str | None, strict: bool = True) -> Iterator[list[str]]:
    """The cells of each line; in quotes, they may hold the delimiter."""
    if delimiter == "|":
        lines = (line.removeprefix("|").removesuffix("|") for line in lines if line.strip(f" {EDGES}"))
    if delimiter is None:
        lines = (line for line in lines if line.strip("-= "))  # a rule below the header
    if delimiter in ("|", None):
        yield from ([cell.strip(" \"'") for cell in line.split(delimiter)] for line in lines)
        return
    try:
        yield from csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)
    except csv.Error as error:
        reason = str(error).replace("\t", "\\t")  # it quotes the sign at which cells end
        raise ValueError(f"log: not a table that can be read ({reason})") from None


def rows_below(header: list[str], cells: Cells, has_commas: bool = False, may_be_ragged: bool = False) -> Found:
    """The rows of a table. `cells` is called twice where a column of texts may tell runs apart."""
    names = _told_apart(header)
    known = {place: name for place, name in enumerate(names) if canonical(name)}
    runs = _run_columns(header, cells)
    refuse_twins([plain(header[place]) for place in (*known, *runs)])
    # The first row has the columns that nobody knows as well, so that they are named among what was ignored.
    columns = {place: name for place, name in enumerate(names) if place not in runs}
    rows, count = cells(), 3
    yield from (
        _printed(row, columns, runs, has_commas) for row in _whole(islice(rows, 1), len(header), 2, may_be_ragged)
    )
    is_plain = not runs
    while some := list(islice(rows, AT_ONCE)):
        if is_plain and (block := _block(some, known, len(header))):
            yield block
        else:
            is_plain = False
            whole = _whole(some, len(header), count, may_be_ragged)
            yield from (_printed(row, known, runs, has_commas) for row in whole)
        count += len(some)


def _block(rows: Sequence[list[str]], columns: Mapping[int, str], width: int) -> Block | None:
    """Rows of plain numbers without a gap, of which a table has up to ten million; None for others."""
    if set(map(len, rows)) != {width}:
        return None
    turned = tuple(zip(*rows, strict=True))
    try:
        return Block({name: tuple(map(float, turned[place])) for place, name in columns.items()}, "", range(len(rows)))
    except ValueError:
        return None


def _whole(rows: Iterable[list[str]], width: int, first: int, may_be_ragged: bool = False) -> Iterator[list[str]]:
    """The rows with as many cells as the header has. Raises ValueError for one with more, unless it may be left out."""
    for count, row in enumerate(rows, start=first):
        if len(row) == width or not any(row[width:]):
            yield row if len(row) >= width else row + [""] * (width - len(row))
        elif not may_be_ragged:
            raise ValueError(f"log: row {count} has {len(row)} cells; it must have {width}, as the header has")


def _printed(row: list[str], columns: Mapping[int, str], runs: Sequence[int], has_commas: bool) -> Printed:
    run = _run(tuple(row[place] for place in runs)) if runs else ""
    try:
        return Printed({name: float(cell) for place, name in columns.items() if (cell := row[place])}, run)
    except ValueError:  # no number, or one that is written in another way
        found = [(name, _cell(row[place], name, has_commas)) for place, name in columns.items()]
    values = {name: value for name, value in found if value is not None}
    return Printed(reduce(or_, (counted(name, row[place]) for place, name in columns.items()), values), run)


def _told_apart(header: Sequence[str]) -> list[str]:
    """The names, with `eval_` before what was held out.

    In the table that a Hugging Face trainer writes, everything but the training loss was measured on the held-out set,
    and only `Validation Loss` says so.
    """
    names = [canonical(key) or "" for key in header]
    if "validation_loss" not in map(plain, header) or sum(name.startswith("eval_") for name in names) > 1:
        return list(header)
    stays = ("", "loss", "grad_norm")
    return [
        key
        if name in stays or not is_measured(name) or name.startswith("eval_") or plain(key).startswith(TRAINING)
        else f"eval_{key}"
        for key, name in zip(header, names, strict=True)
    ]


def _run_columns(header: Sequence[str], cells: Cells) -> list[int]:
    """The places of the columns that tell runs apart."""
    texts = {place: plain(key) for place, key in enumerate(header) if plain(key) in RUNS and not canonical(key)}
    found = {STAGE}
    if any(name != STAGE for name in texts.values()):
        pairs = ((name, row[place] if place < len(row) else "") for row in cells() for place, name in texts.items())
        found |= names_of_runs(pairs)
    return [place for place, name in texts.items() if name in found]


@lru_cache(DISTINCT)
def _run(cells: tuple[str, ...]) -> str:
    return run_name(map(stage_name, cells))


def _cell(text: str, name: str, has_commas: bool) -> float | None:
    """The number of a cell, None for none."""
    if not text:
        return None
    value = number(text.replace(",", ".") if has_commas else text)
    if value is None and DECIMAL_COMMA.fullmatch(text):
        refuse_decimal_comma(name, text)
    return value


def refuse_twins(names: Iterable[str]) -> None:
    """Raises ValueError for a name that two columns of a table have."""
    names = list(names)
    twin = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twin:
        raise ValueError(f"column: {shown(twin)} stands twice in the header; each column must have its own name")
