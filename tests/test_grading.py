"""Twelve submissions of which eleven go wrong in some way: each costs its own rows only."""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from rlhf_lessons import exercises, progress
from rlhf_lessons.cli import app
from rlhf_lessons.exercises.sft import ANSWER_MASK
from rlhf_lessons.grading import submissions, table
from rlhf_lessons.grading.runs import Run, run_all, understood
from rlhf_lessons.grading.submissions import NotGraded, Submission
from rlhf_lessons.grading.table import NOT_GRADED, Row
from rlhf_lessons.grading.watched import LOST, Watched

NAME = ANSWER_MASK.name
HEADER = 'from rlhf_lessons import course\ncourse.here("02")'
IMPORT = "from rlhf_lessons.exercises.sft import ANSWER_MASK"
STUB = "@ANSWER_MASK.check\ndef answer_mask(*inputs):\n    return {}"
BLANK, RIGHT, WRONG = STUB.format(None), STUB.format("ANSWER_MASK.reference(*inputs)"), STUB.format("'mask'")
MISTAKES = [STUB.format(f"ANSWER_MASK.mistakes[{number}].gives(*inputs)") for number in (0, 1)]
DELETE = "import os, shutil\nshutil.rmtree(os.path.dirname(os.getcwd()))"
HOG = "kept = []\nwhile True:\n    kept.append(b'1' * 10_000_000)"
TWELVE = {
    "endless": [HEADER, IMPORT, RIGHT, "import time\nwhile True:\n    time.sleep(1)"],
    "blank": [HEADER, IMPORT, BLANK, "answer_mask(3, 6, 8)[2]"],
    "right": [HEADER, IMPORT, RIGHT, "print('flood' * 10_000_000)"],
    "first mistake": [HEADER, IMPORT, MISTAKES[0]],
    "sub/folder/second mistake": [HEADER, IMPORT, MISTAKES[1]],
    "wrong": [HEADER, IMPORT, WRONG],
    "crashing": [HEADER, IMPORT, "1 / 0", RIGHT, "1 / 0"],
    "killed": [HEADER, IMPORT, "import os\nos._exit(1)", RIGHT],
    "hog": [HEADER, IMPORT, HOG, RIGHT],
    "deleting": [HEADER, IMPORT, RIGHT, DELETE, "open('submission.ipynb')"],
    "no course": [IMPORT, RIGHT],
    "no notebook": [],
}
SECONDS, MEMORY = 30, 1
NO_COURSE = 'it is no notebook of the course: it has no cell with course.here("06") or another number'
EXPECTED = {  # state, how what is said begins, and what is said of the run
    "blank": ("undone", "left blank", ""),
    "crashing": ("right", "Right", "code cell 3 stops with ZeroDivisionError: division by zero; and 1 more"),
    "deleting": ("right", "Right", "it removed its own folder; code cell 5 stops with FileNotFoundError: ..."),
    "endless": ("right", "Right", "it took longer than 30 seconds in code cell 4"),
    "first mistake": ("mistake named", f"Not yet. {ANSWER_MASK.mistakes[0].advice}", ""),
    "hog": (NOT_GRADED, "not reached: it took more than 1 GB of memory in code cell 3", "it took more than 1 GB of..."),
    "killed": (NOT_GRADED, "not reached: its kernel died in code cell 3", "its kernel died in code cell 3"),
    "no course": (NOT_GRADED, NO_COURSE, ""),
    "no notebook": (NOT_GRADED, "it is no notebook that Jupyter saved", ""),
    "right": ("right", "Right", ""),
    "sub/folder/second mistake": ("mistake named", f"Not yet. {ANSWER_MASK.mistakes[1].advice}", ""),
    "wrong": ("wrong", "Not yet: for the inputs", ""),
}


