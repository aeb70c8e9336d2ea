"""The forms in which logs are printed, one reader for each.

A reader takes the text and yields rows, each with the name of its stage ("" for none). It raises `OtherFormError`,
sooner or later, where the text is not in its form, and ValueError where it is, but cannot be read. Lines are taken
from the text one at a time: a list of all would take more memory than the text itself.
"""

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from rlhf_lessons.diagnostics.logs.columns import Printed, Row
from rlhf_lessons.diagnostics.logs.names import (
    DISTINCT,
    LONGEST_KEY,
    MISREAD_MARK,
    NUMBER,
    STAGE,
    WHERE,
    canonical,
    is_measured,
    number,
    plain,
    printed_number,
    stage_name,
)
from rlhf_lessons.refusals import shown

Rows = Iterator[Printed | str]  # a text is a remark: what had to be assumed

LINE = re.compile("[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")  # as str.splitlines has it, without the empty ones
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*%?\s*")
BROKEN_JSON = re.compile(r'\s*(\[\s*\{\s*"|\{\s*"[^\n\r]*\s*\Z)')  # an array, or all on one line: no row could be found
DELIMITERS = (",", ";", "\t", "|", None)
LONGEST_LINE, LONGEST_HEADER = 1_000_000, 100_000  # characters
LONGEST_WHOLE_NUMBER = 300  # digits; longer ones are infinite


class OtherFormError(Exception):
    """The text is in another form than this reader's."""


def whole_text_as_json(text: str) -> Rows:
    """One array of records, or one object: a record, or what a Hugging Face trainer saves."""
    if not re.match(r"\s*[{\[]", text):
        raise OtherFormError
    try:
        content = JSON.decode(text)
    except RecursionError:
        raise ValueError("log: it is JSON that is nested too deeply to read") from None
    except ValueError as error:
        if BROKEN_JSON.match(text):
            raise ValueError(f"log: it is JSON that cannot be read ({error})") from None
        raise OtherFormError from None
    return rows_of_records(content)


def json_lines(text: str) -> Rows:
    """A record a line."""
    if not re.match(r"\s*\{", text):
        raise OtherFormError
    for line in lines(text):
        try:
            record = JSON.decode(line)
        except (ValueError, RecursionError):
            raise OtherFormError from None
        if not isinstance(record, dict):
            raise OtherFormError
        yield row_of_record(record)


def table(text: str) -> Rows:
    """Rows below a header, which is a first line of at least two known names and no numbers."""
    below = lines(text)
    first = next(below, "")
    if len(first) > LONGEST_HEADER:
        raise OtherFormError
    for delimiter in DELIMITERS:
        header = [cell.removeprefix(MISREAD_MARK).strip() for cell in next(_cells([first], delimiter, False), [])]
        known = {place: key for place, key in enumerate(header) if canonical(key)}
        stages = [place for place, key in enumerate(header) if plain(key) == STAGE]
        has_numbers = NUMBER.search(first) and not (stages and delimiter)
        if len(known) + len(stages) >= 2 and not has_numbers:
            refuse_twins([plain(header[place]) for place in (*known, *stages)])
            return _rows_below(_cells(below, delimiter), known, stages, header, delimiter)
    raise OtherFormError


def _rows_below(
    rows: Iterator[list[str]], known: dict[int, str], stages: list[int], header: list[str], delimiter: str | None
) -> Rows:
    width, every = len(header), {place: name for place, name in enumerate(header) if place not in stages}
    read = _number_with_comma if delimiter == ";" else float
    for count, cells in enumerate(rows, start=2):
        if len(cells) > width and any(cells[width:]):
            if delimiter is None:
                raise OtherFormError
            raise ValueError(f"log: row {count} has {len(cells)} cells; it must have {width}, as the header has")
        cells += [""] * (width - len(cells))
        stage = stage_name(cells[stages[0]]) if stages else ""
        # The first row has the columns that nobody knows as well, so that they are named among what was ignored.
        columns = every if count == 2 else known
        try:
            yield Printed({name: read(cells[place]) for place, name in columns.items()}, stage)
        except ValueError:  # a gap, or a number that is written in another way
            found = [(name, _cell(cells[place], name, delimiter)) for place, name in columns.items()]
            yield Printed({name: value for name, value in found if value is not None}, stage)


def _number_with_comma(text: str) -> float:
    """As `float`. European spreadsheets end cells at ";", and write decimal commas."""
    return float(text.replace(",", "."))


