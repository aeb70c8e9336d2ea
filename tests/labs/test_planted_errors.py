"""A lab whose compute raises makes everything fail that runs notebooks without a learner."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from rlhf_lessons.cli import app

pytestmark = pytest.mark.slow

# The error comes about in a cell, or out of its sight.
FIRST_STATE = "Panel(lab, {'n_pairs': 200})"
SLIDER = "panel = Panel(lab)\npanel.controls['n_pairs'].hand.value = 4.0"
IN_THE_BACKGROUND = "panel = TrainingPanel(lab)\npanel.set(n_pairs=200)\npanel.thread.join()"


def test_course_fails(write_notebook, planted_lab, monkeypatch, tmp_path):
    write_notebook("90_first_state", planted_lab, FIRST_STATE)
    write_notebook("91_training", planted_lab, IN_THE_BACKGROUND)
    folder = write_notebook("92_in_order", planted_lab, "Panel(lab)").parent
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    result = CliRunner().invoke(app, ["course", "--notebooks", str(folder)])
    said = {row[1]: row[-2] for row in (line.split() for line in result.stdout.splitlines()) if row[-1:] == ["│"]}
    assert said == {"90_first_state": "failed", "91_training": "failed", "92_in_order": "passed"}
    assert result.exit_code == 1
    for fault in ("90_first_state, in a cell", "91_training, in a widget's callback"):
        assert f"{fault}: ArithmeticError: 200 pairs cannot be had" in result.stderr


def test_nbval_fails(write_notebook, planted_lab):
    path = write_notebook("90_slider", planted_lab, SLIDER)
    words = ["-m", "pytest", "--nbval-lax", "--nbval-current-env", "-p", "no:cacheprovider", str(path)]
    done = subprocess.run([sys.executable, *words], capture_output=True, text=True, cwd=path.parent)
    assert done.returncode == 1 and "10000 pairs cannot be had" in done.stdout, done.stdout