def write(path: Path, cells: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    notebook = new_notebook(cells=[new_markdown_cell("# Mine"), *map(new_code_cell, cells)])
    path.write_text(nbformat.writes(notebook) if cells else "I did not save it", encoding="utf-8")
    return path


@pytest.mark.slow
def test_twelve_submissions_give_a_table_of_twelve(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "2000")
    for name, cells in TWELVE.items():
        write(tmp_path / "class" / f"{name}.ipynb", cells)
    words = f"grade {tmp_path}/class -o {tmp_path}/grades.csv --seconds {SECONDS} --memory {MEMORY} --jobs 2"
    result = CliRunner().invoke(app, words.split())

    with (tmp_path / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {row["file"].removesuffix(".ipynb"): row for row in rows if row["exercise"] in ("", NAME)}
    assert list(found) == sorted(TWELVE)
    for name, (state, said, run) in EXPECTED.items():
        row = found[name]
        assert row["state"] == state and row["said"].startswith(said), row
        assert row["run"].startswith(run.removesuffix("...")) and (run or not row["run"]), row
        assert row["said"] in result.stdout and row["run"] in result.stdout
    others = [row for row in rows if row["exercise"] not in ("", NAME)]
    assert len(others) == 10 * (len(exercises.names("02")) - 1)
    assert {(row["state"], row["said"]) for row in others} <= {("undone", "not in the file")}

    missed = "hog.ipynb, killed.ipynb, no course.ipynb, no notebook.ipynb"
    assert (result.exit_code, result.stderr) == (1, f"not graded, or not in full: {missed}\n")
    assert sorted(path.stem for path in (tmp_path / "class").rglob("*.ipynb")) == sorted(Path(n).name for n in TWELVE)
    assert not progress.folder().exists()  # the teacher's own


def test_what_needs_no_run_needs_no_kernel(tmp_path):
    write(tmp_path / "class" / "a.ipynb", [])
    write(tmp_path / "class" / ".ipynb_checkpoints" / "a-checkpoint.ipynb", [])
    result = CliRunner().invoke(app, ["grade", str(tmp_path / "class")])
    assert (result.exit_code, result.stderr) == (1, "not graded, or not in full: a.ipynb\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it is no notebook that Jupyter saved"),
        ("[" * 100_000, "it is no notebook that Jupyter saved"),
        ('{"worksheets": []}', "it is no notebook that Jupyter saved"),
        (nbformat.writes(new_notebook(cells=[new_markdown_cell('course.here("02")')])), NO_COURSE),
        (
            nbformat.writes(new_notebook(cells=[new_code_cell("course.here('00')")])),
            "notebook 00 of the course has no ",
        ),
        (
            nbformat.writes(new_notebook(cells=[new_code_cell("course.here('98')")])),
            "notebook 98 of the course has no ",
        ),
    ],
)
def test_what_cannot_be_graded_says_why(text, why, tmp_path):
    path = tmp_path / "a.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(NotGraded) as caught:
        submissions.read(path, "a")
    assert str(caught.value).startswith(why) and "\n" not in str(caught.value)


def test_folders_links_to_nothing_and_huge_files_are_no_submissions(tmp_path, monkeypatch):
    (tmp_path / "folder.ipynb").mkdir()
    (tmp_path / "link.ipynb").symlink_to("nowhere")
    write(tmp_path / "large.ipynb", [HEADER * 10_000])
    monkeypatch.setattr(submissions, "LARGEST", 100_000)
    whys = {path.name: why_not(path) for path in submissions.find(tmp_path)}
    assert whys["folder.ipynb"] == "it is no notebook that Jupyter saved"
    assert whys["link.ipynb"] == "it cannot be read (No such file or directory)"
    assert whys["large.ipynb"].startswith("it is larger than ")


def why_not(path: Path) -> str:
    with pytest.raises(NotGraded) as caught:
        submissions.read(path, path.name)
    return str(caught.value)


def test_the_notebook_and_the_cells_of_exercises_are_read_off_the_code(tmp_path):
    path = write(tmp_path / "whatever I like.ipynb", ["course.here( '02' )", "# ANSWER_MASK", MISTAKES[0], RIGHT])
    found = submissions.read(path, "mine")
    assert (found.file, found.notebook, found.exercises) == ("mine", "02", exercises.names("02"))
    assert found.cell_of(NAME) == 3 and found.cell_of("02.mask") is None


def test_a_run_is_read_as_far_as_it_was_told():
    told = [
        {"cell": 1},
        {"cell": 1, "error": None, "kept": {}},
        {"cell": 2},
        {"cell": 2, "error": ["NameError", "x"], "kept": {NAME: ["undone", "Not done"]}},
        {"cell": 3},
        {"cell": 3, "error": ["NotSolved", f"exercise {NAME}"], "kept": {NAME: ["right", "Right"]}},
    ]
    lines = "\n".join(map(json.dumps, told)).encode()
    run = understood(lines + b'\n{"cell": 4', "")
    assert (run.last, run.kept, run.fault) == (3, {NAME: ["right", "Right"]}, LOST)
    assert run.told == f"{LOST} in code cell 3; code cell 2 stops with NameError: x"
    assert understood(lines + b'\n{"fault": ""}', "").told == "code cell 2 stops with NameError: x"
    assert (
        understood(b"", "it took longer than 1 seconds").told == "it took longer than 1 seconds before its first cell"
    )


