"""The sweep behind notebooks 08 and 09: many ways from one SFT model to a policy, judged by the same truth.

`rlhf-lessons sweep methods` runs it and keeps its results in the package. Each main method has its own price and rate,
chosen on tuning cases (`method_search`). Where samples are drawn, all draw as many; where people are asked, as many.
"""

import copy
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import pandas as pd

from rlhf_lessons.evaluation.scorecard import gold_metrics
from rlhf_lessons.evaluation.verified import verified
from rlhf_lessons.keys import Key
from rlhf_lessons.knobs import Settings
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.pipeline import STAGES, DistilledPlan, DPOPlan, RewardPlan, ensure, key_of
from rlhf_lessons.stages.group import train_group
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.loop import OnStep
from rlhf_lessons.stages.reward import score
from rlhf_lessons.stages.rollout import RewardFunction, ScoreScale
from rlhf_lessons.sweeps import executor, kept
from rlhf_lessons.sweeps.policy_runs import (
    EVALUATION_ANSWERS,
    FINAL_ANSWERS,
    MEASURES,
    VIEWS,
    Measured,
    judge_policy,
    sample_accuracy,
)
from rlhf_lessons.sweeps.results import by_policy, columns, remembered, tagged
from rlhf_lessons.sweeps.reward_models import REWARD_MODELS, annotators_of, reference_answers
from rlhf_lessons.world import verifier
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

NAME = "methods"
SEARCHED_SEEDS = (0, 1)  # on whose tuning cases the settings were chosen
FRESH_SEEDS = tuple(range(5, 10))  # run once, after all settings were fixed
SEEDS = tuple(range(10))
EVALUATIONS = 5  # on held-out cases, on the way
COMPARE_EVERY = 25  # updates between two rounds of fresh comparisons of the policy's own answers
LOOKED_AT = ("cases", "greedy")  # of `policy_runs.VIEWS`
VERIFIERS = {"strict": verifier.strict, "lazy": verifier.lazy}


@dataclass(frozen=True)
class Method:
    """One way from the SFT model to a policy, and what pictures and tables call it.

    stage: of `pipeline.STAGES`, which trains it. changes: to the stage's plan. reward: who scores its answers, one of
    `REWARD_MODELS` or `VERIFIERS`; for DPO, which asks nobody, who scores them afterwards.
    """

    label: str
    stage: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    reward: str = "full"

    def plan(self, seed: int) -> Settings:
        """The settings of its stage."""
        return STAGES[self.stage].plan(seed=seed, **self.changes)


# Chosen on tuning cases by `rlhf-lessons sweep method-search`; a test holds them against what it found.
CHOSEN: Mapping[str, Mapping[str, Any]] = {
    "ppo": {"learning_rate": 3e-4, "kl_coef": 0.05},
    "rloo": {"learning_rate": 3e-4, "kl_coef": 0.05},
    "grpo": {"learning_rate": 1.5e-4, "kl_coef": 0.02},
    "dpo": {"learning_rate": 2e-4, "beta": 0.5},
    "ipo": {"learning_rate": 2e-4, "beta": 0.1},
    "distilled": {"learning_rate": 1e-3, "steps": 150},
}
# Half the answers an update of the course's own runs, so that many runs fit in an hour; all methods that sample draw
# as many: 6,400 answers.
FEWER: Mapping[str, Any] = {"rollout_size": 128, "minibatch_size": 64}
FIXED: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("ppo", "rloo", "grpo"), FEWER),
    "dpo": {},
    "ipo": {"direct_loss": "ipo"},
    "distilled": {"best_of": 16, "n_demonstrations": 400},
}
STAGE_OF = {"ipo": "dpo"}  # of those that are not named after their stage


def tuned(label: str, name: str, reward: str = "full", **changes: Any) -> Method:
    """A method with the price and the rate that were chosen for `name`, changed where told."""
    return Method(label, STAGE_OF.get(name, name), {**FIXED[name], **CHOSEN[name], **changes}, reward)


