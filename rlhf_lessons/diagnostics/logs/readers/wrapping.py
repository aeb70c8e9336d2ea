"""What others put around a log: marks at the ends of all lines, a record a line; and the signs they change."""

import json
import re
from collections.abc import Iterable

from rlhf_lessons.diagnostics.logs.readers.text import LINE, lines
from rlhf_lessons.diagnostics.logs.rows import has_measured

# A quoted answer, the added or removed line of a diff, an item of a list.
MARK = re.compile(r"(?:>|\+(?![.\d])|[-*•](?=[\s{\"'\[\]}]))[ \t]?")
MOST_MARKS = 3  # around one another
CHANGE = re.compile(r"^@@ -\d", re.MULTILINE)
BARRED = re.compile(r"[|\s]*[{\[\"'][^|]*[|\s]*")  # JSON between the bars of a table
MESSAGES = ("log", "msg", "message")  # under which a program that collects logs keeps each line
MESSAGE = re.compile(rf'\{{[^\n]*"(?:{"|".join(MESSAGES)})"\s*:\s*"')
TYPED = {"\N{MINUS SIGN}": "-", "&#39;": "'", "&#x27;": "'", "&quot;": '"'}
BARS = "│┃║"  # of tables that are drawn
STRAIGHT = str.maketrans("‘’“”", "''\"\"")
CURLY = re.compile(r"[‘’“”]([^‘’“”{}\n]{1,100})[‘’“”](?=\s*:)")


def unwrapped(text: str) -> str:
    """The text without what stands around all its lines; of a diff, the lines as they are after it."""
    for sign, meant in TYPED.items():
        if sign in text:
            text = text.replace(sign, meant)
    if any(bar in text for bar in BARS):
        text = text.translate(dict.fromkeys(map(ord, BARS), "|"))
    if "’" in text or "”" in text:
        text = CURLY.sub(lambda name: name[0].translate(STRAIGHT), text)
    if MESSAGE.match(text):
        text = "\n".join(map(_message, lines(text)))
    if text.startswith(("diff ", "--- ", "@@ -")) and CHANGE.search(text):
        changed = (match[0] for match in LINE.finditer(text))
        text = "\n".join(line[1:] for line in changed if line.startswith(("+", " ")) and not line.startswith("+++ "))
    for _ in range(MOST_MARKS):
        if not _all(MARK.match(line) for line in lines(text)):
            break
        text = "\n".join(MARK.sub("", line, count=1) for line in lines(text))
    first = next((line for line in lines(text) if line.strip("|- ")), "")
    sides = (place for place in (0, -1) if first[place : place + 1 or None] == "|")
    if BARRED.fullmatch(first) and any(all(line[side] == "|" for line in lines(text)) for side in sides):
        text = "\n".join(line.strip("| \t") for line in lines(text))
    return text


def _message(line: str) -> str:
    """The text in a record that holds no numbers of its own; else the line."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(record, dict) or has_measured(record):
        return line
    return next((text.rstrip() for name in MESSAGES if isinstance(text := record.get(name), str)), line)


def _all(found: Iterable[object]) -> bool:
    """Whether all are true, of at least one."""
    some = False
    for one in found:
        if not one:
            return False
        some = True
    return some
