import platform
import subprocess
import sys

import nbformat
import pytest
import torch
from typer.testing import CliRunner

from rlhf_lessons import __version__
from rlhf_lessons.cli import app
from rlhf_lessons.diagnostics.logs.seed_log import LOG
from rlhf_lessons.sweeps import executor, over_optimisation


@pytest.fixture
def invoke(tmp_path, monkeypatch):
    """Runs the program in an empty folder, on the notebooks that the test wrote."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *words: CliRunner().invoke(app, [*words, "--notebooks", str(tmp_path / "notebooks")])


def test_list_shows_titles_and_parameters(write_notebook, invoke):
    write_notebook("00_start_here", parameters="seed = 7")
    write_notebook("06_ppo")
    result = invoke("list")
    assert result.exit_code == 0
    assert all(text in result.stdout for text in ("00_start_here", "About 06_ppo", "seed = 7", "kl_coef = 0.05"))


def test_version_names_what_a_report_of_a_fault_needs():
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0 and result.stdout.count("\n") == 1
    for text in (f"rlhf-lessons {__version__},", platform.python_version(), torch.__version__, platform.system()):
        assert text in result.stdout


@pytest.mark.parametrize(
    ("words", "heavy"),
    [
        (["--help"], {"torch", "scipy", "pandas", "papermill", "nbformat"}),
        (["--version"], {"torch", "scipy", "pandas", "papermill", "nbformat"}),
        (["list"], {"torch", "scipy", "pandas", "papermill", "nbformat"}),
        (["diagnose", str(LOG)], {"torch", "matplotlib", "papermill", "nbformat"}),
    ],
)
def test_quick_commands_load_no_slow_library(words, heavy):
    command = [sys.executable, "-X", "importtime", "-m", "rlhf_lessons.cli", *words]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode in (0, 1)  # 1: a sick log
    loaded = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "rlhf_lessons.reruns" in loaded and not heavy & loaded


def test_without_notebooks_it_says_where_they_are(invoke, tmp_path):
    for words in (["list"], ["run", "06"], ["course"]):
        result = invoke(*words)
        assert result.exit_code == 2 and result.stderr.count("\n") == 1
        assert "notebooks: " in result.stderr and "name their folder with --notebooks" in result.stderr


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["07"], "notebook: '07' is not one; it must be a number or a name from 06_ppo"),
        (["06", "-p", "kl", "1"], "kl: 06_ppo has no such parameter"),
        (
            ["06", "-p", "seed", "3", "-p", "kl_coef", "-0.1"],
            "kl_coef: -0.1 is not allowed; it must be a number",
        ),
        (["06", "-p", "seed", "1", "-p", "kl_coef", "-1e-3"], "kl_coef: -0.001 is not allowed"),
        (["06", "-p", "seed", "1.5"], "seed: '1.5' is not allowed; it must be a whole number from 0 to"),
        (["06", "-p", "seed=x", "-p", "kl_coef", "1"], "seed: 'x' is not allowed"),
        (["-p", "adaptive_kl", "yes", "06"], "adaptive_kl: 'yes' is not allowed; it must be true or false"),
    ],
)
def test_run_refuses_with_the_list_of_what_is_allowed(words, fault, write_notebook, invoke, tmp_path):
    write_notebook("06_ppo")
    result = invoke("run", *words)
    assert result.exit_code == 2
    assert result.stderr.startswith(fault)
    assert words == ["07"] or "kl_coef = 0.05: a number from 0 to 10" in result.stderr
    assert not (tmp_path / "build").exists()


@pytest.mark.slow
def test_run_keeps_the_run_under_its_parameters(write_notebook, invoke, tmp_path):
    write_notebook("06_ppo", "print(seed, kl_coef)")
    result = invoke("run", "06", "-p", "seed", "3", "--parameter", "kl_coef", "0.2")
    assert result.exit_code == 0, result.stderr
    output = tmp_path / "build" / "runs" / "06_ppo-seed=3-kl_coef=0.2.ipynb"
    assert nbformat.read(output, as_version=4).cells[-1].outputs[0].text == "3 0.2\n"
    assert "06_ppo-seed=3-kl_coef=0.2.ipynb" in result.stdout


def test_two_values_that_agree_are_one(write_notebook, invoke):
    write_notebook("06_ppo")
    result = invoke("run", "06", "-p", "seed", "3", "-p", "seed=3", "-p", "kl_coef", "11")
    assert result.stderr.startswith("kl_coef: 11.0 is not allowed")


def test_course_refuses_an_output_before_the_first_notebook_starts(write_notebook, invoke, tmp_path):
    write_notebook("00_start_here"), write_notebook("06_ppo")
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "06_ppo.ipynb").write_text("mine")
    result = invoke("course", "-o", "kept")
    assert result.exit_code == 2 and result.stdout == ""
    assert result.stderr == "output: 'kept/06_ppo.ipynb' was not written by a run; it must be a new file (or --force)\n"


def test_a_title_is_shown_as_it_is(write_notebook, invoke):
    path = write_notebook("06_ppo")
    path.write_text(path.read_text().replace("# About 06_ppo", "# All [/b] \\u001b[31m in red"))
    assert "All [/b]  [31m in red" in invoke("list").stdout


def test_without_a_command_it_shows_what_there_is():
    result = CliRunner().invoke(app, [])
    assert result.exit_code == 0 and all(name in result.stdout for name in ("list", "course", "diagnose"))


@pytest.mark.slow
def test_run_fails_with_the_error_and_keeps_the_output(write_notebook, invoke, tmp_path):
    write_notebook("06_ppo", "raise RuntimeError('no luck')")
    result = invoke("run", "6", "-o", str(tmp_path / "kept" / "out.ipynb"))
    assert result.exit_code == 1
    assert "06_ppo, in a cell: RuntimeError: no luck" in result.stderr
    assert (tmp_path / "kept" / "out.ipynb").exists()


@pytest.mark.slow
def test_course_runs_all_and_fails_if_one_failed(write_notebook, invoke, tmp_path):
    write_notebook("00_start_here", "1 / 0")
    write_notebook("06_ppo", "print('reached')")
    result = invoke("course")
    assert result.exit_code == 1
    rows = [line.split() for line in result.stdout.splitlines() if "passed" in line or "failed" in line]
    assert [(row[1], row[-2]) for row in rows] == [("00_start_here", "failed"), ("06_ppo", "passed")]
    assert "00_start_here, in a cell: ZeroDivisionError" in result.stderr
    assert (tmp_path / "build" / "course" / "06_ppo.ipynb").exists()


@pytest.mark.slow
def test_course_passes(write_notebook, invoke):
    write_notebook("00_start_here", "assert seed == 0")
    assert invoke("course").exit_code == 0


@pytest.mark.slow
@pytest.mark.parametrize("words", [["run", "0"], ["course"]])
def test_a_cell_that_hangs_ends_its_notebook(words, write_notebook, invoke):
    write_notebook("00_start_here", "import time; time.sleep(600)")
    result = invoke(*words, "--cell-seconds", "2")
    assert result.exit_code == 1
    assert (
        "00_start_here, in code cell 2 (import time; time.sleep(600)): it took longer than 2 seconds" in result.stderr
    )


@pytest.fixture
def diagnose(tmp_path):
    """Runs `diagnose` on a file with the given text or bytes."""

    def run(content):
        path = tmp_path / "my.log"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return CliRunner().invoke(app, ["diagnose", str(path)])

    return run


def test_diagnose_prints_findings_and_verdict(diagnose):
    result = diagnose("\n".join(f"epoch={n} loss={0.69 + n / 500:.4f} margin={-n / 300:.4f}" for n in range(1, 9)))
    assert result.exit_code == 1
    assert "\n1. Wrong-way update: the loss rises steadily from 0.6920" in result.stdout
    *_, verdict, explain = result.stdout.splitlines()
    assert verdict.startswith("Ready for PPO: no, because") and "rlhf-lessons explain RM001" in explain


def test_diagnose_takes_a_table_of_several_stages_one_by_one(diagnose):
    result = diagnose(LOG.read_text(encoding="utf-8"))
    assert result.exit_code == 1
    stages = ["pretraining", "sft", "reward_model", "theory_reward_model"]
    assert [line for line in result.stdout.splitlines() if line in stages] == stages
    assert "ln 100 = 4.6052" in result.stdout and "Common-mode drift" in result.stdout


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("once upon a time", "log: nothing to read"),
        (b"\xff\xfe\x00", "is not text; it must be in UTF-8, UTF-16 or Latin-1"),
        ("stage,loss\n", "log: nothing to read"),
        ('stage,loss\na,1\n"b', "log: not a table that can be read"),
    ],
)
def test_diagnose_refuses_what_it_cannot_read(content, message, diagnose):
    result = diagnose(content)
    assert result.exit_code == 2 and message in result.stderr and "Traceback" not in result.stderr


def test_diagnose_refuses_a_missing_file():
    result = CliRunner().invoke(app, ["diagnose", "nowhere.log"])
    assert result.exit_code == 2 and "nowhere.log" in result.stderr


@pytest.mark.slow
def test_the_scorecard_shows_every_policy_with_intervals_and_what_made_it():
    result = CliRunner().invoke(app, ["scorecard"])
    assert result.exit_code == 0
    assert all(
        text in result.stdout for text in ("all parts right", "best of 16", "rlhf-lessons sweep over-optimisation")
    )


def test_an_unknown_sweep_is_refused():
    result = CliRunner().invoke(app, ["sweep", "everything"])
    assert result.exit_code == 2
    names = "over-optimisation, method-search, methods"
    assert result.stderr == f"name: 'everything' is not allowed; it must be one of {names}\n"


@pytest.mark.parametrize(
    ("ends", "code", "line"),
    [
        (executor.RunError("broken, seed 0: OSError: no luck"), 1, "broken, seed 0: OSError: no luck\n"),
        (KeyboardInterrupt(), 130, "interrupted; finished runs are kept, and the same command goes on from there\n"),
    ],
)
def test_a_sweep_that_ends_early_says_why_in_one_line(ends, code, line, monkeypatch):
    def sweep(jobs: int, scheduler: str | None) -> None:
        raise ends

    monkeypatch.setattr(over_optimisation, "sweep", sweep)
    result = CliRunner().invoke(app, ["sweep", "over-optimisation"])
    assert (result.exit_code, result.stderr) == (code, line)
