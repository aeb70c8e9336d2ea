"""One run: every piece of work at every size, ours and TRL's in turn, and the start of processes."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.against_trl import twins, work
from benchmarks.against_trl.work import Work
from rlhf_lessons.stages.group import GroupSettings, GRPOSettings
from rlhf_lessons.stages.ppo import PPOSettings, train_ppo

RM_20, RM_2000, SFT = "RM, 20 pairs x 100 epochs", "RM, 2,000 pairs x 3 epochs", "SFT, 200 steps of 32 demonstrations"
SAMPLING, RLOO, GRPO = "sampling, 256 answers of 14 tokens", "RLOO, an update of 256 answers", "GRPO, the same"
PYTHON, HELP, OUR_STEP, TRLS_STEP = "python -c pass", "rlhf-lessons --help", "our first step", "TRL's first step"
ROOT = Path(__file__).parents[2]
ALONE = {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
SMALL, LARGE = (2, 64), (4, 128)  # layers, width

Times = dict[str, float]


@dataclass(frozen=True)
class Column:
    """The rows of one column of the table: how much of each work is done, at which size, against which TRL."""

    size: tuple[int, int]
    options: dict[str, Any]
    works: dict[str, Callable[[], Work]]
    pairs: int


# Seconds of steps alone are compared, and a step takes as long in a part of the work as in all of it: a part is done.
COLUMNS = {
    "width 64": Column(
        SMALL,
        twins.TUNED,
        {
            RM_20: partial(work.reward, 20, 50, 20),
            RM_2000: partial(work.reward, 2_000, 1),
            SFT: partial(work.sft, 80),
            SAMPLING: partial(work.sampling, 256, 14),
            RLOO: partial(work.groups, GroupSettings, 1),
            GRPO: partial(work.groups, GRPOSettings, 1),
        },
        pairs=3,
    ),
    "width 128, 4 layers": Column(
        LARGE,
        twins.TUNED,
        {
            RM_20: partial(work.reward, 20, 15, 20),
            RM_2000: partial(work.reward, 320, 1),
            SFT: partial(work.sft, 15),
            SAMPLING: partial(work.sampling, 256, 14),
            RLOO: partial(work.groups, GroupSettings, 1),
            GRPO: partial(work.groups, GRPOSettings, 1),
        },
        pairs=2,
    ),
    "width 64, TRL as it comes": Column(
        SMALL,
        twins.DEFAULT,
        {
            RM_20: partial(work.reward, 20, 10, 20),
            RM_2000: partial(work.reward, 320, 1),
            SFT: partial(work.sft, 10),
            RLOO: partial(work.groups, GroupSettings, 1),
            GRPO: partial(work.groups, GRPOSettings, 1),
        },
        pairs=1,
    ),
}


@dataclass
class Run:
    """What one run found.

    ratios: column -> row -> TRL's time over ours. ours: our own seconds of the processor for the same.
    ppo: column -> an update of PPO over the sampling of its answers; TRL has no PPO since 1.13.
    starts, passed: the processor's seconds of whole processes, and those that passed.
    quiet: the share of the passing time that the processor worked for us: 1 where nothing else runs.
    """

    ratios: dict[str, Times] = field(default_factory=dict)
    ours: dict[str, Times] = field(default_factory=dict)
    ppo: Times = field(default_factory=dict)
    starts: Times = field(default_factory=dict)
    passed: Times = field(default_factory=dict)
    quiet: float = 0.0


def run() -> Run:
    """One run, on one thread."""
    torch.set_num_threads(1)
    found = Run()
    start_processes(found)
    passed, worked = time.perf_counter(), time.process_time()
    for job in (work.reward(20, 2, 20), work.sft(2)):  # the first step of each kind imports what it needs
        race(job, SMALL, twins.TUNED, 1)
    for name, column in COLUMNS.items():
        raced = {row: race(make(), column.size, column.options, column.pairs) for row, make in column.works.items()}
        found.ratios[name] = {row: median(theirs / ours for ours, theirs in pairs) for row, pairs in raced.items()}
        found.ours[name] = {row: median(ours for ours, _ in pairs) for row, pairs in raced.items()}
    found.ppo = {name: ppo(column.size) for name, column in COLUMNS.items() if SAMPLING in column.works}
    found.quiet = (time.process_time() - worked) / (time.perf_counter() - passed)
    return found


def race(job: Work, size: tuple[int, int], options: dict[str, Any], pairs: int) -> list[tuple[float, float]]:
    """Seconds of ours and of TRL's, in turn, each from a fresh policy."""
    return [
        (job.ours(work.policy(*size))(), job.theirs(work.policy(*size), **options)())
        for _ in range(pairs)
    ]  # fmt: skip


def ppo(size: tuple[int, int]) -> float:
    """An update of PPO over the sampling of its answers."""
    model, asked, settings = work.policy(*size), work.prompts(), PPOSettings(updates=3, **work.GENTLE)
    ends: list[float] = []
    train_ppo(model, asked, settings, work.odd_tokens, on_step=lambda _: ends.append(time.process_time()))
    draw = work.sampling(settings.rollout_size, settings.max_new_tokens).ours(model)
    return (ends[-1] - ends[0]) / (len(ends) - 1) / median(draw() for _ in range(3))


def start_processes(found: Run) -> None:
    """What a process costs before any work: whole processes, the median of some."""
    help_, step = Path(sys.executable).parent / "rlhf-lessons", ["-m", "benchmarks.against_trl.first_step"]
    commands = {
        PYTHON: ([sys.executable, "-c", "pass"], 5),
        HELP: ([help_, "--help"], 5),
        OUR_STEP: ([sys.executable, *step, "ours"], 1),
        TRLS_STEP: ([sys.executable, *step, "trl"], 1),
    }
    for name, (command, times) in commands.items():
        took = [process_seconds(command) for _ in range(times)]  # of the processor, and passing
        found.starts[name], found.passed[name] = map(median, zip(*took, strict=True))


def process_seconds(command: list[str | Path]) -> tuple[float, float]:
    """The processor's seconds of a command, and those that pass."""
    before, started = worked_by_children(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT, env={**os.environ, **ALONE})
    return worked_by_children() - before, time.perf_counter() - started


def worked_by_children() -> float:
    """The processor's seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
