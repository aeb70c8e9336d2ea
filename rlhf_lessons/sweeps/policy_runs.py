"""One PPO run after another, judged on held-out cases on the way and at the end, and remembered.

The rubric judges, and annotators compare the policy's answers; the trainer sees neither.
"""

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import pandas as pd
import torch

from rlhf_lessons import knobs, pipeline
from rlhf_lessons.evaluation.scorecard import gold_metrics, judged, measures, sample_tokens
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.objectives.kl import kl_estimate
from rlhf_lessons.objectives.preference import accuracy
from rlhf_lessons.pipeline import ensure, key_of
from rlhf_lessons.stages import ppo
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.ppo import PPOSettings
from rlhf_lessons.stages.rollout import RewardFunction, ScoreScale, response_logprobs
from rlhf_lessons.sweeps.examinations import examination
from rlhf_lessons.sweeps.results import columns, remembered
from rlhf_lessons.sweeps.reward_models import Recipe, annotators_of, reward_function, reward_key, train_recipe
from rlhf_lessons.world.annotators import Annotators
from rlhf_lessons.world.datasets import Pair, encode_pairs, encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

EVERY_UPDATE_UNTIL, EVALUATE_EVERY = 10, 5  # updates: evaluations on held-out cases at each, then at every fifth
EVALUATION_ANSWERS, FINAL_ANSWERS = 2, 8  # to each case, sampled at temperature 1
COMPARE_EVERY = 10  # updates between two rounds of fresh comparisons on train cases
MEASURES = (
    "gold_score", "safety", "right", "harm", "over_caution", "incomplete", "dose", "hedged", "length", "kl", "score",
)  # fmt: skip
# How a finished policy is looked at: the split it answers and the temperature (0: greedy, one answer to each case).
VIEWS: Mapping[str, tuple[str, float]] = {
    "cases": ("held_out", 1.0),
    "greedy": ("held_out", 0.0),
    "near": ("near", 1.0),
    "near_greedy": ("near", 0.0),
}
Measured = dict[str, list[float]]  # measure -> means over the answers to each case, in order
FRESH_ROUNDS = 12  # at most so many rounds of 401 comparisons when preferences on a finished policy are collected


class RunSettings(PPOSettings):
    """PPO with half the answers an update of the course's own run, so that many runs fit in an hour."""

    rollout_size: knobs.RolloutSize = 128
    minibatch_size: knobs.MinibatchSize = 64


@dataclass(frozen=True)
class Condition:
    """One way to run PPO from the SFT model, and what pictures and tables call it.

    reward: a name of `reward_models.reward_function`, or a Recipe. changes: to RunSettings. kl_limit: end the run for
    good once a rollout is further than this from the SFT model (nats an answer). collects: so many comparisons of the
    finished policy's answers are collected, and join the pairs of a run that comes `after` this one.
    """

    label: str
    reward: str | Recipe
    changes: Mapping[str, Any] = field(default_factory=dict)
    kl_limit: float | None = None
    collects: int = 0
    after: "Condition | None" = None


@dataclass(frozen=True)
class PolicyRun:
    """What is kept of a run.

    records: one an update, as PPO writes them; every tenth has a sample_accuracy. evaluations: the means of `MEASURES`
    on held-out cases before the first update, after each of the first ten and after every fifth. looks: for each
    evaluation, the mean gold score of every held-out case, in order. views: the finished policy by `VIEWS`.
    fresh: comparisons of its answers. seconds: of training.
    """

    records: list[Record]
    evaluations: list[Record]
    looks: list[list[float]]
    views: dict[str, Measured]
    fresh: list[list[str]]
    seconds: float

    @property
    def cases(self) -> Measured:
        """The finished policy's sampled answers to held-out cases."""
        return self.views["cases"]

    @property
    def frame(self) -> pd.DataFrame:
        """The records as a table, one row an update."""
        return pd.DataFrame(self.records)


def policy_run(condition: Condition, seed: int = 0, remake: bool = False) -> PolicyRun:
    """Run a condition, or recall its run."""

    def run() -> dict[str, Any]:
        sft, judge = ensure("sft", seed, progress=False).model, judge_of(condition, seed)
        examined(condition, seed, judge)  # while it is at hand: what a recipe trains is not kept
        return asdict(train_and_judge(condition, seed, sft, judge))

    return PolicyRun(**remembered(run_key(condition, seed), run, remake))


def run_key(condition: Condition, seed: int) -> Key:
    """What a run of this condition depends on; nothing is trained."""
    settings = {"changes": condition.changes, "kl_limit": condition.kl_limit, "collects": condition.collects}
    parents = [key_of("sft", seed), judge_key(condition, seed)]
    return Key.of("policy_run", settings | {"seed": seed}, [RunSettings, train_and_judge], parents)


def judge_key(condition: Condition, seed: int) -> Key:
    """What the reward function of this condition depends on; nothing is trained."""
    if isinstance(condition.reward, str):
        return reward_key(condition.reward, seed)
    parents = [key_of("pretrained"), key_of("sft", seed)]
    parents += [run_key(condition.after, seed)] if condition.after else []
    return Key.of("recipe", asdict(condition.reward) | {"seed": seed}, [train_recipe], parents)


