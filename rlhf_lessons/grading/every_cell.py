"""Runs all cells of a notebook, whatever fails on the way.

`python -m rlhf_lessons.grading.every_cell NOTEBOOK EXERCISE ...` tells of each cell in a line of JSON on standard
output, before and after, with what is known of the exercises by then. What the cells themselves print or show is
thrown away, however much it is.
"""

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

from rlhf_lessons import progress
from rlhf_lessons.kernels import PrivateKernelManager

LONGEST = 500  # characters of what an exercise or an error says
DAY = 86_400  # seconds: how long a run may take is for `watched` to say
# In a strict run an unsolved exercise ends its cell. Its reference still takes its place, for what comes after.
GO_ON = """
def _go_on(shell, kind, error, trace, tb_offset=None):
    import inspect
    check = inspect.getinnerframes(trace)[-1].frame.f_locals
    shell.user_ns[check["attempt"].__name__] = check["self"].reference
    shell.showtraceback((kind, error, trace))
from rlhf_lessons.exercises.exercise import NotSolved
get_ipython().set_custom_exc((NotSolved,), _go_on)
del _go_on, NotSolved
"""


class Client(NotebookClient):
    """One that keeps nothing of what cells show."""

    def output(self, *_: Any) -> None:
        return None


def run(notebook: nbformat.NotebookNode, names: list[str], tell: Any) -> None:
    """Run it in a kernel of this Python; `tell` is called with what is to be told."""
    notebook.cells.insert(0, nbformat.v4.new_code_cell(GO_ON))  # so that a cell's index is its number, from 1
    client = Client(
        notebook,
        kernel_name="python3",
        kernel_manager_class=PrivateKernelManager,
        allow_errors=True,
        startup_timeout=DAY,
        on_cell_execute=lambda cell, cell_index: tell(cell=cell_index),
        on_cell_executed=lambda cell, cell_index, execute_reply: tell(
            cell=cell_index, error=_error(execute_reply["content"]), kept=_kept(names)
        ),
    )
    try:
        client.execute()
    except RuntimeError:  # of nbclient: the kernel died
        tell(fault="its kernel died")
    else:
        tell(fault="")


def _error(reply: dict[str, Any]) -> list[str] | None:
    """Name and message of the error that ended a cell."""
    return [str(reply.get(key, ""))[:LONGEST] for key in ("ename", "evalue")] if reply["status"] == "error" else None


def _kept(names: list[str]) -> dict[str, list[str]]:
    """State and saying of each exercise that was checked so far."""
    found = {name: progress.find("exercise", name) for name in names}
    return {name: [str(one.get(key, ""))[:LONGEST] for key in ("state", "said")] for name, one in found.items() if one}


def main(path: str, *names: str) -> None:
    report = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # which the kernel inherits
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def tell(**found: Any) -> None:
        print(json.dumps(found), file=report, flush=True)

    notebook: Any = nbformat.read(Path(path), as_version=4)
    run(notebook, list(names), tell)


def _end_with_parent() -> None:
    sys.stdin.read()  # until whoever holds the other end is gone
    os._exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