def _cell(text: str, name: str, delimiter: str | None) -> float | None:
    """The number of a cell, None for none."""
    if not text:
        return None
    value = number(text.replace(",", ".") if delimiter == ";" else text)
    if value is None and DECIMAL_COMMA.fullmatch(text):
        refuse_decimal_comma(name, text)
    return value


def refuse_decimal_comma(name: str, text: str) -> None:
    """Raises ValueError for a measured value: its whole part would be read as the number. Others may have thousands."""
    if (meant := canonical(name)) and is_measured(meant):
        reason = "its numbers must have decimal points, unless it is a table with cells that end at ';'"
        raise ValueError(f"log: {meant} {shown(text)} has a decimal comma; {reason}")


def _cells(lines: Iterable[str], delimiter: str | None, strict: bool = True) -> Iterator[list[str]]:
    """The cells of each line; in quotes, they may hold the delimiter."""
    if delimiter == "|":
        lines = (line.removeprefix("|").removesuffix("|") for line in lines if line.strip("|-: "))
    if delimiter in ("|", None):
        yield from ([cell.strip(" \"'") for cell in line.split(delimiter)] for line in lines)
        return
    try:
        yield from csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=strict)
    except csv.Error as error:
        raise ValueError(f"log: not a table that can be read ({error})") from None


def refuse_twins(names: Iterable[str]) -> None:
    """Raises ValueError for a name that two columns of a table have."""
    names = list(names)
    twin = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twin:
        raise ValueError(f"column: {shown(twin)} stands twice in the header; each column must have its own name")


def printed_lines(text: str) -> Rows:
    """Names with numbers behind them; a line that says more of the same epoch or step is added to the row before."""
    row: Row = {}
    for line in lines(text):
        if len(line) > LONGEST_LINE:
            raise ValueError(f"log: it has a line of {len(line):,} characters; it must have at most {LONGEST_LINE:,}")
        more = {} if "train_runtime" in line else _fields(line.replace("'", "").replace('"', ""))
        if all(canonical(name) in WHERE and row[name] == value for name, value in more.items() if name in row):
            row |= more
        else:
            yield Printed(row)
            row = more
    yield Printed(row)


def _fields(line: str) -> Row:
    """Every number of a line that stands behind a known name."""
    row: Row = {}
    parts = NUMBER.split(line)
    for label, digits, after, more in zip(parts[::2], parts[1::2], parts[2::2], [*parts[3::2], ""], strict=False):
        name = _name_before(label[-LONGEST_KEY:])
        if name and after == "," and DECIMAL_COMMA.fullmatch(text := f"{digits},{more}"):
            refuse_decimal_comma(name, text)
        if name and name not in row and (value := printed_number(digits)) is not None:
            row[name] = value
    return row


@lru_cache(DISTINCT)
def _name_before(label: str) -> str | None:
    """The name at the end of what stands before a number: the longest known one, else the last word before "="."""
    words = re.split(r"[,;|{]", label)[-1].rstrip(" \t=:#[").split()
    names = (" ".join(words[first:]) for first in range(len(words)))
    known = next((name for name in names if canonical(name)), None)
    return known or (words[-1] if words and label.rstrip().endswith("=") else None)


def rows_of_records(records: Any) -> Rows:
    """Records, or what holds them under `log_history`. Raises ValueError where there are none."""
    if isinstance(records, Mapping):
        records = records.get("log_history", [records])
    try:
        yield from map(row_of_record, map(dict, records))
    except (TypeError, ValueError):
        raise ValueError("log: this is not a log; it must be text, a table or a list of records") from None


def row_of_record(record: Mapping[Any, Any]) -> Printed:
    """Its numbers.

    The summary that a Hugging Face trainer appends is a mean over the whole run, not one more point of it: left out.
    """
    stage, row = "", {}
    for key, value in ({} if "train_runtime" in record else record).items():
        if plain(key) == STAGE:
            stage = stage_name(value)
        elif (found := number(value)) is not None:
            row[key if isinstance(key, str) else shown(key)] = found
    return Printed(row, stage)


def lines(text: str) -> Iterator[str]:
    """The lines of a text that are not blank, one at a time, without blanks around them (tabs stay)."""
    return filter(None, (match[0].strip(" ") for match in LINE.finditer(text)))


def _whole_number(digits: str) -> float:
    """JSON's whole numbers: Python refuses to read one of over 4,300 digits."""
    return int(digits) if len(digits) <= LONGEST_WHOLE_NUMBER else float(digits)


JSON = json.JSONDecoder(parse_int=_whole_number)
FORMS: dict[str, Callable[[str], Rows]] = {
    "JSON": whole_text_as_json,
    "JSON lines": json_lines,
    "a table": table,
    "printed lines": printed_lines,
}
