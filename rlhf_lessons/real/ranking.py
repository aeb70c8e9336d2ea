"""Who ranks answers as annotators do: a head on a real model's features, the same on the toy's, and plainer judges.

All learn from the same pairs, made by the rubric and its annotators, and are measured on facts that none was taught.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rlhf_lessons import bag_of_words, pipeline
from rlhf_lessons.diagnostics.reward_report import reward_report
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.objectives.preference import accuracy
from rlhf_lessons.real import plain_english as english
from rlhf_lessons.real.features import features
from rlhf_lessons.real.head import Head, fit_on_tuning
from rlhf_lessons.real.model import RealModel
from rlhf_lessons.stages.reward import score
from rlhf_lessons.world.annotators import best_possible, curated_pairs
from rlhf_lessons.world.answers import LOOSE_PHRASES
from rlhf_lessons.world.datasets import Pair, encode
from rlhf_lessons.world.tokenizer import course_tokenizer

TRAIN, TUNING, HELD_OUT = 500, 100, 300  # pairs
HEAD, TOY_HEAD, TOY = "head on the real model", "head on the toy", "the toy, all its weights"
WORDS, LONGER, FULL = "bag of words", "the longer answer", "the toy, 16,000 pairs"
# The course's reward model where it learns from few pairs, all of them curated.
FEW: dict[str, Any] = {"n_pairs": TRAIN, "sampled_share": 0.0, "epochs": 10, "learning_rate": 5e-4}
ALL, MANNER, FACTS = "all pairs", "the manner tells", "only the facts tell"

Texts = Sequence[tuple[str, str]]  # N prompts with their answers, in the course's words
Judge = Callable[[Texts], Tensor]  # rewards (N,)
Reader = Callable[[Texts], Tensor]  # features (N, D)


@dataclass(frozen=True)
class HeadJudge:
    """A frozen model that reads, and a head that judges what it has read."""

    read: Reader
    head: Head

    def __call__(self, texts: Texts) -> Tensor:
        return self.head(self.read(texts))


def ranking(model: RealModel, seed: int) -> dict[str, Any]:
    """Accuracy of each judge on held-out pairs, what nobody can beat, and what the doctor says of the real head."""
    held_out, judges = curated_pairs(HELD_OUT, "held_out"), all_judges(model, seed)
    parts = {ALL: held_out, MANNER: [pair for pair in held_out if manner_tells(pair)]}
    parts[FACTS] = [pair for pair in held_out if not manner_tells(pair)]
    best = {part: best_possible(pairs).accuracy for part, pairs in parts.items()}
    train = curated_pairs(TRAIN, "train", seed=seed)
    report = reward_report(judges[HEAD], held_out, train_pairs=train, ceiling=best[ALL])
    return {
        "accuracy": {
            name: {part: ranks(judge, pairs) for part, pairs in parts.items()} for name, judge in judges.items()
        },
        "best possible": best,
        "pairs": {part: len(pairs) for part, pairs in parts.items()},
        "doctor": {"report": str(report), "ready": report.ready_for_ppo, "table": report.table().value.to_dict()},
    }


def all_judges(model: RealModel, seed: int) -> Mapping[str, Judge]:
    """Six reward functions of texts: of those that learn, all but the last do so from the same train pairs."""
    toy, few = pipeline.ensure("pretrained", progress=False), pipeline.ensure("reward", seed, progress=False, **FEW)
    return {
        HEAD: real_judge(model, seed),
        TOY_HEAD: with_head(partial(toy_features, toy.model), seed),
        TOY: partial(course_score, few.model),
        WORDS: bag(curated_pairs(TRAIN, "train", seed=seed)),
        LONGER: length,
        FULL: partial(course_score, pipeline.ensure("reward", seed, progress=False).model),
    }


def real_judge(model: RealModel, seed: int) -> HeadJudge:
    """A head on the real model's features."""
    return with_head(partial(real_features, model), seed)


def with_head(read: Reader, seed: int) -> HeadJudge:
    """A head that learns from train pairs, with the penalty that tuning pairs like best."""
    pairs = curated_pairs(TRAIN, "train", seed=seed), curated_pairs(TUNING, "tuning")
    train, tuning = ((read(side(each, "chosen")), read(side(each, "rejected"))) for each in pairs)
    return HeadJudge(read, fit_on_tuning(train, tuning))


def real_features(model: RealModel, texts: Texts) -> Tensor:
    """Features (N, D) of texts, which the real model reads as English."""
    return features(model, [english.conversation(english.question(asked), english.sentence(a)) for asked, a in texts])


@torch.no_grad()
def toy_features(body: GPT, texts: Texts) -> Tensor:
    """The toy's last hidden state (N, D) at the end of each text."""
    rows = encode(course_tokenizer(), *zip(*texts, strict=True))
    return body.hidden_at(rows.tokens, rows.lengths[:, None] - 1)[:, 0]


def course_score(model: RewardModel, texts: Texts) -> Tensor:
    """Rewards (N,) by a reward model of the course."""
    return score(model, encode(course_tokenizer(), *zip(*texts, strict=True)))


def length(texts: Texts) -> Tensor:
    """The number of words (N,) of each answer."""
    return torch.tensor([float(len(answer.split())) for _, answer in texts])


def bag(pairs: Sequence[Pair]) -> Judge:
    """The sum of the weights of an answer's words; a word that no pair had weighs nothing."""
    numbers = bag_of_words.columns(answer for pair in pairs for answer in (pair.chosen, pair.rejected))
    weights = bag_of_words.fit(bag_of_words.differences([(pair.chosen, pair.rejected) for pair in pairs], numbers))
    weight_of = dict(zip(numbers, weights.tolist(), strict=True))

    def reward(texts: Texts) -> Tensor:
        return torch.tensor([sum(weight_of.get(word, 0.0) for word in bag_of_words.words(a)) for _, a in texts])

    return reward


def ranks(judge: Judge, pairs: Sequence[Pair]) -> float:
    """The share of pairs that a judge ranks as the annotators did; a tie counts half."""
    return float(accuracy(judge(side(pairs, "chosen")), judge(side(pairs, "rejected"))))


def side(pairs: Sequence[Pair], which: str) -> Texts:
    """The prompts with their `chosen` or with their `rejected` answers."""
    return [(pair.prompt, getattr(pair, which)) for pair in pairs]


def manner_tells(pair: Pair) -> bool:
    """Whether the careless answer shrugs, says nothing or shouts: to see that, nobody needs the facts."""
    careless = pair.chosen if pair.flipped else pair.rejected
    loose = tuple(phrase for phrases in LOOSE_PHRASES.values() for phrase in phrases)
    return pair.kind in ("vague", "dangerous") or careless.startswith(loose)
