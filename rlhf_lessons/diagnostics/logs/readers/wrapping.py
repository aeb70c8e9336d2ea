"""What people put around a log that they quote: marks at both ends of every line, the signs of a diff."""

import re
from collections.abc import Iterable

from rlhf_lessons.diagnostics.logs.readers.text import LINE, lines

# A quoted answer, the added or removed line of a diff, an item of a list.
MARK = re.compile(r"(?:>|\+(?![.\d])|[-*•](?=[\s{\"'\[\]}]))[ \t]?")
MOST_MARKS = 3  # around one another
CHANGE = re.compile(r"^@@ -\d", re.MULTILINE)
BARRED = re.compile(r"[|\s]*[{\[\"'][^|]*[|\s]*")  # JSON between the bars of a table
MINUS = "\N{MINUS SIGN}"


def unwrapped(text: str) -> str:
    """The text without the marks that all its lines share; of a diff, the lines as they are after it."""
    if MINUS in text:
        text = text.replace(MINUS, "-")
    if text.startswith(("diff ", "--- ", "@@ -")) and CHANGE.search(text):
        changed = (match[0] for match in LINE.finditer(text))
        text = "\n".join(line[1:] for line in changed if line.startswith(("+", " ")) and not line.startswith("+++ "))
    for _ in range(MOST_MARKS):
        if not _all(MARK.match(line) for line in lines(text)):
            break
        text = "\n".join(MARK.sub("", line, count=1) for line in lines(text))
    first = next(lines(text), "")
    if first.startswith("|") and BARRED.fullmatch(first) and all(line.startswith("|") for line in lines(text)):
        text = "\n".join(line.strip("| \t") for line in lines(text))
    return text


def _all(found: Iterable[object]) -> bool:
    """Whether all are true, of at least one."""
    some = False
    for one in found:
        if not one:
            return False
        some = True
    return some