@pytest.mark.parametrize(
    ("run", "state", "said"),
    [
        (Run(kept={NAME: ["undone", "Not done yet: the course goes on"]}, fault=""), "undone", "left blank"),
        (Run(kept={NAME: ["mistake named", "Not\nyet.\x1b[0m"]}), "mistake named", "Not yet. [0m"),
        (Run(kept={NAME: ["excellent", "100 points"]}, fault=""), "undone", "its check did not run"),
        (Run(errors={2: "SyntaxError: invalid"}), "wrong", "its cell stops with SyntaxError: invalid"),
        (Run(last=1, errors={1: "NameError: x"}), NOT_GRADED, f"not reached: {LOST} in code cell 1"),
    ],
)
def test_an_exercise_is_judged_by_its_record_its_cell_or_the_run(run, state, said):
    row = table.rows(Submission("a", (HEADER, RIGHT), "02"), run)[exercises.names("02").index(NAME)]
    assert (row.exercise, row.state, row.said) == (NAME, state, said)


def test_no_learner_writes_a_formula_into_the_teachers_spreadsheet(tmp_path):
    table.write([Row("=1+1.ipynb", "02", NAME, "wrong", '+ a, "b"')], tmp_path / "a.csv")
    content = (tmp_path / "a.csv").read_text(encoding="utf-8-sig").splitlines()
    assert content == ["file,notebook,exercise,state,said,run", f'\'=1+1.ipynb,02,{NAME},wrong,"\'+ a, ""b""",']


def test_a_folder_is_no_place_for_the_table(tmp_path):
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(ValueError, match=r"^output: .*a.csv' is not an ordinary file; it must be one"):
        table.check_output(tmp_path / "a.csv")
    table.check_output(tmp_path / "b.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def watch(code: str, tmp_path, seconds=60.0, memory=8.0) -> tuple[str, bytes]:
    surroundings = {**os.environ, "MARK": str(tmp_path)}
    watched = Watched([sys.executable, "-c", code], tmp_path, surroundings, "MARK", seconds, memory)
    while not watched.is_over():
        time.sleep(0.02)
    return watched.fault, watched.output()


@pytest.mark.slow
def test_a_process_is_ended_by_its_limits_and_else_left_alone(tmp_path):
    assert watch("print(1)", tmp_path) == ("", b"1\n")
    assert watch("raise SystemExit(1)", tmp_path) == (LOST, b"")
    assert watch("print(1, flush=True)\nwhile True: pass", tmp_path, seconds=1) == (
        "it took longer than 1 seconds",
        b"1\n",
    )
    assert watch(HOG, tmp_path, memory=0.1) == ("it took more than 0.1 GB of memory", b"")
    in_child = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {HOG!r}])"
    assert watch(in_child, tmp_path, memory=0.1)[0] == "it took more than 0.1 GB of memory"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_who_leaves_the_family_is_ended_too(tmp_path):
    leave = "import os, time\nos.setsid() if os.fork() == 0 else os._exit(0)\nprint(os.getpid(), flush=True)\n"
    leave += "time.sleep(60)"
    child = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {leave!r}])\ntime.sleep(1)"
    fault, said = watch(child, tmp_path)
    assert fault == "" and not any(process.pid == int(said) and lives(process) for process in psutil.process_iter())


@pytest.mark.slow
def test_ctrl_c_ends_what_runs_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def interrupt(self: Watched) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Watched, "is_over", interrupt)
    with pytest.raises(KeyboardInterrupt):
        next(run_all([Submission("a", ("while True: pass",), "02")], seconds=60, memory=8, jobs=1))
    assert list(tmp_path.iterdir()) == []
    assert not any(str(tmp_path) in "".join(process.cmdline()) for process in psutil.process_iter() if lives(process))


@pytest.mark.slow
def test_who_runs_a_submission_ends_with_the_grader(tmp_path):
    path = write(tmp_path / "a.ipynb", ["while True: pass"])
    command = [sys.executable, "-m", "rlhf_lessons.grading.every_cell", str(path), NAME]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, timeout=300).returncode == 1


def lives(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
