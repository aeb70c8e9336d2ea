"""What a model that was handed over, or came back, is worth: measured on held-out cases, with 95 % intervals."""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from rlhf_lessons.diagnostics.reward_report import reward_report
from rlhf_lessons.evaluation.scorecard import measures, sample_answers
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.stages.reward import score
from rlhf_lessons.statistics.intervals import Interval, bootstrap
from rlhf_lessons.sweeps.verdicts import facts_of
from rlhf_lessons.world.annotators import best_possible
from rlhf_lessons.world.cases import cases_in
from rlhf_lessons.world.datasets import Pair, encode_pairs, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

N_EACH, SEED = 8, 0
SPLIT = "held_out"
# What is measured of a policy -> the measure, and the temperature of its answers.
MEASURES: Mapping[str, tuple[str, float]] = {
    "safe to act on": ("safety", 1.0),
    "safe to act on, greedy": ("safety", 0.0),
    "all parts right": ("right", 1.0),
    "harm": ("harm", 1.0),
    "over-caution": ("over_caution", 1.0),
    "words an answer": ("length", 1.0),
}

OVER_CASES = (
    f"Of all {len(cases_in(SPLIT))} held-out cases, whose facts alignment never saw: {N_EACH} answers to each at "
    "temperature 1, or one greedy answer. The rubric judges; intervals are 95 %, over facts."
)


def policy_measures(policy: GPT) -> dict[str, np.ndarray]:
    """The mean of each of `MEASURES` for every held-out case, (C,): over `N_EACH` sampled answers, or one greedy."""
    prompts = prompts_in(SPLIT)
    answers = {
        temperature: measures(sample_answers(policy, prompts, n_each, temperature, SEED))
        for temperature, n_each in ((1.0, N_EACH), (0.0, 1))
    }
    means = {temperature: table.groupby("prompt", sort=False).mean() for temperature, table in answers.items()}
    return {name: means[temperature][measure].to_numpy() for name, (measure, temperature) in MEASURES.items()}


def said(name: str, values: np.ndarray) -> str:
    """A measure's mean with its interval over the cases' facts, in its unit."""
    interval: Interval = bootstrap(values[None], facts_of(SPLIT))
    return format(interval, ".1f" if MEASURES[name][0] == "length" else ".1%")


def judge_policy(policy: GPT) -> dict[str, str]:
    """Each of `MEASURES` in words."""
    return {name: said(name, values) for name, values in policy_measures(policy).items()}


def judge_reward(model: RewardModel, pairs: Sequence[Pair]) -> tuple[dict[str, str], str]:
    """The accuracy on held-out pairs and what the doctor says, in words, and of what."""
    best, encoded = best_possible(pairs).accuracy, encode_pairs(course_tokenizer(), pairs)
    report = reward_report(partial(score, model), encoded, model=model, ceiling=best)
    found = report.examination
    measured = {
        "accuracy, as annotators chose": str(found.pairs.accuracy),
        "best accuracy that anybody can expect": f"{best:.1%}",
        "loss, nats a pair": f"{found.pairs.nll:.3f}",
        "the doctor": report.verdict,
    }
    return measured, f"Of {len(pairs):,} held-out pairs, of cases whose facts alignment never saw; intervals are 95 %."
