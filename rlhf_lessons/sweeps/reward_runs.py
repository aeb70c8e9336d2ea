"""One reward model after another, measured on the way and at the end, and remembered.

A run starts from the pretrained model and learns from curated pairs of the train cases. Pairs of the tuning
cases choose (a temperature, a setting); pairs of the held-out cases only judge. All of them are as people chose.
"""

import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import torch
from torch import Tensor
from tqdm.auto import tqdm

from rlhf_lessons import knobs
from rlhf_lessons.diagnostics.doctor.measures import Margins, calibration_error, reliability
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sequences import PairSet
from rlhf_lessons.pipeline import PretrainedPlan, ensure, key_of
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.reward import RewardSettings, evaluate, score, train_reward
from rlhf_lessons.sweeps.results import remembered
from rlhf_lessons.world.annotators import Ceiling, best_possible, curated_pairs
from rlhf_lessons.world.datasets import Pair, encode_pairs, rewritten
from rlhf_lessons.world.tokenizer import course_tokenizer

STEPS = 100  # the document's 100 epochs: with 20 pairs in a batch, an epoch is a step
LARGEST_BATCH = 64
EVALUATIONS = 8  # how often held-out pairs are scored on the way
JUDGED = {"train": 500, "tuning": 300, "held_out": 800}  # at most so many pairs judge a finished model
FEW = slice(0, 200)  # enough on the way
TEMPERATURES = (0.25, 32.0)  # the lowest and the highest that is tried


class RunSettings(RewardSettings):
    """Body, data, head and training of one reward model. After one step of pretraining a body knows nothing."""

    pretraining_steps: knobs.Steps = PretrainedPlan().steps
    n_pairs: knobs.NPairs = 20
    head_init_scale: knobs.HeadInitScale = 0.0
    reward_offset: knobs.RewardOffset = 0.0
    bound: knobs.Bound = "none"
    bound_scale: knobs.BoundScale = 1.0


@dataclass(frozen=True)
class RewardRun:
    """What is kept of a run: a record a step, and the margins of the finished model on each split's pairs.

    Some records have held_out_ metrics.
    """

    settings: RunSettings
    records: list[Record]
    margins: dict[str, list[float]]

    @property
    def frame(self) -> pd.DataFrame:
        """The records as a table, one row a step."""
        return pd.DataFrame(self.records)

    @cached_property
    def temperature(self) -> float:
        """Dividing all rewards by this gives the lowest NLL on the *tuning* pairs (Guo et al. 2017, section 4.2)."""
        from scipy.optimize import minimize_scalar  # takes a third of a second to import

        low, high = map(math.log, TEMPERATURES)
        return math.exp(minimize_scalar(lambda t: self.scored("tuning", math.exp(t)).nll, bounds=(low, high)).x)

    def scored(self, split: str, temperature: float = 1.0) -> Margins:
        """The margins on the pairs of `train`, `tuning` or `held_out`, each divided by `temperature`."""
        return Margins(torch.tensor(self.margins[split], dtype=torch.float64) / temperature)

    def measures(self, split: str = "held_out", temperature: float = 1.0) -> dict[str, float]:
        """Accuracy, mean margin, NLL (nats) and ECE of the finished model on a split's pairs."""
        pairs = self.scored(split, temperature)
        return {
            "accuracy": pairs.accuracy.value,
            "margin": float(pairs.margins.mean()),
            "nll": pairs.nll,
            "ece": calibration_error(reliability(pairs)),
        }


def hundred_steps(n_pairs: int, **changes: Any) -> RunSettings:
    """Settings for `n_pairs` pairs that take about `STEPS` steps, so that sizes compare at equal work."""
    batch_size = min(n_pairs, LARGEST_BATCH)
    epochs = max(1, round(STEPS / -(-n_pairs // batch_size)))
    return RunSettings(**{"n_pairs": n_pairs, "batch_size": batch_size, "epochs": epochs, **changes})


def reward_run(settings: RunSettings, copies: int = 0, remake: bool = False) -> RewardRun:
    """Train and measure a reward model, or recall a run with these settings.

    With `copies`, each pair joins in that many times more, in other words (see `paraphrased`).
    """
    steps = settings.pretraining_steps
    parent = key_of("pretrained", steps=steps)
    key = Key.of("reward_run", {**settings.model_dump(), "copies": copies}, [train_and_measure], [parent])

    def measure() -> dict[str, Any]:
        return train_and_measure(settings, copies, ensure("pretrained", steps=steps).model)

    kept = remembered(key, measure, remake)
    return RewardRun(settings, kept["records"], kept["margins"])


def reward_runs(every: Iterable[RunSettings], copies: int = 0, remake: bool = False) -> list[RewardRun]:
    """`reward_run` for one setting after another, with a progress bar."""
    every = list(every)
    return [reward_run(one, copies, remake) for one in tqdm(every, desc="reward models", leave=False)]


def paraphrased(pairs: list[Pair], copies: int, seed: int = 0) -> list[Pair]:
    """The pairs, and `copies` synthetic twins of each: same question, same kind of error, other words."""
    rng = random.Random(f"paraphrases {seed}")
    return [*pairs, *(rewritten(pair, rng) for pair in pairs * copies)]


def table(runs: Iterable[RewardRun], split: str = "held_out", calibrated: bool = False) -> pd.DataFrame:
    """One row a run: n_pairs, seed and the measures, each divided by its own temperature if `calibrated`."""
    rows = []
    for run in runs:
        measured = run.measures(split, run.temperature if calibrated else 1.0)
        rows.append({"n_pairs": run.settings.n_pairs, "seed": run.settings.seed, **measured})
    return pd.DataFrame(rows)


def train_and_measure(settings: RunSettings, copies: int, body: GPT) -> dict[str, Any]:
    """The records of one training, and the margins of the finished model on the pairs of each split."""
    model = RewardModel.from_policy(
        body, head_init_scale=settings.head_init_scale, reward_offset=settings.reward_offset,
        bound=settings.bound, bound_scale=settings.bound_scale, seed=settings.seed,
    )  # fmt: skip
    train = encode_pairs(
        course_tokenizer(),
        paraphrased(curated_pairs(settings.n_pairs, "train", seed=settings.seed), copies, settings.seed),
    )
    splits = {"train": train[: JUDGED["train"]], "tuning": judges("tuning"), "held_out": judges("held_out")}
    n_steps = settings.epochs * -(-len(train) // settings.batch_size)
    records: list[Record] = []

    def keep(record: Record) -> None:
        due = record["step"] == 1 or record["step"] % max(1, n_steps // EVALUATIONS) == 0
        extra = evaluate(model, splits["held_out"][FEW]) if due else {}
        records.append(record | {f"held_out_{name}": value for name, value in extra.items()})

    plan = RewardSettings(**{name: getattr(settings, name) for name in RewardSettings.model_fields})
    train_reward(model, train, plan, on_step=keep)
    return {"records": records, "margins": {name: _margins(model, pairs).tolist() for name, pairs in splits.items()}}


def judges(split: str) -> PairSet:
    """The pairs of `tuning` or `held_out` that all runs are measured on."""
    return encode_pairs(course_tokenizer(), _judging_pairs(split))


def best(split: str = "held_out") -> Ceiling:
    """What nobody can beat on the pairs of `judges`."""
    return best_possible(_judging_pairs(split))


def _judging_pairs(split: str) -> list[Pair]:
    return curated_pairs(JUDGED[split], split, seed=0)


def _margins(model: RewardModel, pairs: PairSet) -> Tensor:
    return score(model, pairs.chosen) - score(model, pairs.rejected)
