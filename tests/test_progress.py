"""What a learner has done is kept file by file, counted for each notebook, and forgotten when asked."""

import pytest
from typer.testing import CliRunner

from rlhf_lessons import course, exercises, progress
from rlhf_lessons.cli import app
from rlhf_lessons.progress_table import COLUMNS, summary


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "progress"))
    return tmp_path / "progress"


def run(*words: str, answer: str | None = None):
    return CliRunner().invoke(app, ["progress", *words], input=answer)


def keep_some() -> None:
    """Two exercises that were tried and a blank one, predictions of which one is not measured yet, a quiz, a lab."""
    progress.keep("exercise", "02.answer_mask", state="right", said="Right")
    progress.keep("exercise", exercises.names("06")[0], state="mistake named", said="Not yet")
    progress.keep("exercise", exercises.names("08")[0], state="undone", said="Not done yet")
    for name, mark in (("02.gain", "right"), ("06.safe", "close"), ("06.kl", ""), ("lab.ppo", "wrong")):
        progress.keep("prediction", name, given="70", mark=mark, told=f"You said 70, it is 47: {mark}.")
    for number, mark in enumerate(("right", "right", "wrong"), start=1):
        progress.keep("quiz", f"06.{number}", given="b", mark=mark)
    progress.keep("lab", "ppo", used=3)


def test_what_is_kept_is_found_again_and_the_last_counts(folder):
    assert progress.find("lab", "06.ppo") is None and progress.kept("lab") == {}
    progress.keep("lab", "06.ppo", used=1)
    progress.keep("lab", "06.ppo", used=2)
    progress.keep("quiz", "06.ppo", choice="a")
    assert progress.find("lab", "06.ppo") == {"used": 2}
    assert progress.kept("lab") == {"06.ppo": {"used": 2}}
    assert sorted(path.name for path in folder.iterdir()) == ["lab", "quiz"]


def test_without_a_folder_of_its_own_it_lies_beside_the_trained_stages(tmp_path, monkeypatch):
    monkeypatch.delenv(progress.VARIABLE)
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    assert progress.folder() == tmp_path / "progress"


def test_a_damaged_file_counts_as_not_there(folder):
    keep_some()
    path = folder / "quiz" / "06.1.json"
    path.write_bytes(path.read_bytes().replace(b"right", b"wrong"))
    (folder / "quiz" / "06.2.json").unlink()
    (folder / "quiz" / "06.2.json").mkdir()
    assert progress.find("quiz", "06.1") is None and list(progress.kept("quiz")) == ["06.3"]


@pytest.mark.parametrize("name", ["../06.gae", "", "06/gae", None])
def test_a_name_leads_to_no_other_folder(name):
    with pytest.raises(ValueError, match=r"^name: .* is not allowed; it must be one word"):
        progress.keep("exercise", name, state="right")
    with pytest.raises(ValueError, match=r"^kind: 'exam' is not allowed; it must be one of exercise, prediction, quiz"):
        progress.kept("exam")


def test_what_cannot_be_kept_is_told_and_ends_nothing(folder):
    folder.write_text("a file")
    with pytest.warns(progress.NotKeptWarning, match=r"your progress, lab 06\.ppo, is not kept"):
        progress.keep("lab", "06.ppo", used=1)
    assert progress.find("lab", "06.ppo") is None


def test_forgetting_removes_what_was_kept_and_nothing_else(folder):
    keep_some()
    (folder / "mine.txt").write_text("keep")
    assert progress.forget(["quiz"]) == 3 and progress.kept("quiz") == {} != progress.kept("lab")
    assert progress.forget() == 8 and progress.forget() == 0
    assert [path.name for path in folder.iterdir()] == ["mine.txt"]


def test_the_table_counts_by_notebook():
    keep_some()
    progress.keep("exercise", "02.an_older_one", state="wrong", said="")
    table = summary()
    assert list(table.columns) == COLUMNS and list(table.index) == sorted(table.index)
    assert {name[:2] for name in exercises.all_exercises()} <= set(table.index)
    assert table.loc["02"].tolist() == [1, 1, len(exercises.names("02")) - 1, 1, 0, 0, 0, 0, 0]
    assert table.loc["06"].tolist() == [0, 1, len(exercises.names("06")) - 1, 0, 1, 0, 2, 1, 0]
    assert table.loc["labs"].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 1]
    assert table.loc["08"].tolist() == [0, 0, len(exercises.names("08")), *[0] * 6]


def test_the_notebook_shows_it_as_a_table_with_a_name():
    assert repr(course.progress()) == "Nothing is done yet. What you do is kept on this machine alone."
    keep_some()
    page = course.progress().html
    assert 'aria-label="Your progress"' in page and "<th>06</th>" in page and "<th>quiz right</th>" in page


def test_blank_exercises_are_nothing_done(folder):
    assert summary().empty and list(summary().columns) == COLUMNS
    progress.keep("exercise", "02.answer_mask", state="undone", said="Not done yet")
    assert summary().empty
    result = run()
    assert (result.exit_code, result.stdout) == (0, f"nothing is done yet (your progress is kept in {folder})\n")


def test_the_command_shows_the_table_and_how_near_predictions_were(folder):
    keep_some()
    result = run()
    assert result.exit_code == 0
    head, *rows = [line for line in result.stdout.splitlines() if line[:1] in "┃│"]
    assert [word.strip() for word in head.strip("┃").split("┃")] == [
        "notebook",
        "exercises: right, not yet right, undone",
        "predictions: right, close, wrong",
        "quiz: right, wrong",
        "labs: used",
    ]
    (ppo,) = [row for row in rows if row.startswith("│ 06")]
    undone = len(exercises.names("06")) - 1
    assert [word.strip() for word in ppo.strip("│").split("│")] == ["06", f"0, 1, {undone}", "0, 1, 0", "2, 1", "0"]
    assert "\n06.safe: You said 70, it is 47: close.\n" in result.stdout and "06.kl" not in result.stdout
    assert result.stdout.endswith(f"your progress is kept in {folder}\n")


def test_forgetting_asks_first():
    assert run("--forget").stdout == "nothing to remove: nothing is kept\n"
    keep_some()
    assert run("--forget", answer="n\n").exit_code == 1 and progress.kept("lab")
    result = run("--forget", answer="")
    assert (result.exit_code, result.stderr) == (
        2,
        "yes: nobody is there to answer; give --yes to remove without a question\n",
    )
    assert run("--forget", answer="y\n").stdout.endswith("removed 11\n")
    assert progress.kept("lab") == {}
    keep_some()
    assert run("--forget", "--yes").stdout == "removed 11\n"
