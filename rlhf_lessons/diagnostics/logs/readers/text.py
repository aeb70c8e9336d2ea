"""What the readers of printed text share: its lines, the numbers on one, and which process printed it."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache

from rlhf_lessons.diagnostics.logs.names import (
    DISTINCT,
    HELD_OUT,
    LONGEST_KEY,
    NUMBER,
    WHERE,
    canonical,
    is_measured,
    plain,
    printed_number,
)
from rlhf_lessons.diagnostics.logs.rows import Block, Printed, Row
from rlhf_lessons.refusals import shown

Rows = Iterator[Printed | str]  # a text is a remark: what had to be assumed
Found = Iterator[Printed | Block | str]

HEAD = 300_000  # characters in which a form must show itself
LINE = re.compile("[^\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")  # as str.splitlines has it, without the empty ones
COLOURS = re.compile("\x1b\\[[\\d;?]*[mKAhl]")  # of a terminal, with its moves within a line
OF = ("/", "of")  # between a step and the number of all steps
DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+,\d+\s*%?\s*")
# A process that prints beside others: torchrun's [rank1]: and [default1]:, Ray's (WorkerDict pid=17).
PROCESS = re.compile(r"[ \t]*(\[(?:rank|default)\d+\]:?|\(\w+ pid=\d+[^)\n]*\))[ \t]?")
PROCESS_LINE = re.compile(rf"^{PROCESS.pattern}(.*)", re.MULTILINE)
# What is said of a number between its name and itself, unless that makes it another number.
ASIDE = re.compile(
    r"\s\((?![^)]*\b(?:std|sd|min|max|var|median|delta|change)\b)([^()]{1,60})\)\s*[:=]?\s*$", re.IGNORECASE
)
PRINTED_PAIR = re.compile(r"\w['\"]?\s*[:=]\s*[-+.\d]")


def lines(text: str) -> Iterator[str]:
    """The lines of a text that are not blank, one at a time, without blanks around them (tabs stay).

    A list of all would take more memory than the text itself.
    """
    return filter(None, (match[0].strip(" ") for match in LINE.finditer(text)))


def of_one_process(text: str) -> tuple[str, str]:
    """The text without the marks of processes and what other processes than the chosen one printed; and a remark.

    Chosen is the process that prints most numbers behind names, the first of several.
    """
    if not any(mark in text for mark in ("[rank", "[default", " pid=")):
        return text, ""
    printed: Counter[str] = Counter()
    for match in PROCESS_LINE.finditer(text):
        printed[match[1]] += len(PRINTED_PAIR.findall(match[2]))
    if not printed:
        return text, ""
    chosen = printed.most_common(1)[0][0]
    kept = (line for line in lines(text) if not (mark := PROCESS.match(line)) or mark[1] == chosen)
    rest = len([process for process, count in printed.items() if count]) - 1
    remark = f"of {rest + 1} processes that print numbers, {chosen.strip(':')} was read" if rest > 0 else ""
    return "\n".join(PROCESS.sub("", line, count=1) for line in kept), remark


def fields(line: str) -> Row:
    """Every number of a line that stands behind a known name, or behind a word and "="."""
    row: Row = {}
    parts = NUMBER.split(line)
    for label, digits, after, more in zip(parts[::2], parts[1::2], parts[2::2], [*parts[3::2], ""], strict=False):
        name = _name_before(label[-LONGEST_KEY:])
        if name and after == "," and DECIMAL_COMMA.fullmatch(text := f"{digits},{more}"):
            refuse_decimal_comma(name, text)
        if name and name not in row and (value := printed_number(digits)) is not None:
            row[name] = value
            if after.strip(" ") in OF and canonical(name) == "step" and (total := printed_number(more)) is not None:
                row["total_steps"] = total
    return row


@lru_cache(DISTINCT)
def _name_before(label: str) -> str | None:
    """The name at the end of what stands before a number: the longest known one, else the last word before "="."""
    words = re.split(r"[,;|{:]", label.rstrip(" \t=:#["))[-1].strip(" \t#[])>*•").split()
    names = (" ".join(words[first:]) for first in range(len(words)))
    known = next((name for name in names if canonical(name)), None)
    if not known and (aside := ASIDE.search(label)):
        part = next((word for word in aside[1].split() if f"{plain(word)}_" in HELD_OUT), "")
        before = _name_before(label[: aside.start()] + "=")
        return before and f"{part} {before}".strip()
    return known or (words[-1] if words and label.rstrip().endswith("=") else None)


def refuse_decimal_comma(name: str, text: str) -> None:
    """Raises ValueError for a measured value: its whole part would be read as the number. Others may have thousands."""
    if (meant := canonical(name)) and is_measured(meant):
        reason = "its numbers must have decimal points, unless it is a table with cells that end at ';'"
        raise ValueError(f"log: {meant} {shown(text)} has a decimal comma; {reason}")


def held_out(row: Row) -> Row:
    """The same numbers, under names that say they were measured on held-out data."""
    return {f"eval_{name}" if _is_training(canonical(name) or "epoch") else name: row[name] for name in row}


def _is_training(name: str) -> bool:
    return is_measured(name) and not name.startswith("eval_")


def without_repeats(rows: Iterable[Printed | str]) -> Rows:
    """Rows without those that another process, or a redrawn progress bar, printed again at the same place.

    The place is the step; the epoch alone is printed too roughly for that, and the whole row must be the same.
    """
    before: Row = {}
    places: list[str] = []
    has_step, repeats = False, 0
    for row in rows:
        if isinstance(row, str):
            yield row
            continue
        values = row.values
        if values.keys() != before.keys():
            places = [name for name in values if canonical(name) in WHERE]
            has_step = any(canonical(name) == "step" for name in places)
        elif places and all(values[name] == before[name] for name in places) and (has_step or values == before):
            repeats += 1
            continue
        before = values
        yield row
    if repeats:
        yield f"left out: {repeats:,} {'row' if repeats == 1 else 'rows'} at the place of the row before"