UNDIVIDED: Mapping[str, Any] = {"scale_by_spread": False, "scale_by_length": False}
EAGER: Mapping[str, Any] = {"kl_coef": 0.0, "learning_rate": 1e-3}  # no price on distance, and long steps
VERY_EAGER: Mapping[str, Any] = {**EAGER, "learning_rate": 3e-3}
FEW: Mapping[str, Any] = {
    "n_pairs": 20,
    "batch_size": 20,
    "epochs": 100,
    "sampled_share": 0.0,
}  # as the reward model of 20 pairs learns
METHODS: Mapping[str, Method] = {
    # each at its best, on 16,000 pairs
    "ppo": tuned("PPO", "ppo"),
    "rloo": tuned("RLOO", "rloo"),
    "grpo": tuned("GRPO", "grpo"),
    "dr_grpo": tuned("Dr. GRPO", "grpo", **UNDIVIDED),
    "dpo": tuned("DPO", "dpo"),
    "ipo": tuned("IPO", "ipo"),
    "distilled": tuned("best of 16, distilled", "distilled"),
    # fewer labels
    "dpo_20": tuned("DPO, 20 pairs", "dpo", **FEW),
    "dpo_200": tuned("DPO, 200 pairs", "dpo", n_pairs=200, epochs=10),
    "dpo_2000": tuned("DPO, 2,000 pairs", "dpo", n_pairs=2000),
    "ppo_20": tuned("PPO, 20 pairs", "ppo", "pairs_20"),
    "ppo_200": tuned("PPO, 200 pairs", "ppo", "pairs_200"),
    "ppo_2000": tuned("PPO, 2,000 pairs", "ppo", "pairs_2000"),
    # whose answers?
    "dpo_written": tuned("DPO, 2,000 written pairs", "dpo", n_pairs=2000, sampled_share=0.0),
    "dpo_own": tuned("DPO, 2,000 pairs of its own", "dpo", n_pairs=2000, sampled_share=1.0),
    # the price
    "dpo_low_beta": tuned("DPO, 2,000 pairs, beta a tenth", "dpo", n_pairs=2000, beta=CHOSEN["dpo"]["beta"] / 10),
    "dpo_high_beta": tuned("DPO, 2,000 pairs, beta tenfold", "dpo", n_pairs=2000, beta=CHOSEN["dpo"]["beta"] * 10),
    "dpo_eager": tuned("DPO, 4,000 pairs, long steps", "dpo", n_pairs=4000, beta=0.1, learning_rate=1e-3),
    # groups, and who judges them
    "rloo_pair": tuned("RLOO, groups of 2", "rloo", group_size=2),
    "rloo_strict": tuned("RLOO, strict verifier", "rloo", "strict"),
    "rloo_lazy": tuned("RLOO, lazy verifier", "rloo", "lazy"),
    "grpo_strict": tuned("GRPO, strict verifier", "grpo", "strict"),
    "rloo_strict_eager": tuned("RLOO, strict verifier, no price, long steps", "rloo", "strict", **VERY_EAGER),
    "rloo_lazy_eager": tuned("RLOO, lazy verifier, no price, long steps", "rloo", "lazy", **VERY_EAGER),
    "rloo_biased": tuned("RLOO, judge that likes length, no price", "rloo", "biased", **EAGER),
    "grpo_eager": tuned("GRPO, no price, twice as long", "grpo", kl_coef=0.0, learning_rate=5e-4, updates=100),
}
MAIN = ("ppo", "rloo", "grpo", "dr_grpo", "dpo", "ipo", "distilled")


@dataclass(frozen=True)
class MethodRun:
    """What is kept of a run.

    records: one a step, as its trainer writes them; of the methods that sample, some have a sample_accuracy.
    evaluations: the means of `MEASURES` on held-out cases, before the first step and `EVALUATIONS` times on the way.
    views: the finished policy as it is `LOOKED_AT`. answers: sampled while training. seconds: of one core, training.
    """

    records: list[Record]
    evaluations: list[Record]
    views: dict[str, Measured]
    answers: int
    seconds: float


def sweep(jobs: int = 2, seeds: Iterable[int] = SEEDS, scheduler: str | None = None) -> dict[str, pd.DataFrame]:
    """Run every method with every seed on `jobs` processes of one thread each or on the scheduler's, and keep
    the results.

    Runs that were measured before, with this code, are recalled: a sweep that was interrupted goes on. Raises
    RunError, with the run's name, for one that fails; it and Ctrl-C end the sweep at once.
    """
    seeds = list(seeds)
    runs = {f"{n}, seed {seed}": partial(method_run, m, seed) for seed in seeds for n, m in METHODS.items()}
    with executor.workers(jobs, scheduler) as pool:
        executor.run_all(runs, pool, "runs")
    tables = collect(seeds)
    kept.write(NAME, tables, kept.label(NAME, METHODS, seeds, code(), tables["costs"].seconds.sum()))
    return tables


def collect(seeds: Sequence[int]) -> dict[str, pd.DataFrame]:
    """The remembered runs as tables: `LOOKED_AT`, by method, seed and case; evaluations; records; costs."""
    runs = {(name, seed): method_run(method, seed) for name, method in METHODS.items() for seed in seeds}
    costs = [
        {"condition": name, "seed": seed, "labels": labels(METHODS[name]), "answers": r.answers, "seconds": r.seconds}
        for (name, seed), r in runs.items()
    ]
    return {
        **{view: by_policy({key: run.views[view] for key, run in runs.items()}) for view in LOOKED_AT},
        "evaluations": pd.concat(tagged(pd.DataFrame(run.evaluations), *key) for key, run in runs.items()),
        "records": pd.concat(tagged(pd.DataFrame(run.records), *key) for key, run in runs.items()),
        "costs": pd.DataFrame(costs),
    }


