"""JSON: an array, an object, what a Hugging Face trainer saves, or a record a line."""

import json
import re
from functools import lru_cache
from typing import Any

from rlhf_lessons.diagnostics.logs.names import RUNS, STAGE
from rlhf_lessons.diagnostics.logs.readers import dicts
from rlhf_lessons.diagnostics.logs.readers.records import rows_of, rows_of_records
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Rows, lines
from rlhf_lessons.diagnostics.logs.rows import Printed

LONGEST_WHOLE_NUMBER = 300  # digits; longer ones are infinite
BROKEN = re.compile(r'\s*(\[\s*\{\s*"|\{\s*"[^\n\r]*\s*\Z)')  # an array, or all on one line: no row could be found
RUN = "|".join(name.replace("_", r"[\W_]") for name in RUNS if name != STAGE)
MAY_NAME_RUNS = re.compile(rf'"(?:{RUN})"\s*:', re.IGNORECASE)
LLAMA_FACTORY = re.compile(r'\s*\{[^\n]*"current_steps": *\d+, *"total_steps": *\d+')


def _whole_number(digits: str) -> float:
    """JSON's whole numbers: Python refuses to read one of over 4,300 digits."""
    return int(digits) if len(digits) <= LONGEST_WHOLE_NUMBER else float(digits)


JSON = json.JSONDecoder(parse_int=_whole_number)


@lru_cache(1)
def _decode(text: str) -> Any:
    """As `JSON.decode`; kept from `is_whole` to `read_whole`, for it takes a third of the time of both."""
    return JSON.decode(text)


def is_whole(text: str) -> bool:
    """One array or object, unless there are records in it that can be read though the whole cannot."""
    if not re.match(r"\s*[{\[]", text) or is_lines(text):
        return False
    try:
        _decode(text)
    except RecursionError:
        return True
    except ValueError:
        return bool(BROKEN.match(text)) and not dicts.sniff(text)
    return True


def read_whole(text: str) -> Rows:
    """One array of records, or one object: a record, or what a Hugging Face trainer saves."""
    try:
        content = _decode(text)
    except RecursionError:
        raise ValueError("log: it is JSON that is nested too deeply to read") from None
    except ValueError as error:
        raise ValueError(f"log: it is JSON that cannot be read ({error})") from None
    _decode.cache_clear()  # the rows hold all that is needed of it
    return rows_of(content)


def is_lines(text: str) -> bool:
    """A record a line: the first two lines are records."""
    first = [line for _, line in zip(range(2), lines(text), strict=False)]
    return len(first) > 1 and all(isinstance(_decoded(line), dict) for line in first)


def is_llama_factory(text: str) -> bool:
    """LLaMA-Factory's `trainer_log.jsonl`: records that begin with `current_steps` and `total_steps`."""
    return bool(LLAMA_FACTORY.match(text, 0, HEAD)) and is_lines(text)


def read_lines(text: str) -> Rows:
    """A record a line; a line that is none is left out."""
    may_name_runs = bool(MAY_NAME_RUNS.search(text))
    yield from rows_of_records(lambda: filter(None, map(_record, lines(text))), may_name_runs)
    if damaged := sum(not (line.startswith("{") and line.endswith("}")) for line in lines(text)):
        yield f"left out: {damaged:,} lines that are no records"


def read_llama_factory(text: str) -> Rows:
    """What it calls accuracy is the trainer's `rewards/accuracies`."""
    for row in read_lines(text):
        if isinstance(row, str):
            yield row
        else:
            values = {"rewards/accuracies" if name == "accuracy" else name: row.values[name] for name in row.values}
            yield Printed(values, row.run)


def _record(line: str) -> dict[Any, Any]:
    record = _decoded(line)
    return record if isinstance(record, dict) else {}


def _decoded(line: str) -> Any:
    try:
        return JSON.decode(line)
    except (ValueError, RecursionError):
        return None
