"""Runs of a sweep that cost nothing and go wrong in every way, and a program that makes them: it stands for a sweep."""

import math
import os
import signal
import sys
import time
from functools import partial
from pathlib import Path

from filelock import FileLock
from tqdm.auto import tqdm

from rlhf_lessons import store
from rlhf_lessons.keys import Key, version_of
from rlhf_lessons.sweeps import executor
from rlhf_lessons.sweeps.results import remembered


class Stubborn(Exception):
    """It can be sent to another process, but not received."""

    def __init__(self, first: str, second: str):
        super().__init__(f"{first}\n{second}")


def trifle(number: int, places: Path) -> dict[str, float]:
    """A result that is remembered; a file in `places`, which names the store, for each time that it is measured."""

    def measure() -> dict[str, float]:
        (places / f"measured-{number}-{time.time_ns()}").write_text(str(store.home()))
        return {"root": math.sqrt(number)}

    return remembered(Key("trifle", {"number": number}, version_of(())), measure)


def dies_once(number: int, places: Path) -> None:
    """A trifle whose process is killed in the middle of it when it is tried first."""
    if not (places / f"died-{number}").exists():
        (places / f"died-{number}").touch()
        is_killed()
    trifle(number, places)


def endless(name: str, places: Path) -> None:
    """Works for ever and never waits, with a bar and a lock in its hands, after it has left a file in `places`."""
    with FileLock(places / f"{name}.lock"), tqdm(disable=True):
        (places / f"started-{name}").touch()
        while True:
            sum(range(1000))


def stubborn() -> None:
    raise Stubborn("two", "lines")


def leaves() -> None:
    sys.exit(0)


def is_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sweep(places: Path, scheduler: str | None = None) -> None:
    """Two trifles, then two runs without an end, on two workers; says so when it is interrupted."""
    runs = {str(number): partial(trifle, number, places) for number in range(2)}
    runs |= {name: partial(endless, name, places) for name in ("a", "b")}
    try:
        with executor.workers(2, scheduler) as pool:
            executor.run_all(runs, pool, "runs")
    except KeyboardInterrupt:
        print("interrupted once")


if __name__ == "__main__":
    sweep(Path(sys.argv[1]), *sys.argv[2:])
