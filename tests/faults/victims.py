"""Processes that are killed in the middle of their work."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import torch

from rlhf_lessons import pipeline, store
from rlhf_lessons.real import labels

TINY = {"n_notes": 200, "steps": 4, "layers": 1, "heads": 2, "width": 16}
LONGEST_LIFE = 0.08  # seconds
FINGERPRINT = "f" * 16
SIZE = 100_000


def killed_at_random(work: Callable[[], None], times: int, seed: int, told: Path | None = None) -> Iterator[float]:
    """Start `work` so many times, each in a process of its own, and kill it after a random while, which is given.

    told: a file in which the work tells what it has done; the while begins once there is a word of it.
    """
    context = multiprocessing.get_context("forkserver")  # torch takes seconds to import: once will do
    context.set_forkserver_preload([__name__])
    chance = random.Random(seed)
    for _ in range(times):
        ready, life, before = context.Event(), chance.uniform(0, LONGEST_LIFE), _size(told)
        process = context.Process(target=_ready_and_work, args=(ready, work, {**os.environ}), daemon=True)
        process.start()
        assert ready.wait(60)
        while told and _size(told) == before and process.is_alive():
            time.sleep(0.001)
        time.sleep(life)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        yield life


def save_for_ever() -> None:
    """One save after another, each of other weights that are all alike: half of one and half of another would show."""
    for value in count():
        store.save("sft", FINGERPRINT, {"a": torch.full((SIZE,), float(value))}, {"value": float(value)})


def train_for_ever() -> None:
    """The same small stage again and again, each with another seed."""
    torch.set_num_threads(1)
    for seed in count():
        pipeline.ensure("pretrained", seed, progress=False, **TINY)


def label_for_ever() -> None:
    """One press after another in a window of its own; what was kept is told at once."""
    window = f"window {os.getpid()}"
    with told_path().open("ab", buffering=0) as told:
        for n in count():
            press(labels_path(), window, n)
            told.write(f"{window}\n".encode())


def label_some(path: Path, window: str, n_presses: int) -> None:
    """So many presses in a window."""
    for n in range(n_presses):
        press(path, window, n)


def press(path: Path, window: str, n: int) -> None:
    """The n-th press of a window, from 0: each fifth takes back the press before."""
    if n % 5 == 4:
        labels.undo(path, window)
    else:
        choice = ("1", "2", "tie", "skip")[n % 4]
        label = labels.Label(window=window, question=f"{n}?", answers=(window, "no"), choice=choice)
        labels.append(path, label)


def standing(n: int) -> list[str]:
    """The questions that stand after the n first presses of a window."""
    return [f"{at}?" for at in range(n) if at % 5 != 4 and (at % 5 != 3 or at + 1 >= n)]


def labels_path() -> Path:
    """Where the victims label."""
    return store.home() / "labels.jsonl"


def told_path() -> Path:
    """Where they tell what was kept."""
    return store.home() / "told"


def _size(path: Path | None) -> int:
    return path.stat().st_size if path and path.exists() else 0


def _ready_and_work(ready: Any, work: Callable[[], None], environment: dict[str, str]) -> None:
    os.environ |= environment  # the server that forks has that of the first test
    ready.set()
    work()
