"""Processes of this machine that end together: with the block that started them, or with their parent."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection

import psutil
from tqdm.auto import tqdm


class RunError(RuntimeError):
    """A run failed: its error in one line, and its name. Where it failed is told by the traceback of its process."""


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
def no_ctrl_c() -> Iterator[None]:
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


@contextmanager
def environment(**values: str) -> Iterator[None]:
    """Variables of the environment that this process and those that it starts have inside the block."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def prepare() -> None:
    """What a process does before its first run."""
    tqdm.set_lock(threading.RLock())  # its own is shared between processes, and one that is killed leaves it behind
    import torch

    from rlhf_lessons import devices

    torch.set_num_threads(1)
    devices.use()


def kill_children(process: psutil.Process) -> None:
    """End all that a process has started, such as the kernel of a notebook, before it can say a word about it."""
    with suppress(psutil.NoSuchProcess):
        for child in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                child.kill()


def _begin(parent: Connection) -> None:
    """What each process does first. torch is loaded after the watch has begun, for that takes seconds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    prepare()


def _end_with(parent: Connection) -> None:
    with suppress(EOFError, OSError):
        parent.recv_bytes()
    kill_children(psutil.Process())
    os._exit(1)
