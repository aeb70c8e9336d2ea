"""What others put around a log: marks at the ends of all lines, a record a line; and the signs they change."""

import json
import re
from collections.abc import Iterable
from itertools import pairwise

from rlhf_lessons.diagnostics.logs.names import NUMBER
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, LINE, lines
from rlhf_lessons.diagnostics.logs.rows import has_measured

# A quoted answer, the added or removed line of a diff, an item of a list.
MARK = re.compile(r"(?:>|\+(?![.\d])|[-*•](?=[\s{\"'\[\]}|]))[ \t]?")
MOST_MARKS = 3  # around one another
CHANGE = re.compile(r"^([ \t]*)@@ -\d", re.MULTILINE)
# The number of a line, with the name of its file or not, before it (grep -n, cat -n) or on a line of its own.
NUMBERED = re.compile(r"[ \t]*(?:[\w./-]*\.[\w-]+:)?(\d{1,7})(?::|\t|[ ]+(?=[|{]))")
MARK_ALONE = re.compile(r"^([-+])[ \t]*\n(?![-+ @])", re.MULTILINE)
ALONE = re.compile(r"^[ \t]*(\d{1,7})[ \t]*\n(?:[ \t]*[-+][ \t]*\n)?", re.MULTILINE)
FEWEST_NUMBERED = 3
NEARLY_ALL = 10  # times as many as are added
RULE = re.compile(r"\|(?:\s*:?-+:?\s*\|){2,}")  # of a Markdown table
LISTED = re.compile(r"\s(?=#{1,6} |- [A-Za-z][\w /]{0,40}: )")
BREAK = re.compile(r"\\r?\\?n|<br\s*/?>", re.IGNORECASE)  # of lines, in a text that is on one
JIRA = re.compile(r"^\|\|.*\|\|[ \t]*$", re.MULTILINE)
LATEX = {"&": "|", "\\\\": "", "\\hline": "", "\\midrule": ""}
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
    if text.find("\n", 0, -1) < 0:
        text = BREAK.sub("\n", text)
    if RULE.search(text):
        text = "\n".join(map(_table_in_lines, lines(text)))
    if "\\begin{tabular}" in text:
        for sign, meant in LATEX.items():
            text = text.replace(sign, meant)
    if "||" in text:
        text = JIRA.sub(lambda header: header[0].replace("||", "|"), text)
    text = _changed(_without_numbers(text))
    for _ in range(MOST_MARKS):
        if not _all(MARK.match(line) for line in lines(text)):
            break
        text = "\n".join(MARK.sub("", line, count=1) for line in lines(text))
    first = next((line for line in lines(text) if line.strip("|- ")), "")
    sides = (place for place in (0, -1) if first[place : place + 1 or None] == "|")
    if BARRED.fullmatch(first) and any(all(line[side] == "|" for line in lines(text)) for side in sides):
        text = "\n".join(line.strip("| \t") for line in lines(text))
    return text


def _without_numbers(text: str) -> str:
    """The text without the numbers of its lines, if all are numbered, one after another."""
    numbers = (found[1] for found in map(NUMBERED.match, lines(text)) if found)
    if _all(map(NUMBERED.match, lines(text))) and _count_up(numbers):
        return "\n".join(NUMBERED.sub("", line, count=1) for line in lines(text))
    is_numbered = ALONE.search(text, 0, HEAD) and _count_up(ALONE.findall(text))
    return ALONE.sub("", text) if is_numbered else text


def _count_up(numbers: Iterable[str]) -> bool:
    found = list(map(int, numbers))
    return len(found) >= FEWEST_NUMBERED and all(after - before == 1 for before, after in pairwise(found))


def _changed(text: str) -> str:
    """Of a diff, the lines as they are after it; as they were before, if it takes nearly all of its numbers away."""
    first = CHANGE.search(text) if "@@ -" in text else None
    if not first:
        return text
    below = MARK_ALONE.sub(r"\1", text[first.start() :])
    changed = [match[0].removeprefix(first[1]) for match in LINE.finditer(below)]
    added, removed = (sum(len(NUMBER.findall(line)) for line in changed if line.startswith(mark)) for mark in "+-")
    marks = (" ", "+" if removed <= NEARLY_ALL * added else "-")
    return text[: first.start()] + "\n".join(line[1:] for line in changed if line.startswith(marks))


def _table_in_lines(line: str) -> str:
    """A line that holds a whole Markdown table, what stands before it, and its rows, each on a line of its own."""
    rule = RULE.search(line)
    if not rule or rule[0] == line:
        return line
    width = rule[0].count("|")  # bars of a row
    before, after = line[: rule.start()].rstrip(), line[rule.end() :]
    row = rf"\s*(?:\|[^|]*){{{width - 1}}}\|"
    header = re.search(rf"{row}$", before)
    if not header:
        return line
    rows = [rule[0]]
    while found := re.match(row, after):
        rows.append(found[0].strip())
        after = after[found.end() :]
    stated = LISTED.sub("\n", before[: header.start()])
    return "\n".join([stated, header[0].strip(), *rows, "", LISTED.sub("\n", after)])


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
