"""Many runs on several processes, which end together: at the last result, at the first error, or with their parent.

`processes` says where the runs happen and stops what still runs when it is left; `run_all` hands them in and waits,
on this or on any other `concurrent.futures.Executor`.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, ProcessPoolExecutor, wait
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

from tqdm.auto import tqdm

LOOK_UP = 0.5  # seconds; Windows lets Ctrl-C through only between two waits
LOST = (
    "a process was ended from outside, by the system if memory ran short; "
    "what was finished is kept, and the same command goes on from there, on fewer processes if need be"
)


class RunError(RuntimeError):
    """A run failed: its name and its error in one line. Where it failed is told by the traceback of its process."""


def run_all(runs: Mapping[str, Callable[[], object]], executor: Executor, description: str) -> None:
    """Make all runs, by name, with a bar. They keep their results themselves: what they return is dropped.

    Raises RunError for the first that fails. The others go on until the executor is stopped, as `processes` does.
    """
    with tqdm(total=len(runs), desc=description) as bar:
        try:
            with _no_ctrl_c():
                waiting = {executor.submit(_run, name, run) for name, run in runs.items()}
            while waiting:
                done, waiting = wait(waiting, LOOK_UP, FIRST_COMPLETED)
                for future in done:
                    future.result()
                bar.update(len(done))
        except BrokenExecutor:
            raise RunError(LOST) from None


@contextmanager
def processes(jobs: int) -> Iterator[Executor]:
    """`jobs` processes of one thread each, which end at once when the block is left or this process is gone.

    Each of them waits at a pipe whose other end only this process has. Nothing is sent: the end of the pipe says stop,
    and the system closes it for a process that was killed.
    """
    context = multiprocessing.get_context("spawn")
    theirs, ours = context.Pipe(duplex=False)
    with theirs, ours:
        pool = ProcessPoolExecutor(jobs, context, _begin, (theirs,))
        try:
            yield pool
        finally:
            ours.close()
            pool.shutdown(cancel_futures=True)


@contextmanager
def _no_ctrl_c() -> Iterator[None]:
    """Ctrl-C waits until the block is left, and never comes to the processes that start in it."""
    if sys.platform == "win32":  # has no such mask; there `_begin` alone keeps Ctrl-C away
        yield
        return
    is_main = threading.current_thread() is threading.main_thread()  # others get no Ctrl-C, and may set no handler
    came: list[int] = []
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    # The system may give it to another thread, such as tqdm's; Python would raise it in this one all the same.
    handler = signal.signal(signal.SIGINT, lambda number, _: came.append(number)) if is_main else None
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if is_main:
            signal.signal(signal.SIGINT, handler)
    if came:
        raise KeyboardInterrupt


def _begin(parent: Connection) -> None:
    """What each process does first. torch is loaded after the watch has begun, for that takes seconds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    tqdm.set_lock(threading.RLock())  # its own is shared between processes, and one that is killed leaves it behind
    import torch

    torch.set_num_threads(1)


def _end_with(parent: Connection) -> None:
    with suppress(EOFError, OSError):
        parent.recv_bytes()
    os._exit(1)


def _run(name: str, run: Callable[[], object]) -> None:
    """Returns nothing, for a long result that is cut short by a killed process would block the pool for ever."""
    try:
        run()
    except BaseException as error:  # SystemExit too: it would end the parent, perhaps as if all were well
        # In words, for an exception of any other kind may not survive the way between two processes.
        raise RunError(f"{name}: {type(error).__name__}: {' '.join(str(error).split())}") from error
