"""Tables in Markdown, anywhere in a text, as model cards and READMEs have them."""

import re
from collections.abc import Iterator
from functools import partial

from rlhf_lessons.diagnostics.logs.names import WHERE, canonical, is_measured, stage_name
from rlhf_lessons.diagnostics.logs.readers.cards import LONGEST_NAME, stated, with_results
from rlhf_lessons.diagnostics.logs.readers.tables import header_cells, rows_below, split
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Found, lines
from rlhf_lessons.diagnostics.logs.rows import has_measured

RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+\|?[ \t]*$", re.MULTILINE)
HEADING = re.compile(r"^#+\s+(.*\S)")
Table = tuple[str, list[str], list[str]]  # the heading above it, its header, its lines


def sniff(text: str) -> bool:
    """Whether a rule of dashes stands below a header with known names, or of runs under a heading with one."""
    return any(_is_log(header) or _metric(heading, header) for heading, header, _ in _tables(text[:HEAD]))


def read(text: str) -> Found:
    """The rows of every table whose header has known names, and the settings that are listed around them.

    Tables that measure the same are several runs, named by their headings. Where no header has a measured name, the
    columns are runs, of what the heading names.
    """
    yield from stated(text)
    yield from with_results(text, _rows(text))


def _rows(text: str) -> Found:
    tables = [table for table in _tables(text) if _is_log(table[1])]
    if not tables:
        yield from _runs_beside(text)
    measured = [frozenset(filter(is_measured, filter(None, map(canonical, header)))) for _, header, _ in tables]
    for place, (heading, header, below) in enumerate(tables):
        several = measured.count(measured[place]) > 1
        run = f"table {place + 1}" + (f" ({heading})" if heading.isprintable() and heading else "") if several else ""
        for row in rows_below(header, partial(split, below, "|")):
            yield row if isinstance(row, str) else row._replace(run=", ".join(filter(None, (run, row.run))))


def _is_log(header: list[str]) -> bool:
    """At least two known names, one of them measured."""
    return sum(canonical(name) is not None for name in header) > 1 and has_measured(dict.fromkeys(header, 0.0))


def _metric(heading: str, header: list[str]) -> str:
    """The measured name at the end of the heading, where the header has a place and otherwise names of runs."""
    words = heading.split()
    names = (" ".join(words[-size:]) for size in range(min(LONGEST_NAME, len(words)), 0, -1))
    is_of_runs = len(header) > 1 and canonical(header[0]) in WHERE and not any(map(canonical, header[1:]))
    return next((name for name in names if has_measured({name: 0.0})), "") if is_of_runs else ""


def _runs_beside(text: str) -> Found:
    for heading, header, below in _tables(text):
        metric = _metric(heading, header)
        for place in range(1, len(header)) if metric else ():
            cells = partial(_two_columns, below, place)
            for row in rows_below([header[0], metric], cells):
                yield row if isinstance(row, str) else row._replace(run=stage_name(header[place]))


def _two_columns(below: list[str], place: int) -> Iterator[list[str]]:
    return ([row[0], row[place]] for row in split(below, "|") if place < len(row))


def _tables(text: str) -> Iterator[Table]:
    """Every table: what stands above a rule of dashes, and the lines below that have a "|"."""
    heading, above = "", ""
    table: Table | None = None
    for line in lines(text):
        if table and "|" in line:
            table[2].append(line)
            continue
        if table:
            yield table
            table = None
        if "|" in line and "--" in line and RULE.match(line):
            table = heading, header_cells(next(split([above], "|"), [])), []
        elif title := HEADING.match(line):
            heading = title[1]
        above = line
    if table:
        yield table
