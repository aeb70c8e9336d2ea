"""Many runs at once, on this machine or on many, with one bar; a sweep ends at the first that fails.

`workers` says where the runs happen and stops what still runs when it is left; `each` hands them in and gives them as
they end, and `run_all` wants them all to end well.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, wait
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from rlhf_lessons.refusals import shown
from rlhf_lessons.sweeps.processes import RunError, no_ctrl_c, processes

LOCAL = "local"  # a cluster of processes on this machine
ADDRESS = re.compile(r"(tcp|tls)://[^/\s]+:[0-9]{1,5}")
LOOK_UP = 0.5  # seconds; Windows lets Ctrl-C through only between two waits
LOST = (
    "a process was ended from outside, by the system if memory ran short; "
    "what was finished is kept, and the same command goes on from there, on fewer processes if need be"
)


def workers(jobs: int, scheduler: str | None = None) -> AbstractContextManager[Executor]:
    """Where runs happen: `jobs` processes of this machine, or, with a `scheduler`, what `cluster.workers` gives.

    Raises ValueError for a scheduler that cannot be used.
    """
    if scheduler is None:
        return processes(jobs)
    check_scheduler(scheduler)
    try:
        from rlhf_lessons.sweeps import cluster
    except ImportError:
        needs = "it needs Dask: install the `cluster` extra, pip install 'rlhf-lessons[cluster]'"
        raise ValueError(f"scheduler: {needs}") from None
    return cluster.workers(jobs, None if scheduler == LOCAL else scheduler)


def check_scheduler(scheduler: str) -> None:
    """Raise ValueError unless it says where a scheduler is."""
    if scheduler != LOCAL and not ADDRESS.fullmatch(scheduler):
        allowed = f"{LOCAL} or an address such as tcp://host:8786"
        raise ValueError(f"scheduler: {shown(scheduler)} is not allowed; it must be {allowed}")


def run_all(runs: Mapping[str, Callable[[], object]], executor: Executor, description: str) -> None:
    """Make all runs, by name, with a bar. They keep their results themselves: what they return is dropped.

    Raises RunError for the first that fails. The others go on until the executor is stopped, as `workers` does.
    """
    for name, error in each(runs, executor, description):
        if isinstance(error, RunError):
            raise RunError(f"{name}: {error}") from error
        if error:
            raise error


def each(
    runs: Mapping[str, Callable[..., object]], executor: Executor, description: str, folder: Path | None = None
) -> Iterator[tuple[str, BaseException | None]]:
    """Hand in all runs, and give the name of each as it ends, with its error if it failed, under a bar.

    With a `folder`, each run is called with one, and the files that it leaves there are in `folder` in the end. Raises
    RunError where no run can go on.
    """
    arguments = () if folder is None else (folder,)
    with tqdm(total=len(runs), desc=description) as bar:
        try:
            with no_ctrl_c():
                waiting = {executor.submit(_run, run, *arguments): name for name, run in runs.items()}
            while waiting:
                done, _ = wait(waiting, LOOK_UP, FIRST_COMPLETED)
                for future in done:
                    error = future.exception()
                    if isinstance(error, BrokenExecutor):
                        raise error
                    bar.update()
                    yield waiting.pop(future), error
        except BrokenExecutor:
            raise RunError(LOST) from None


def _run(run: Callable[..., object], *folder: Any) -> None:
    """Returns nothing, for a long result that is cut short by a killed process would block the pool for ever."""
    try:
        run(*folder)
    except BaseException as error:  # SystemExit too: it would end the parent, perhaps as if all were well
        # In words, for an exception of any other kind may not survive the way between two processes.
        raise RunError(f"{type(error).__name__}: {' '.join(str(error).split())}") from error