def method_run(method: Method, seed: int = 0, remake: bool = False) -> MethodRun:
    """Run a method, or recall its run."""

    def run() -> dict[str, Any]:
        return asdict(train_and_judge(method, seed, *family(method, seed)))

    return MethodRun(**remembered(run_key(method, seed), run, remake))


def run_key(method: Method, seed: int) -> Key:
    """What a run depends on; nothing is trained."""
    parents = [key_of("sft", seed)]
    parents += [key_of("reward", seed, **judge_changes(method))]
    settings = {"stage": method.stage, "reward": method.reward, "plan": method.plan(seed).model_dump()}
    return Key.of("method_run", settings, [train_and_judge, STAGES[method.stage].train], parents)


def labels(method: Method) -> int:
    """How many comparisons by people a method needs."""
    if method.reward in VERIFIERS:
        return 0
    plan = method.plan(0)
    return plan.n_pairs if isinstance(plan, DPOPlan) else RewardPlan(**judge_changes(method)).n_pairs


def judge_changes(method: Method) -> Mapping[str, Any]:
    """The changes to the course's reward model that make the one which scores this method's answers."""
    return REWARD_MODELS["full" if method.reward in VERIFIERS else method.reward]


def train_and_judge(method: Method, seed: int, sft: GPT, model: RewardModel) -> MethodRun:
    """A policy from the SFT model, measured on held-out cases before, on the way and at the end.

    `model` scores its answers, unless a verifier does.
    """
    check = VERIFIERS.get(method.reward)
    reward: RewardFunction = partial(verified, check) if check else partial(score, model)
    scale = ScoreScale(0.0, 1.0) if check else ScoreScale.of(reward(reference_answers(sft, seed)))
    policy, plan, people = copy.deepcopy(sft), method.plan(seed), annotators_of(method.reward)
    judge = partial(judge_policy, reference=sft, reward=reward, scale=scale, seed=seed)
    records: list[Record] = []
    evaluations: list[Record] = []
    away = 0.0  # seconds spent on judging, not on training

    def evaluate(step: int) -> None:
        means = judge(policy, n_each=EVALUATION_ANSWERS)[list(MEASURES)].mean()
        evaluations.append({"step": step, **{name: float(means[name]) for name in MEASURES}})

    def on_step(record: Record) -> bool:
        nonlocal away
        began, step = time.process_time(), int(record["step"])
        compares = samples and step % COMPARE_EVERY == 0
        extra = {"sample_accuracy": sample_accuracy(policy, reward, seed, people)} if compares else {}
        records.append(record | extra)
        if step * EVALUATIONS // n_steps > (step - 1) * EVALUATIONS // n_steps:
            evaluate(step)
        away += time.process_time() - began
        return False

    samples, n_steps = not isinstance(plan, DPOPlan | DistilledPlan), STAGES[method.stage].steps(plan)
    evaluate(0)
    first = {"sample_accuracy": sample_accuracy(policy, reward, seed, people)} if samples else {}
    started = time.process_time()
    train(method, plan, policy, sft, model, on_step)
    seconds = time.process_time() - started - away
    records[0] |= first
    finished = {}
    for view in LOOKED_AT:
        split, temperature = VIEWS[view]
        found = judge(policy, n_each=FINAL_ANSWERS if temperature else 1, split=split, temperature=temperature)
        finished[view] = columns(found.groupby("prompt", sort=False).mean())
    return MethodRun(records, evaluations, finished, answers_of(plan), seconds)


def family(method: Method, seed: int) -> tuple[GPT, RewardModel]:
    """The SFT model, and the reward model that scores its answers."""
    reward = ensure("reward", seed, progress=False, **judge_changes(method))
    return ensure("sft", seed, progress=False).model, reward.model


def train(method: Method, plan: Any, policy: GPT, sft: GPT, judge: RewardModel, on_step: OnStep) -> None:
    """Train the policy in place as the method does."""
    if method.reward in VERIFIERS:
        prompts = encode_prompts(course_tokenizer(), prompts_in("train"))
        reward = partial(verified, VERIFIERS[method.reward])
        train_group(policy, prompts, plan, reward, sft, gold_metrics, on_step, standardise=False)
    else:
        stage = STAGES[method.stage]
        parents = [{"sft": sft, "reward": judge}[name] for name in stage.parents]
        stage.train(policy, plan, *parents, on_step=on_step)


def answers_of(plan: Any) -> int:
    """How many answers a plan samples while it trains."""
    if isinstance(plan, DistilledPlan):
        return plan.best_of * plan.n_demonstrations
    return 0 if isinstance(plan, DPOPlan) else plan.updates * plan.rollout_size


def code() -> str:
    """16 hex digits for all that the results depend on: code and settings of every method and what it builds on."""
    return Key(NAME, {}, "", parents=tuple(run_key(method, 0) for method in METHODS.values())).fingerprint
