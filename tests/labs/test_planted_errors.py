"""A lab whose compute raises makes everything fail that runs notebooks without a learner."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from rlhf_lessons.cli import app

pytestmark = pytest.mark.slow

# How the error comes about: at the lab's first state, under a slider, under a button, in a training in the background.
CELLS = {
    "90_first_state": ["Panel(lab, {'n_pairs': 200})"],
    "91_slider": ["panel = Panel(lab)\npanel", "panel.controls['n_pairs'].hand.value = 4.0"],
    "92_button": ["panel = Panel(lab)\npanel", "panel.presets[0].click()"],
    "93_training": ["panel = TrainingPanel(lab)\npanel", "panel.set(n_pairs=200)\npanel.thread.join()"],
}


@pytest.fixture
def notebooks(write_notebook, planted_lab):
    """A folder with a notebook for each way, and one whose lab is in order."""
    for name, cells in CELLS.items():
        write_notebook(name, planted_lab, *cells)
    return write_notebook("99_in_order", planted_lab, "Panel(lab)").parent


def test_course_fails(notebooks, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    result = CliRunner().invoke(app, ["course", "--notebooks", str(notebooks)])
    said = {row[1]: row[-2] for row in (line.split() for line in result.stdout.splitlines()) if row[-1:] == ["│"]}
    assert result.exit_code == 1 and said == dict.fromkeys(CELLS, "failed") | {"99_in_order": "passed"}
    assert all(f"{name}, in a" in result.stderr for name in CELLS)


def test_run_fails(notebooks, tmp_path):
    words = ["run", "91", "--notebooks", str(notebooks), "-o", str(tmp_path / "out.ipynb")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert "91_slider, in a cell: ArithmeticError: 10000 pairs cannot be had" in result.stderr


def test_nbval_fails_wherever_a_cell_is_at_fault(notebooks):
    """An error of a training in the background stays in its widget, where nbval does not look."""
    words = [
        "-m",
        "pytest",
        "--nbval-lax",
        "--nbval-current-env",
        "-q",
        "-rf",
        "-p",
        "no:cacheprovider",
        str(notebooks),
    ]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=notebooks)
    failed = {line.split("::")[0] for line in done.stdout.splitlines() if line.startswith("FAILED")}
    assert failed == {f"FAILED {name}.ipynb" for name in CELLS if name != "93_training"}, done.stdout
