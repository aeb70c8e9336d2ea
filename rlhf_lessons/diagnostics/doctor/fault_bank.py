"""The fault bank: small reward models, each with exactly one planted fault, and healthy ones.

Each trains in well under a second. In most of its pairs the words alone tell which answer is better, so that a tiny
model without pretraining ranks about 90 % of the held-out pairs right. A fault is planted in one place only; the
training itself is `stages.reward.train_reward`, as everywhere. A fault's name is that of the finding it should lead to.
"""

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from rlhf_lessons.diagnostics.doctor import causes
from rlhf_lessons.diagnostics.findings import HEALTHY
from rlhf_lessons.diagnostics.reward_report import RewardReport, reward_report
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sequences import PairSet, Sequences
from rlhf_lessons.refusals import check_choice
from rlhf_lessons.stages.history import History, Record
from rlhf_lessons.stages.reward import RewardSettings, score, train_reward
from rlhf_lessons.world.datasets import Pair, encode_pairs, written_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer

N_TRAIN, N_TEST = 250, 200
# Mostly pairs that differ in manner: a model without pretraining cannot know the facts of a held-out case.
MIX = {"vague": 0.4, "dangerous": 0.3, "wrong_verdict": 0.3}
LONGEST = 6  # tokens: little more than the prompt
HIDDEN = ("learning_rate", "grad_norm")  # left out of the log: the learning rate would give two faults away


class NormalisedAfterHead(RewardModel):
    """Layer normalisation on the reward itself: of one number it always makes 0."""

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        return F.layer_norm(super().forward(tokens, lengths)[:, None], (1,))[:, 0]


class ReadsOneTooEarly(RewardModel):
    """Reads the token before the last one."""

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        return super().forward(tokens, lengths - 1)


def _curated(seed: int) -> list[Pair]:
    return written_pairs(N_TRAIN, "train", MIX, seed)


def _swapped(seed: int) -> list[Pair]:
    return [pair.swapped() for pair in _curated(seed)]


def _longer_preferred(seed: int) -> list[Pair]:
    """The careful answer is the longer one in half of the pairs, but the longer one is always called chosen."""
    drawn = [
        (len(pair.chosen.split()) - len(pair.rejected.split()), pair)
        for pair in written_pairs(5 * N_TRAIN, "train", MIX, seed)
    ]
    longer = [pair for lead, pair in drawn if lead > 0][: N_TRAIN // 2]
    shorter = [pair.swapped() for lead, pair in drawn if lead < 0][: N_TRAIN // 2]
    return longer + shorter


@dataclass(frozen=True)
class Recipe:
    """How a reward model is made: the defaults are the healthy one's, and a fault changes exactly one of them."""

    meaning: str
    learning_rate: float = 5e-3
    model: type[RewardModel] = RewardModel
    head: Mapping[str, Any] = field(default_factory=dict)
    train_texts: Callable[[int], list[Pair]] = _curated
    longest: int | None = None  # tokens a sequence may have
    climbs: bool = False
    bias_step: float = 0.0
    tests_on_train: bool = False


FAULTS: Mapping[str, Recipe] = {
    causes.WRONG_WAY: Recipe("each step climbs the loss: its sign is wrong", climbs=True),
    causes.DRIFT: Recipe("a hand-written update moves the shared bias, where the loss has no gradient", bias_step=1.0),
    causes.RATE_HIGH: Recipe("the learning rate is far too high", learning_rate=1.0),
    causes.RATE_LOW: Recipe("the learning rate is far too low", learning_rate=1e-5),
    causes.SATURATED: Recipe(
        "a tanh bounds the reward and its bias starts far out", head={"bound": "tanh", "reward_offset": -20.0}
    ),
    causes.NORMALISED: Recipe("layer normalisation comes after the head", model=NormalisedAfterHead),
    causes.LARGE_HEAD: Recipe("the head's first weights are far too large", head={"head_init_scale": 100.0}),
    causes.INVERTED: Recipe("chosen and rejected are swapped in the training data", train_texts=_swapped),
    causes.READ_OUT: Recipe("the reward is read one token before the end", model=ReadsOneTooEarly),
    causes.IDENTICAL: Recipe("a short context cuts off what the two answers differ in", longest=LONGEST),
    causes.LENGTH: Recipe(
        "the training labels went to the longer answer, whatever it says", train_texts=_longer_preferred
    ),
    causes.LEAK: Recipe("the model is tested on pairs it was trained on", tests_on_train=True),
}
RECIPES = {**FAULTS, HEALTHY: Recipe("nothing is wrong")}


@dataclass(frozen=True)
class Patient:
    """A trained reward model with its data and its log: all that the doctor may see. The fault's name is not in it."""

    model: RewardModel
    train_pairs: PairSet
    test_pairs: PairSet
    history: History

    def score(self, sequences: Sequences) -> Tensor:
        """Rewards (N,) of N sequences."""
        return score(self.model, sequences)


def make_fault(name: str, seed: int = 0) -> Patient:
    """A patient with the planted cause `name` (a key of `FAULTS`, or `healthy`); ValueError for any other."""
    check_choice("name", name, RECIPES)
    recipe = RECIPES[name]
    train_texts = recipe.train_texts(seed)
    test_texts = train_texts[:N_TEST] if recipe.tests_on_train else written_pairs(N_TEST, "held_out", MIX, seed)
    train, test = (_cut(encode_pairs(course_tokenizer(), texts), recipe.longest) for texts in (train_texts, test_texts))
    body = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=4, width=32), seed=seed)
    model = recipe.model(body, **{"head_init_scale": 0.3, "seed": seed, **recipe.head})
    history = _train(model, train, recipe, seed)
    kept = [{key: value for key, value in record.items() if key not in HIDDEN} for record in history]
    return Patient(model, train, test, History(kept))


def mystery_patient(seed: int) -> Patient:
    """A patient with a fault drawn by the seed."""
    return make_fault(random.Random(seed).choice(list(FAULTS)), seed)


def diagnose_patient(patient: Patient) -> RewardReport:
    """All of the doctor's checks on one patient."""
    return reward_report(
        patient.score,
        patient.test_pairs,
        model=patient.model,
        train_pairs=patient.train_pairs,
        log=patient.history,
    )


def _train(model: RewardModel, pairs: PairSet, recipe: Recipe, seed: int) -> History:
    settings = RewardSettings(learning_rate=recipe.learning_rate, epochs=6, batch_size=50, weight_decay=0.0, seed=seed)
    hooks = [p.register_hook(torch.neg) for p in model.parameters()] if recipe.climbs else []

    def move_bias(record: Record) -> None:
        # Each pair should add g = sigma(margin) - 1 for the chosen answer and -g for the rejected one; here -g is lost.
        with torch.no_grad():
            model.head.bias.sub_(recipe.bias_step * settings.batch_size * -math.expm1(-record["loss"]))

    history = train_reward(model, pairs, settings, on_step=move_bias if recipe.bias_step else None)
    for hook in hooks:
        hook.remove()
    return history


def _cut(pairs: PairSet, longest: int | None) -> PairSet:
    """The pairs with every sequence cut to its first `longest` tokens, as a short context does."""
    if longest is None:
        return pairs
    parts = (
        replace(part, tokens=part.tokens[:, :longest], lengths=part.lengths.clamp(max=longest))
        for part in (pairs.chosen, pairs.rejected)
    )
    return PairSet(*parts)
