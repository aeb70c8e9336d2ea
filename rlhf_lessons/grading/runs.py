"""Running submissions side by side."""

import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from rlhf_lessons import progress, store
from rlhf_lessons.exercises.exercise import STRICT_VARIABLE
from rlhf_lessons.grading.submissions import Submission
from rlhf_lessons.grading.watched import LOST, Watched

LOOK = 0.2  # seconds between two looks at what runs
OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}


@dataclass
class Run:
    """What is known of a submission's run: the last cell that began, the errors of cells, each exercise's state and
    what was said of it, and what ended the run too early."""

    last: int = 0
    errors: dict[int, str] = field(default_factory=dict)
    kept: dict[str, list[str]] = field(default_factory=dict)
    fault: str = LOST
    is_folder_gone: bool = False

    @property
    def ended_early(self) -> str:
        """What ended it, and where; "" if all cells ran."""
        where = f"in code cell {self.last}" if self.last else "before its first cell"
        return f"{self.fault} {where}" if self.fault else ""

    @property
    def told(self) -> str:
        """What went wrong beside exercises that are not solved, in a line."""
        others = [f"code cell {n} stops with {text}" for n, text in self.errors.items() if "NotSolved:" not in text]
        more = f"and {len(others) - 1} more" if len(others) > 1 else ""
        gone = "it removed its own folder" if self.is_folder_gone else ""
        return "; ".join(filter(None, [self.ended_early, gone, *others[:1], more]))


def run_all(
    submissions: list[Submission], seconds: float, memory: float, jobs: int
) -> Iterator[tuple[Submission, Run]]:
    """Run them all, `jobs` at once; yields each as soon as it has ended."""
    waiting, running = list(submissions), list[_Running]()
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(_Running(waiting.pop(0), seconds, memory, jobs))
            time.sleep(LOOK)
            for one in [one for one in running if one.watched.is_over()]:
                running.remove(one)
                yield one.submission, one.end()
    finally:
        for one in running:
            one.end()


class _Running:
    """A submission that runs, in a temporary folder."""

    def __init__(self, submission: Submission, seconds: float, memory: float, jobs: int) -> None:
        self.submission = submission
        self._folder = tempfile.TemporaryDirectory(prefix="rlhf-grade-", ignore_cleanup_errors=True)
        root = Path(self._folder.name)
        for name in ("work", "temporary"):
            (root / name).mkdir()
        self._copy = root / "work" / "submission.ipynb"
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in submission.cells])
        self._copy.write_text(nbformat.writes(notebook), encoding="utf-8", errors="replace")
        command = [sys.executable, "-m", "rlhf_lessons.grading.every_cell", str(self._copy), *submission.exercises]
        self.watched = Watched(
            command, self._copy.parent, _surroundings(root, jobs), progress.VARIABLE, seconds, memory
        )

    def end(self) -> Run:
        self.watched.kill()
        run = understood(self.watched.output(), self.watched.fault)
        run.is_folder_gone = not self._copy.exists()
        self._folder.cleanup()
        return run


def _surroundings(root: Path, jobs: int) -> dict[str, str]:
    """The environment of a submission: all that its programs write of themselves goes below `root`."""
    return {
        "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 1) // jobs)),
        **os.environ,
        **OFFLINE,
        STRICT_VARIABLE: "1",
        progress.VARIABLE: str(root / "progress"),
        store.HOME_VARIABLE: str(store.home()),
        store.SHARED_VARIABLE: str(store.shared() or ""),
        "IPYTHONDIR": str(root / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        "TMPDIR": str(root / "temporary"),
    }


def understood(output: bytes, fault: str) -> Run:
    """The run that `every_cell` told of in `output`. fault: what ended its process, "" if nothing did."""
    run = Run()
    for line in output.splitlines():
        told: dict[str, Any] = {}
        with suppress(ValueError):  # the last line may be half written
            told = json.loads(line)
        run.last = told.get("cell", run.last)
        run.kept |= told.get("kept", {})
        run.fault = told.get("fault", run.fault)
        if told.get("error"):
            run.errors[told["cell"]] = ": ".join(told["error"])
    run.fault = fault or run.fault
    return run
