"""Who may work on a folder of the cache: one process trains what belongs there, one at a time saves it.

Locks are files, and end with the process that holds them, however it ends.
"""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from rlhf_lessons import files

TRAINING, HOLDER, SAVING = "training.lock", "training.json", "saving.lock"
LONGEST_WAIT = 1200  # seconds; longer than any stage of the course trains
SILENT_WAIT = 3  # seconds; who waits longer is told for whom
SAVING_WAIT = 60


def to_stderr(line: str) -> None:
    """A line for whoever sits before the program: the terminal, or the cell of a notebook."""
    print(line, file=sys.stderr, flush=True)


@contextmanager
def training(folder: Path, name: str, say: Callable[[str], None] = to_stderr) -> Iterator[None]:
    """Hold the training of what belongs into a folder. `name` is what to call it when somebody has to wait.

    Whoever has waited for 20 minutes goes on without the lock. Raises OSError if the folder cannot be written.
    """
    held = FileLock(folder / TRAINING)
    try:
        held.acquire(timeout=min(SILENT_WAIT, LONGEST_WAIT))
    except Timeout:
        say(f"{name}: {_holder(folder)}")
        with suppress(Timeout):
            held.acquire(timeout=max(LONGEST_WAIT - SILENT_WAIT, 0))
    try:
        if held.is_locked:
            _sign(folder)
        yield
    finally:
        held.release()


@contextmanager
def hold(path: Path, seconds: float = SAVING_WAIT) -> Iterator[bool]:
    """Hold a lock, by the path of its file. Gives whether it was free within so many seconds."""
    held = FileLock(path)
    with suppress(Timeout):
        held.acquire(timeout=seconds)
    try:
        yield held.is_locked
    finally:
        held.release()


def _sign(folder: Path) -> None:
    """Leave word of who holds the lock. The lock's own file cannot say it: whoever tries it empties it."""
    now = datetime.now().isoformat(timespec="seconds")
    told = {"process": os.getpid(), "host": socket.gethostname(), "since": now}
    with suppress(OSError):
        files.replace(folder / HOLDER, json.dumps(told).encode())


def _holder(folder: Path) -> str:
    """Who holds the training, and what happens to the one who waits."""
    try:
        told = files.parse_json(files.read(folder / HOLDER), HOLDER)
        since = datetime.fromisoformat(told["since"])
        who = f"process {told['process']:d} on {told['host']!s:.60} has been training it since {since:%H:%M:%S}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "another process is training it"
    return f"{who}; this one waits for the result, and after {LONGEST_WAIT // 60} minutes trains by itself"
