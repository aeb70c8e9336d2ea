"""A notebook that nbval would fail fails in the browser as well, and so does one that never ends."""

import nbformat
import pytest
from nbformat.v4 import new_output

from tools.run_faults import run_faults

pytestmark = pytest.mark.browser

CELLS = (
    "panel = TrainingPanel(lab)\npanel.set(n_pairs=200)\npanel.thread.join()",
    "# NBVAL_CHECK_OUTPUT\nprint(seed + 1)",
    "1 / 0",
    "print('never')",
)
FAULTS = (
    "code cell 6 did not run",
    "in a cell: ZeroDivisionError: division by zero",
    "in a widget's callback: ArithmeticError: 200 pairs cannot be had",
    "code cell 4 shows {'stdout': '1\\n'}, stored is {'stdout': '0\\n'}",
)


def test_every_kind_of_fault_is_found(place, folder, open_notebook, planted_lab):
    name = place("95_faults", planted_lab, *CELLS)
    kept = nbformat.read(folder / name, as_version=4)
    kept.cells[4].execution_count, kept.cells[4].outputs = 4, [new_output("stream", name="stdout", text="0\n")]
    session = open_notebook(name)
    session.run_all()
    session.save()
    found = run_faults(nbformat.read(folder / name, as_version=4), kept)
    assert [fault.splitlines()[0] for fault in found] == list(FAULTS)


def test_a_cell_that_hangs_is_named(place, open_notebook):
    session = open_notebook(place("96_hangs", "import time\ntime.sleep(3600)"))
    with pytest.raises(TimeoutError, match=r"^96_hangs.ipynb: after 5 s cell 2 had not ended$"):
        session.run_all(seconds=5)
