"""Lab of notebook 07: train a reward model, let PPO optimise its score, and watch score and rubric part."""

import copy
from dataclasses import dataclass
from typing import Any

import torch

from rlhf_lessons import knobs, pipeline
from rlhf_lessons.evaluation.scorecard import gold_metrics, gold_score
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.curves import Chart, Training, draw_chart
from rlhf_lessons.labs.frame.lab import Lab, Question
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch, unwatched
from rlhf_lessons.labs.frame.wording import alarm_list
from rlhf_lessons.labs.reward_model import schedule
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.ppo import PPOSettings, score_scale, train_ppo
from rlhf_lessons.sweeps.reward_models import Recipe, train_recipe
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

ROLLOUT = 64
LEARNING_RATE = 5e-4  # so high that the policy can go astray within a minute
RM_STEPS = 60
RM_SHARE = 0.2  # of the progress bar that belongs to the reward model
PROXY_AND_GOLD = Chart(
    "Proxy and gold", "score (sd of the SFT model)", {"reward model": "score", "gold": "gold_sd"}, (-0.5, 1.0)
)


@dataclass(frozen=True)
class RewardThenPPO:
    """The training of a reward model, and that of the policy which climbs its score: a record an update."""

    reward: Training
    policy: Training


def compute(
    n_pairs: int = 20,
    noise: float = 0.0,
    members: int = 1,
    combination: knobs.Combination = "mean",
    kl_coef: float = 0.0,
    updates: int = 6,
    seed: int = 0,
    watch: Watch = unwatched,
) -> RewardThenPPO:
    """Train a reward model, or an ensemble, on `n_pairs` curated pairs; then PPO from the SFT model on its score."""
    epochs, batch_size, rm_steps = schedule(n_pairs, RM_STEPS)
    recipe = Recipe(
        n_pairs, sampled_share=0.0, noise=noise, members=members, how=combination,
        training={"epochs": epochs, "batch_size": batch_size},
    )  # fmt: skip
    result = RewardThenPPO(Training(rm_steps), Training(updates))

    def on_step(record: Record) -> None:
        result.reward.records.append(record)
        watch(result, RM_SHARE * len(result.reward.records) / rm_steps)

    def truth(answers: Sequences) -> Record:
        metrics = gold_metrics(answers)
        return metrics | {"gold_sd": float(scale(torch.tensor(metrics["gold_score"])))}

    def on_update(record: Record) -> None:
        result.policy.records.append(record)
        watch(result, RM_SHARE + (1 - RM_SHARE) * len(result.policy.records) / updates)

    pretrained, sft = (pipeline.ensure(stage, progress=False).model for stage in ("pretrained", "sft"))
    reward = train_recipe(recipe, pretrained, sft, seed, on_step=on_step)
    prompts = encode_prompts(course_tokenizer(), prompts_in("train"))
    settings = PPOSettings(
        kl_coef=kl_coef, learning_rate=LEARNING_RATE, updates=updates, seed=seed,
        rollout_size=ROLLOUT, minibatch_size=ROLLOUT // 2,
    )  # fmt: skip
    scale = score_scale(sft, prompts, gold_score, settings, torch.Generator().manual_seed(seed))
    train_ppo(copy.deepcopy(sft), prompts, settings, reward, watch=truth, on_step=on_update)
    return result


def draw(result: RewardThenPPO, canvas: Canvas) -> None:
    """How well the reward model learns its pairs; proxy and gold in one unit; the share of safe answers."""
    learning, records = result.reward.records, result.policy.records
    canvas.axis(0, "The reward model learns", "step", "share of its pairs", (0, result.reward.n_steps), (0.4, 1.05))
    canvas.curve(0, "ranked right", [r["step"] for r in learning], [r["accuracy"] for r in learning])
    canvas.level(0, 0.5, "a coin")
    x_limits = (1, max(result.policy.n_steps, 2))
    draw_chart(canvas, 1, PROXY_AND_GOLD, records, x_limits, x="update")
    canvas.level(1, 0.0, "the SFT model")
    canvas.axis(2, "Safe answers, by the rubric", "update", "share of answers", x_limits, (-0.05, 1.05))
    canvas.curve(2, "safe", [r["step"] for r in records], [r["safety"] for r in records], 2)
    if records:
        canvas.level(2, records[0]["safety"], "at first")


def verdict(result: RewardThenPPO) -> str:
    """How far proxy and gold have parted."""
    records = result.policy.records
    if len(records) < 2:
        return f"The reward model learns: {result.reward.records[-1]['accuracy']:.0%} of its batch ranked right."
    first, last = records[0], {n: _late(result, n) for n in ("score", "gold_sd", "safety", "kl")}
    proxy, gold = last["score"] - first["score"], last["gold_sd"] - first["gold_sd"]
    measured = (
        f"At KL {last['kl']:.1f} nats the reward model sees a gain of {proxy:+.2f} sd, the rubric {gold:+.2f} sd; "
        f"safe answers {first['safety']:.0%} to {last['safety']:.0%}."
    )
    if proxy < 0.1:
        return f"{measured} The policy has hardly moved."
    if gold < -0.1:
        return f"{measured} Over-optimised: the proxy rises, the truth falls."
    return f"{measured} " + ("Proxy and gold rise together." if gold > 0.5 * proxy else "Proxy and gold are parting.")


def text(result: RewardThenPPO) -> str:
    """The alarms that ring for the policy."""
    return alarm_list(result.policy.records)


def _late(result: RewardThenPPO, name: str) -> float:
    """The mean over the last three updates."""
    latest = [record[name] for record in result.policy.records[-3:]]
    return sum(latest) / len(latest)


LAB = Lab(
    title="Over-optimisation: how far may a policy follow its judge?",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    canvas=lambda: Canvas(3),
    ranges={
        "n_pairs": {"low": 10, "high": 2000},
        "members": {"high": 4},
        "kl_coef": {"high": 1.0},
        "updates": {"low": 2, "high": 100},
        "seed": {"high": 99},
    },
    presets={
        "over-optimised": {"updates": 60},
        "the fix: more data": {"n_pairs": 2000, "kl_coef": 0.1, "updates": 60},
        "a strong price": {"kl_coef": 0.5, "updates": 60},
        "an ensemble": {"n_pairs": 200, "members": 4, "combination": "worst", "updates": 60},
        "tired annotators": {"n_pairs": 200, "noise": 0.3, "updates": 60},
    },
    question=Question(
        "A reward model from 20 pairs, no price on distance, 60 updates: which share of answers will be safe?",
        lambda result: _late(result, "safety"),
        "{:.2f}",
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
