"""Every number that a notebook prints, remade on an empty cache and compared cell by cell with the stored output."""

import ast
import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import torch
from nbformat import NotebookNode

from rlhf_lessons.reruns import NOTEBOOKS, list_notebooks, run_notebook
from tools.build_notebooks import made_with, tidy
from tools.verify import readme
from tools.verify.rows import AGREES, DIFFERS, EQUAL, Number, Row, missing, numbers, within

POINTS, PART, SMALL = 10.0, 0.25, 0.1
TOLERANCE = f"a count: the same; a percentage: {POINTS:.0f} points; else {PART:.0%} of the number or {SMALL}"
OTHER_WORDS = f"{TOLERANCE}; other words"
PROSE_NUMBER = re.compile(r"[-+]?\d+(?:,\d{3})*(?:\.\d+\s?%?|\s?%)")
SLOWER = 3  # a machine as busy as this is still no reason to change the README
QUICK = 0.5  # minutes; starting a kernel alone takes a part of it
TIMES = f"at most {SLOWER} times as long, or {QUICK} minutes"
NUMBER_OR_SPACE = re.compile(r"[-+]?\d[\d,.]*(e[-+]?\d+)?|\s")


def words_of(cell: NotebookNode) -> str:
    """What a code cell shows as text: printed lines, tables, and the words that stand for its pictures."""
    return "\n".join(filter(None, (_words(output) for output in cell.get("outputs", []))))


def _words(output: NotebookNode) -> str:
    if output.output_type == "stream":
        return output.text if output.name == "stdout" else ""
    data = output.get("data", {})
    text = data.get("text/plain", "")
    if text.startswith("<") and "text/html" in data:  # a styled table, whose plain text is only an address
        page = re.sub(r"<style.*?</style>", "", data["text/html"], flags=re.DOTALL)
        return html.unescape(re.sub(r"<[^>]*>", " ", page))
    return text


def strays(quoted: Number, remade: Number) -> float:
    """How far a number strays, in parts of what it may on another machine (see `TOLERANCE`); infinity for a count."""
    away = abs(remade.value - quoted.value)
    if quoted.percent:
        return away / POINTS
    if quoted.is_whole:
        return math.inf if away else 0.0
    return away / max(PART * abs(quoted.value), SMALL)


def compare_words(where: str, quoted: str, remade: str) -> Row:
    """A cell's stored text against the remade one. They agree if they hold as many numbers, none of which strays."""
    before, after = numbers(quoted), numbers(remade)
    what = f"{len(before)} numbers"
    if quoted.split() == remade.split():
        return Row(where, what, "", "", "", "the same text", EQUAL, len(before))
    if len(before) != len(after):
        return Row(where, what, what, f"{len(after)} numbers", "", "as many numbers", DIFFERS, max(len(before), 1))
    same_words = NUMBER_OR_SPACE.sub("", quoted) == NUMBER_OR_SPACE.sub("", remade)
    if not before:
        return Row(where, "words", "", "", "", "other words", DIFFERS)
    return worst_of(where, list(zip(before, after, strict=True)), TOLERANCE if same_words else OTHER_WORDS)


def worst_of(where: str, pairs: Sequence[tuple[Number, Number]], judged_by: str) -> Row:
    """One row for the numbers (quoted, remade) of a cell: it shows the one that strays most."""
    strayed = [strays(*pair) for pair in pairs]
    quoted, remade = pairs[strayed.index(max(strayed))]
    verdict, most = (DIFFERS, 1.0) if max(strayed) > 1 else (AGREES, 0.0)
    figures = max(1, sum(share > most for share in strayed))
    difference = f"{abs(remade.value - quoted.value) / abs(quoted.value):.1%}" if quoted.value else "from 0"
    told = (f"worst of {len(pairs)} numbers", quoted.text, remade.text, difference, judged_by, verdict)
    return Row(where, *told, figures, besides=len(pairs) - figures)


def compare_notebooks(name: str, quoted: NotebookNode, remade: NotebookNode) -> list[Row]:
    """One row for all cells that are equal, then one for each other cell that shows text."""
    now = {cell.id: words_of(cell) for cell in remade.cells if cell.cell_type == "code"}
    rows = []
    for number, cell in enumerate(quoted.cells):
        words = words_of(cell) if cell.cell_type == "code" else ""
        if words or now.get(cell.id):
            rows.append(compare_words(f"notebook {name}, cell {number}", words, now.get(cell.id, "")))
    equal = [row for row in rows if row.verdict == EQUAL]
    figures = sum(row.figures for row in equal)
    what = f"{len(equal)} of {len(rows)} cells, {figures} numbers{other_threads(made_with().get(name, {}))}"
    together = Row(f"notebook {name}", what, "", "", "", "the same text", EQUAL, figures)
    return [together, *(row for row in rows if row.verdict != EQUAL)]


def other_threads(before: Mapping[str, Any]) -> str:
    """What to know where digits differ: the number of threads, on which the order of sums depends."""
    built, now = before.get("threads"), torch.get_num_threads()
    return f"; built on {built} threads, remade on {now}, so that last digits may differ" if built != now else ""


def remake(path: Path, folder: Path) -> list[Row]:
    """Run a notebook and compare. The run is kept in `folder`."""
    result = run_notebook(path, {}, folder / path.name)
    if result.errors:
        return [missing(f"notebook {path.stem}", "the run", error.splitlines()[0]) for error in result.errors]
    remade = nbformat.read(result.output, as_version=4)
    tidy(remade)
    return compare_notebooks(path.stem, nbformat.read(path, as_version=4), remade)


def quoted_minutes(text: str) -> dict[str, list[str]]:
    """A notebook's file name -> its minutes in the README, the first time and again."""
    rows = readme.table(text, readme.MINUTES)
    return {link.partition("notebooks/")[2].rstrip(")"): row[1:] for link, row in rows.items()}


def minutes(text: str, folder: Path) -> list[Row]:
    """The README's minutes a notebook takes, in the order of the course: all for the first time, then all again."""
    quoted, rows = quoted_minutes(text), []
    for column, when in enumerate(("first run", "again")):
        for path in list_notebooks(NOTEBOOKS):
            took = run_notebook(path, {}, folder / path.name).seconds / 60
            said = quoted[path.name][column]
            what, most = f"{path.stem}, minutes, {when}", max(SLOWER * float(said), QUICK)
            rows.append(within(f"README, {readme.MINUTES}", what, said, took, 0, most, TIMES))
    return rows


def unprinted(notebook: NotebookNode) -> Iterator[tuple[int, str]]:
    """Numbers with a point or a % in the prose that no cell prints or holds: the cell's number and the words around.

    A reader has to judge them: they may be quoted from somewhere else.
    """
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    known = [number.value for cell in code for number in numbers(words_of(cell))]
    known += [value for cell in code for value in _constants(cell.source)]
    for index, cell in enumerate(notebook.cells):
        for match in PROSE_NUMBER.finditer(cell.source if cell.cell_type == "markdown" else ""):
            said = numbers(match[0].lstrip("+-"))[0]
            scales = (1, 100) if said.percent else (1,)
            if not any(said.rounds_from(abs(value) * scale) for value in known for scale in scales):
                around = cell.source[max(0, match.start() - 30) : match.end() + 15]
                yield index, f"… {' '.join(around.split())} …"


def _constants(source: str) -> Iterator[float]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            yield float(node.value)
