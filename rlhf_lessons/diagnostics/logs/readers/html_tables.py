"""Tables in HTML, as they are copied from a notebook or saved with a page."""

import re
from collections.abc import Iterator
from functools import partial
from html import unescape

from rlhf_lessons.diagnostics.logs.names import canonical
from rlhf_lessons.diagnostics.logs.readers.tables import header_cells, rows_below
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Found
from rlhf_lessons.diagnostics.logs.rows import has_measured

# html.parser reads 1 MB a second; rows and cells do not nest, so that two expressions find them.
TABLE = re.compile(r"<table\b.*?(?:</table>|\Z)", re.IGNORECASE | re.DOTALL)
ROW = re.compile(r"<tr\b[^<>]*>(.*?)(?=</tr|<tr\b|\Z)", re.IGNORECASE | re.DOTALL)
CELL = re.compile(r"<t[hd]\b[^<>]*>(.*?)(?=</t[hd]|<t[hd]\b|\Z)", re.IGNORECASE | re.DOTALL)
TAG = re.compile(r"<[^<>]*>")


def sniff(text: str) -> bool:
    """Whether a table has a header with known names."""
    return any(True for _ in _logs(text[:HEAD]))


def read(text: str) -> Found:
    """The rows of every table whose header has known names."""
    for table in _logs(text):
        yield from rows_below(header_cells(next(_rows(table))), partial(_below, table))


def _logs(text: str) -> Iterator[str]:
    for match in TABLE.finditer(text):
        header = header_cells(next(_rows(match[0]), []))
        if sum(canonical(name) is not None for name in header) > 1 and has_measured(dict.fromkeys(header, 0.0)):
            yield match[0]


def _below(table: str) -> Iterator[list[str]]:
    """Its rows below the header, without those that span columns."""
    rows = _rows(table)
    width = len(next(rows))
    return (row for row in rows if len(row) == width)


def _rows(table: str) -> Iterator[list[str]]:
    for row in ROW.finditer(table):
        yield [unescape(TAG.sub("", cell)).strip() for cell in CELL.findall(row[1])]
