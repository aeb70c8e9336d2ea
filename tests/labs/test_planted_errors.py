"""A lab whose compute raises leaves an error that every way of running notebooks without a learner finds.

That such an error fails `rlhf-lessons run` and `rlhf-lessons course` is held in test_reruns.py and test_cli.py.
"""

import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from rlhf_lessons.kernels import PrivateKernelManager
from rlhf_lessons.run_files import errors_in

pytestmark = pytest.mark.slow

# For each way in which the error may come about: the cell, and how many pairs the lab was asked for.
CELLS = {
    "first state": ("Panel(lab, {'n_pairs': 150})", 150),
    "cell": ("Panel(lab).set(n_pairs=250)", 250),
    "box": ("Panel(lab).receive({'do': 'type', 'knob': 'n_pairs', 'text': '10000'})", 10_000),
    "button": ("Panel(lab).receive({'do': 'preset', 'name': 'too many'})", 200),
    "training": ("panel = TrainingPanel(lab)\npanel.set(n_pairs=300)\npanel.thread.join()", 300),
    "in order": ("Panel(lab)", 20),
}
IN_CELL, IN_WIDGET = ("first state", "cell"), ("box", "button", "training")


@pytest.fixture
def notebook(write_notebook, planted_lab):
    """A notebook with a cell for each way."""
    return write_notebook("90_planted", planted_lab, *(cell for cell, _ in CELLS.values()))


def test_each_error_is_kept_in_the_executed_notebook(notebook):
    executed = nbformat.read(notebook, as_version=4)
    client = NotebookClient(
        executed,
        allow_errors=True,
        kernel_manager_class=PrivateKernelManager,
        resources={"metadata": {"path": notebook.parent}},
    )
    client.execute()
    errors = [error.splitlines()[0] for error in errors_in(executed)]
    expected = [("in a cell", way) for way in IN_CELL] + [("in a widget's callback", way) for way in IN_WIDGET]
    assert sorted(errors) == sorted(
        f"{where}: ArithmeticError: {CELLS[way][1]} pairs cannot be had" for where, way in expected
    )


def test_nbval_fails_wherever_a_cell_is_at_fault(notebook):
    """What a learner does to a lab, and a training in the background, stay in the widget, where nbval does not look."""
    options = ["--nbval-lax", "--nbval-current-env", "-q", "-rf", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *options, str(notebook)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=notebook.parent)
    failed = [int(number) for number in re.findall(r"^FAILED .*::Cell (\d+)", done.stdout, re.MULTILINE)]
    first = 2  # after the cells with the parameters and with the lab
    assert failed == [number for number, way in enumerate(CELLS, first) if way in IN_CELL], done.stdout
