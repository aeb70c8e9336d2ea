"""The table of grades: a row for each exercise of each submission."""

import csv
import io
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import get_args

from rlhf_lessons import files, run_files
from rlhf_lessons.exercises.exercise import State
from rlhf_lessons.grading import submissions
from rlhf_lessons.grading.runs import Run, run_all
from rlhf_lessons.grading.submissions import NotGraded, Submission

NOT_GRADED = "not graded"
FORMULA = tuple("=+-@")  # how a spreadsheet knows one


@dataclass(frozen=True)
class Row:
    """What came of one exercise in one file.

    state: right, mistake named, wrong, undone, or not graded. run: what else went wrong when the file was run.
    """

    file: str
    notebook: str
    exercise: str
    state: str
    said: str
    run: str = ""


def grade(folder: Path, seconds: float, memory: float, jobs: int) -> Iterator[list[Row]]:
    """Grade every notebook below `folder`; yields the rows of each file as soon as it is graded.

    seconds, memory: what each may take, memory in gigabytes. jobs: how many run at once. Raises ValueError as
    `submissions.find` does.
    """
    found = []
    for path in submissions.find(folder):  # all are read before the first runs, which might remove the others
        file = one_line(str(path.relative_to(folder)))
        try:
            found.append(submissions.read(path, file))
        except NotGraded as why:
            yield [Row(file, "", "", NOT_GRADED, str(why))]
    for submission, run in run_all(found, seconds, memory, jobs):
        yield rows(submission, run)


def rows(submission: Submission, run: Run) -> list[Row]:
    """A row for each exercise of the submission's notebook."""
    return [
        Row(submission.file, submission.notebook, name, *map(one_line, (*_judged(submission, run, name), run.told)))
        for name in submission.exercises
    ]


def _judged(submission: Submission, run: Run, name: str) -> tuple[str, str]:
    state, said = run.kept.get(name, ("", ""))
    if state in get_args(State):
        return state, "left blank" if state == "undone" else said
    cell = submission.cell_of(name)
    if cell is None:
        return "undone", "not in the file"
    if cell in run.errors:
        return "wrong", f"its cell stops with {run.errors[cell]}"
    if run.ended_early:
        return NOT_GRADED, f"not reached: {run.ended_early}"
    return "undone", "its check did not run"


def one_line(text: str) -> str:
    """Somebody else's text on one line, in letters that any screen can show."""
    known = text.encode("utf-8", "replace").decode()
    return " ".join("".join(letter if letter.isprintable() else " " for letter in known).split())


def check_output(output: Path) -> None:
    """Raise ValueError or OSError if the table cannot be written there: before anything runs."""
    if output.suffix.lower() != ".csv":
        raise ValueError(f"output: {str(output)!r} is not allowed; it must end in .csv")
    if output.exists() and not output.is_file():
        raise ValueError(f"output: {str(output)!r} is not an ordinary file; it must be one, and no folder or pipe")
    with run_files.writing(output), tempfile.TemporaryFile(dir=output.absolute().parent):
        pass


def write(table: list[Row], output: Path) -> None:
    """Write a CSV file that spreadsheets read as text, whatever learners have put into it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in fields(Row)])
    writer.writerows([[f"'{cell}" if cell.startswith(FORMULA) else cell for cell in astuple(row)] for row in table])
    with run_files.writing(output):
        files.replace(output, text.getvalue().encode("utf-8-sig"))  # the mark tells spreadsheets that it is UTF-8
