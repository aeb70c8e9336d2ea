import errno
import warnings

import pytest
import typer
from typer.testing import CliRunner

from rlhf_lessons import files
from rlhf_lessons.cli import app
from rlhf_lessons.plain_words import PlainWords


@pytest.fixture
def do():
    """Runs a program whose one command does as it is told."""

    def run(action):
        program = typer.Typer(cls=PlainWords)
        program.callback()(lambda: None)
        program.command("do")(action)
        return CliRunner().invoke(program, ["do"])

    return run


def raising(error):
    def action():
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("seed: -1 is not allowed"), 2, "seed: -1 is not allowed"),
        (
            OSError("RLHF_LESSONS_HOME: 'x' cannot be written (why)"),
            2,
            "RLHF_LESSONS_HOME: 'x' cannot be written (why)",
        ),
        (FileNotFoundError(errno.ENOENT, "No such file", "a.log"), 2, "file: 'a.log' cannot be read (No such file)"),
        (PermissionError(errno.EACCES, "Denied", "a.log"), 2, "file: 'a.log' cannot be read (Denied)"),
        (OSError(errno.ENOSPC, "No space", "a.log"), 2, "file: 'a.log' cannot be written (No space)"),
        (OSError(errno.EROFS, "Read-only", "a.log"), 2, "file: 'a.log' cannot be written (Read-only)"),
        (EOFError("Ran out of input"), 2, "file: it ends too early (Ran out of input)"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (KeyboardInterrupt("27 runs are kept"), 130, "interrupted; 27 runs are kept"),
    ],
)
def test_what_goes_wrong_is_one_line_and_an_exit_code(error, code, line, do):
    result = do(raising(error))
    assert (result.exit_code, result.stderr, result.stdout) == (code, f"{line}\n", "")


def test_a_fault_of_the_course_keeps_its_traceback(do):
    assert isinstance(do(raising(KeyError("forgotten"))).exception, KeyError)


def test_a_reader_that_has_gone_is_no_news(do):
    result = do(raising(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    assert result.exit_code == 1 and result.stderr == ""


def test_a_warning_of_the_course_is_one_line_and_others_stay_as_they_are(do):
    def action():
        warnings.simplefilter("always")
        files.decode(b"caf\xe9", "menu.txt")
        warnings.warn("of a library", DeprecationWarning, stacklevel=1)

    with pytest.warns(DeprecationWarning, match="of a library"):
        result = do(action)
    (line,) = result.stderr.splitlines()
    assert line.startswith("menu.txt is neither UTF-8 nor UTF-16 and was read as Latin-1")


def test_a_question_without_anybody_to_answer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    (tmp_path / f"sft-{'a' * 16}").mkdir()
    result = CliRunner().invoke(app, ["cache", "clean"])
    assert result.exit_code == 2
    assert result.stderr == "yes: nobody is there to answer; give --yes to remove without a question\n"
    assert (tmp_path / f"sft-{'a' * 16}").exists()


@pytest.mark.parametrize("columns", ["0", "-1", "²", "wide", "9" * 5000, ""])
def test_an_odd_width_of_the_terminal_is_ignored(columns, monkeypatch):
    for words in (["--help"], ["cache"]):
        monkeypatch.setenv("COLUMNS", columns)
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0 and max(map(len, result.stdout.splitlines())) > 40