def judge_of(condition: Condition, seed: int) -> RewardFunction:
    """The reward function of a condition, trained if need be."""
    if isinstance(condition.reward, str):
        return reward_function(condition.reward, seed)
    pretrained, sft = ensure("pretrained", progress=False).model, ensure("sft", seed, progress=False).model
    rows = policy_run(condition.after, seed).fresh if condition.after else []
    fresh = [Pair(prompt, chosen, rejected, kind="sampled") for prompt, chosen, rejected in rows]
    return train_recipe(condition.reward, pretrained, sft, seed, fresh)


def examined(condition: Condition, seed: int = 0, judge: RewardFunction | None = None) -> dict[str, Any]:
    """The doctor's verdict on the judge of a condition before PPO, or recall it; one for all conditions that share it.

    `judge` is the condition's reward function if there is one already; otherwise it is trained if need be.
    """
    people = annotators_of(condition.reward)
    return examination(judge_key(condition, seed), lambda: judge or judge_of(condition, seed), seed, people)


def train_and_judge(condition: Condition, seed: int, sft: GPT, reward: RewardFunction) -> PolicyRun:
    """PPO from the SFT model against `reward`, measured on held-out cases before, on the way and at the end."""
    settings = RunSettings(seed=seed, **condition.changes)
    policy, prompts = copy.deepcopy(sft), encode_prompts(course_tokenizer(), prompts_in("train"))
    scale = ppo.score_scale(sft, prompts, reward, settings, torch.Generator().manual_seed(seed))
    judge = partial(judge_policy, reference=sft, reward=reward, scale=scale, seed=seed)
    records: list[Record] = []
    evaluations: list[Record] = []
    looks: list[list[float]] = []

    def evaluate(update: int) -> None:
        answers = judge(policy, n_each=EVALUATION_ANSWERS)
        means = answers[list(MEASURES)].mean()
        evaluations.append({"step": update, **{name: float(means[name]) for name in MEASURES}})
        looks.append(answers.groupby("prompt", sort=False).gold_score.mean().tolist())

    def on_step(record: Record) -> bool:
        update = int(record["step"])
        compares = update % COMPARE_EVERY == 0
        extra = {"sample_accuracy": sample_accuracy(policy, reward, seed, people)} if compares else {}
        records.append(record | extra)
        if update <= EVERY_UPDATE_UNTIL or update % EVALUATE_EVERY == 0:
            evaluate(update)
        return condition.kl_limit is not None and record["kl"] > condition.kl_limit

    people = annotators_of(condition.reward)
    first = sample_accuracy(policy, reward, seed, people)
    evaluate(0)
    started = time.perf_counter()
    ppo.train_ppo(policy, prompts, settings, reward, watch=gold_metrics, on_step=on_step)
    seconds = time.perf_counter() - started
    records[0]["sample_accuracy"] = first
    fresh = fresh_comparisons(policy, sft, condition.collects, seed, people)
    return PolicyRun(records, evaluations, looks, views(partial(judge, policy)), fresh, seconds)


def views(judge: Callable[..., pd.DataFrame]) -> dict[str, Measured]:
    """A policy by `VIEWS`; `judge` is `judge_policy` of it."""
    found = {}
    for name, (split, temperature) in VIEWS.items():
        answers = judge(n_each=FINAL_ANSWERS if temperature else 1, split=split, temperature=temperature)
        found[name] = columns(answers.groupby("prompt", sort=False).mean())
    return found


@torch.no_grad()
def judge_policy(
    policy: GPT,
    reference: GPT,
    reward: RewardFunction,
    scale: ScoreScale,
    seed: int,
    n_each: int,
    split: str = "held_out",
    temperature: float = 1.0,
) -> pd.DataFrame:
    """`MEASURES` of `n_each` answers to every case of a split, a row an answer, cases in order; kl to the reference."""
    drawn = sample_tokens(policy, prompts_in(split), n_each, temperature, seed)
    ref_logprobs = response_logprobs(reference, drawn.sequences, drawn.responses)
    kl = (kl_estimate(drawn.logprobs, ref_logprobs) * drawn.response_mask).sum(1)
    scores = scale(reward(drawn.sequences))
    return measures(judged(drawn.sequences)).assign(kl=kl.tolist(), score=scores.tolist())


def sample_accuracy(policy: GPT, reward: RewardFunction, seed: int, people: Annotators) -> float:
    """Share of fresh comparisons of the policy's own answers to train cases that the reward ranks as these people do.

    nan where its answers differ too little to compare.
    """
    pairs = pipeline.compared(policy, prompts_in("train"), torch.Generator().manual_seed(seed), people=people)
    if len(pairs) < pipeline.MIN_UNTIED * len(prompts_in("train")):
        return float("nan")
    encoded = encode_pairs(course_tokenizer(), pairs)
    return float(accuracy(reward(encoded.chosen), reward(encoded.rejected)))


def fresh_comparisons(policy: GPT, sft: GPT, n: int, seed: int, people: Annotators) -> list[list[str]]:
    """At most `n` comparisons by these people on train cases, as [prompt, chosen, rejected].

    By turns of two answers of the policy, and of one of the policy and one of the SFT model.
    """
    generator = torch.Generator().manual_seed(seed)
    pairs: list[Pair] = []
    for turn in range(FRESH_ROUNDS):
        if len(pairs) >= n:
            break
        other = None if turn % 2 else sft
        pairs += pipeline.compared(policy, prompts_in("train"), generator, other, people)
    return [[pair.prompt, pair.chosen, pair.rejected] for pair in pairs[:n]]
