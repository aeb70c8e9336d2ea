"""How the price and the rate of each method were chosen: a search of equal size for all, on tuning cases.

`rlhf-lessons sweep method-search` runs it and keeps what it found. Held-out cases and fresh seeds are not looked at.
"""

import copy
import time
from collections.abc import Iterable, Mapping
from functools import partial
from itertools import product
from typing import Any

import pandas as pd

from rlhf_lessons.evaluation.scorecard import scorecard
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.pipeline import STAGES
from rlhf_lessons.sweeps import executor, kept
from rlhf_lessons.sweeps.methods import SEARCHED_SEEDS, Method, family, run_key, train, tuned
from rlhf_lessons.sweeps.results import remembered
from rlhf_lessons.world.datasets import prompts_in

NAME = "method_search"
# Two knobs of each method: three values for how long its steps are, two for how far they may lead.
SAMPLING = {"learning_rate": (1.5e-4, 3e-4, 6e-4), "kl_coef": (0.02, 0.05)}
DIRECT = {"learning_rate": (5e-5, 1e-4, 2e-4), "beta": (0.1, 0.5)}
GRID: Mapping[str, Mapping[str, tuple[float, ...]]] = {
    **dict.fromkeys(("ppo", "rloo", "grpo"), SAMPLING),
    **dict.fromkeys(("dpo", "ipo"), DIRECT),
    "distilled": {"learning_rate": (1e-4, 3e-4, 1e-3), "steps": (50, 150)},
}


def candidates() -> dict[str, Method]:
    """Every setting of every method, named by its values."""
    found = {}
    for name, knobs in GRID.items():
        for values in product(*knobs.values()):
            changes: dict[str, Any] = dict(zip(knobs, values, strict=True))
            words = ", ".join(f"{knob} {value:g}" for knob, value in changes.items())
            found[f"{name}: {words}"] = tuned(words, name, **changes)
    return found


def sweep(
    jobs: int = 2, seeds: Iterable[int] = SEARCHED_SEEDS, scheduler: str | None = None
) -> dict[str, pd.DataFrame]:
    """Try every setting with every seed, and keep the results. Goes on, and fails, as `methods.sweep` does."""
    seeds, settings = list(seeds), candidates()
    runs = {f"{name}, seed {seed}": partial(tried, method, seed) for name, method in settings.items() for seed in seeds}
    with executor.workers(jobs, scheduler) as pool:
        executor.run_all(runs, pool, "runs")
    rows = [
        {"method": name.partition(":")[0], "condition": name, "seed": seed, **tried(method, seed)}
        for name, method in settings.items()
        for seed in seeds
    ]
    tables = {"search": pd.DataFrame(rows)}
    kept.write(NAME, tables, kept.label(NAME, settings, seeds, code(), tables["search"].seconds.sum()))
    return tables


def tried(method: Method, seed: int) -> dict[str, float]:
    """Safety and gold score on tuning cases after training, and its seconds."""

    return remembered(trial_key(method, seed), lambda: train_and_try(method, seed, *family(method, seed)))


def trial_key(method: Method, seed: int) -> Key:
    """What a trial depends on; nothing is trained."""
    key = run_key(method, seed)
    return Key.of("method_trial", key.settings, [train_and_try, STAGES[method.stage].train], key.parents)


def train_and_try(method: Method, seed: int, sft: GPT, judge: RewardModel) -> dict[str, float]:
    """A policy from the SFT model, judged on tuning cases."""
    policy, started = copy.deepcopy(sft), time.process_time()
    train(method, method.plan(seed), policy, sft, judge, on_step=lambda record: False)
    seconds, found = time.process_time() - started, scorecard(policy, prompts_in("tuning"), seed=seed)
    return {"safety": found.safe.value, "gold_score": found.gold_score, "seconds": seconds}


def code() -> str:
    """16 hex digits for all that the results depend on."""
    return Key(NAME, {}, "", parents=tuple(trial_key(method, 0) for method in candidates().values())).fingerprint


def best(table: pd.DataFrame) -> dict[str, str]:
    """Method -> the condition with the highest mean gold score on tuning cases; the first among equals."""
    means = table.groupby(["method", "condition"], sort=False).gold_score.mean()
    return {method: means[method].idxmax() for method in GRID}
