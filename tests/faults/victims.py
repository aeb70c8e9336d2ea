"""Processes that are killed in the middle of their work."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import torch

from rlhf_lessons import pipeline, store

TINY = {"n_notes": 200, "steps": 4, "layers": 1, "heads": 2, "width": 16}
LONGEST_LIFE = 0.08  # seconds
FINGERPRINT = "f" * 16
SIZE = 100_000


def killed_at_random(work: Callable[[], None], times: int, seed: int) -> Iterator[float]:
    """Start `work` so many times, each in a process of its own, and kill it after a random while, which is given."""
    context = multiprocessing.get_context("forkserver")  # torch takes seconds to import: once will do
    context.set_forkserver_preload([__name__])
    chance = random.Random(seed)
    for _ in range(times):
        ready, life = context.Event(), chance.uniform(0, LONGEST_LIFE)
        process = context.Process(target=_ready_and_work, args=(ready, work), daemon=True)
        process.start()
        assert ready.wait(60)
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


def _ready_and_work(ready: Any, work: Callable[[], None]) -> None:
    ready.set()
    work()
