"""Dictionaries as Python prints them, one after another, whatever stands before, between or inside them.

Trainers of Hugging Face print one at each logging step. A terminal breaks them, even inside a number; somebody puts
"#" or a time before each line; progress bars run between them; and what is pasted of a `trainer_state.json` has lost
its commas and its end.
"""

import re
from collections.abc import Iterator

from rlhf_lessons.diagnostics.logs.names import WHERE, canonical, counted, printed_number
from rlhf_lessons.diagnostics.logs.readers.records import settings_of
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, LINE, Rows, fields, held_out, without_repeats
from rlhf_lessons.diagnostics.logs.rows import Printed, Row, has_measured

# A name in quotes, and a number behind it: bare, in quotes, or in the brackets of tensor(...) or np.float64(...).
PAIR = re.compile(
    r"""(?:'([^'"{}]{1,100})'|"([^'"{}]{1,100})")\s*:\s*['"]?(?:[a-z_][\w.]*\(\s*)?"""
    r"""([-+]?(?:\d+\.?\d*(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?|nan|inf(?:inity)?)\s?%?)(\s?/\s?\d+)?(?![\w.:])""",
    re.IGNORECASE,
)
OPENED = re.compile(r"\{(?=\s*(?:['\"]|$))")
JSON_BEGINS = re.compile(r'\s*(?:\[\s*)?\{\s*"')
BEGINS = re.compile(r"[^{}'\"]*\{")  # with a time or a rank before it, but not the name of a part
MARK = re.compile(r"^\s*(?:#+|//)\s?")
BAR = re.compile(r"^\s*\d+%\|[^|]*\|\s*(\d+)/(\d+)\s*\[")  # one without a description: that of the training, or a test
EVALUATION = re.compile(r"(?<![a-z])(eval|valid|test|held.?out|val(?![a-z])|dev(?![a-z]))", re.IGNORECASE)
STATED = re.compile(r"[#*-]*\s*([A-Za-z][\w ()&,./]{2,80}?)\s{0,9}[:=]\s{0,9}([\d,.]+(?:e-?\d+)?)")
LONGEST = 20_000  # characters of one dictionary


def sniff(text: str) -> bool:
    """Whether the name of a metric in quotes stands before a number, in a text with braces."""
    if text.find("{", 0, HEAD) < 0 and text.find("}", 0, HEAD) < 0:
        return False
    return any(has_measured({match[1] or match[2]: 0.0}) for match in PAIR.finditer(text, 0, HEAD))


def read(text: str) -> Rows:
    """A row a dictionary, with the step or epoch that stands before it if it has none of its own."""
    if JSON_BEGINS.match(text):
        yield "it is JSON that was cut off or damaged: its records were read one by one"
    yield from without_repeats(_rows(text))


def _rows(text: str) -> Rows:
    place: Row = {}
    total, header = "", [""]
    for before, body in _pieces(_opened(text)):
        if bar := BAR.match(before):
            total = total or bar[2]
            if bar[2] == total:
                place = {"step": float(bar[1]), "total_steps": float(bar[2])}
        elif before and not (stated := _stated(before)):
            cells = [cell.strip() for cell in before.strip("| ").split("|")]
            header = cells if any(canonical(cell) in WHERE for cell in cells) else header
            place |= {name: value for name, value in _places(before, header, cells) if canonical(name) in WHERE}
        elif before:
            yield Printed(stated)
        if not body:
            continue
        row = _numbers(body)
        if not has_measured(row):
            if stated := settings_of(row):
                yield Printed(stated)
            continue
        own = {canonical(name) for name in row}
        added = {name: value for name, value in place.items() if canonical(name) not in own}
        yield Printed(added | (held_out(row) if EVALUATION.search(before) else row))
        place = {}


def _opened(text: str) -> str:
    """The text with the brace before its first dictionary, where it was cut off."""
    end = text.find("}")
    cut = PAIR.search(text, 0, end) if end >= 0 and text.find("{", 0, end) < 0 else None
    return f"{text[: cut.start()]}{{{text[cut.start() :]}" if cut else text


def _places(before: str, header: list[str], cells: list[str]) -> Iterator[tuple[str, float]]:
    """The numbers before a dictionary: behind their names, or in the cells below these, where bars part them."""
    yield from fields(before).items()
    for name, cell in zip(header, cells, strict=False):
        if (value := printed_number(cell)) is not None:
            yield name, value


def _stated(line: str) -> Row:
    """What a line such as `Num Epochs = 3` or `# Batch Size: 1` states of the run as a whole."""
    found = STATED.fullmatch(line.strip())
    return settings_of({found[1].partition(" (")[0]: found[2].replace(",", "")}) if found else {}


def _numbers(body: str) -> Row:
    row: Row = {}
    for single, double, digits, total in PAIR.findall(body):
        if total:
            row |= counted(single or double, digits + total)
            continue
        try:
            row.setdefault(single or double, float(digits))
        except ValueError:
            if (value := printed_number(digits)) is not None:
                row.setdefault(single or double, value)
    return row


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """What stands before a dictionary on its line, and the dictionary; a line without one, and ""."""
    inside: list[str] = []
    before, size = "", 0
    for match in LINE.finditer(text):
        line, start = match[0], 0
        if inside and (BEGINS.match(line) or size > LONGEST):  # the one before was cut off
            yield before, "".join(inside)
            inside = []
        if inside:
            line = MARK.sub("", line)
            end = line.find("}")
            inside.append(line if end < 0 else line[:end])
            size += len(inside[-1])
            if end < 0:
                continue
            yield before, "".join(inside)
            inside, start = [], end + 1
        while opened := OPENED.search(line, start):
            before, end = line[start : opened.start()], line.find("}", opened.end())
            if end < 0:
                inside, size = [line[opened.end() :]], len(line) - opened.end()
                break
            yield before, line[opened.end() : end]
            start = end + 1
        if not inside and line[start:].strip(" ,]}"):
            yield line[start:], ""
    if inside:
        yield before, "".join(inside)
