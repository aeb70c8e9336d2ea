import nbformat
import pytest
from typer.testing import CliRunner

from rlhf_lessons.cli import app


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


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["07"], "notebook: '07' is not one; it must be a number or a name from 06_ppo"),
        (["06", "-p", "kl", "1"], "kl: 06_ppo has no such parameter"),
        (
            ["06", "-p", "seed", "3", "-p", "kl_coef", "-0.1"],
            "kl_coef: -0.1 is not allowed; it must be a number",
        ),
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
