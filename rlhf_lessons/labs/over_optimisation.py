"""Lab of notebook 07: train a reward model, let PPO climb it, and watch proxy and truth part."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from rlhf_lessons import pipeline
from rlhf_lessons.evaluation.scorecard import gold_metrics, gold_score
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab, Question
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch
from rlhf_lessons.labs.frame.wording import alarms
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.ppo import PPOSettings, score_scale, train_ppo
from rlhf_lessons.sweeps.reward_models import Recipe, train_recipe
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

ROLLOUT = 64
LEARNING_RATE = 5e-4  # long steps, so that a minute is enough to go astray
LARGEST_BATCH, RM_STEPS = 64, 60
RM_SHARE = 0.2  # of the progress bar that belongs to the reward model


@dataclass(frozen=True)
class Run:
    """One reward model and the PPO run that climbs it: a record a step, then a record an update."""

    learning: Sequence[Record]
    n_steps: int
    records: Sequence[Record]
    n_updates: int


def compute(
    n_pairs: int = 20,
    noise: float = 0.0,
    members: int = 1,
    combination: str = "mean",
    kl_coef: float = 0.0,
    updates: int = 6,
    seed: int = 0,
    watch: Watch | None = None,
) -> Run:
    """Train a reward model, or an ensemble, on `n_pairs` curated pairs; then PPO from the SFT model on its score."""
    batch_size = min(n_pairs, LARGEST_BATCH)
    steps_an_epoch = -(-n_pairs // batch_size)
    epochs = -(-RM_STEPS // steps_an_epoch)
    training = {"epochs": epochs, "batch_size": batch_size}
    recipe = Recipe(n_pairs, sampled_share=0.0, noise=noise, members=members, how=combination, training=training)
    run = Run([], epochs * steps_an_epoch, [], updates)

    def on_step(record: Record) -> None:
        run.learning.append(record)
        if watch:
            watch(run, RM_SHARE * len(run.learning) / run.n_steps)

    def truth(answers: Sequences) -> Record:
        metrics = gold_metrics(answers)
        return metrics | {"gold_sd": float(scale(torch.tensor(metrics["gold_score"])))}

    def on_update(record: Record) -> None:
        run.records.append(record)
        if watch:
            watch(run, RM_SHARE + (1 - RM_SHARE) * len(run.records) / updates)

    sft = pipeline.ensure("sft", progress=False).model
    reward = train_recipe(recipe, on_step=on_step, seed=seed)
    prompts = encode_prompts(course_tokenizer(), prompts_in("train"))
    settings = PPOSettings(
        kl_coef=kl_coef, learning_rate=LEARNING_RATE, updates=updates, seed=seed,
        rollout_size=ROLLOUT, minibatch_size=ROLLOUT // 2,
    )  # fmt: skip
    scale = score_scale(sft, prompts, gold_score, settings, torch.Generator().manual_seed(seed))
    train_ppo(copy.deepcopy(sft), prompts, settings, reward, watch=truth, on_step=on_update)
    return run


def draw(result: Run, canvas: Canvas) -> None:
    """How well the reward model learns its pairs; proxy and gold in one unit; the share of safe answers."""
    steps = [record["step"] for record in result.learning]
    canvas.axis(0, "The reward model learns", "step", "share of its pairs", (0, result.n_steps), (0.4, 1.05))
    canvas.curve(0, "ranked right", steps, [record["accuracy"] for record in result.learning])
    canvas.level(0, 0.5, "a coin")
    span, updates = (1, max(result.n_updates, 2)), [record["step"] for record in result.records]
    lines = {"reward model": "score", "gold": "gold_sd"}
    shown = [record[name] for name in lines.values() for record in result.records]
    fitted = canvas.fit(1, shown, -0.5, 1.0)
    canvas.axis(1, "Proxy and gold", "update", "score (sd of the SFT model)", span, fitted)
    canvas.axis(2, "Safe answers, by the rubric", "update", "share of answers", span, (-0.05, 1.05))
    canvas.level(1, 0.0, "the SFT model")
    for look, (name, metric) in enumerate(lines.items()):
        canvas.curve(1, name, updates, [record[metric] for record in result.records], look)
    canvas.curve(2, "safe", updates, [record["safety"] for record in result.records], 2)
    if result.records:
        canvas.level(2, result.records[0]["safety"], "at first")


def verdict(result: Run) -> str:
    """How far proxy and gold have parted."""
    if len(result.records) < 2:
        return f"The reward model learns: {result.learning[-1]['accuracy']:.0%} of its batch ranked right."
    first, last = result.records[0], {n: _late(result, n) for n in ("score", "gold_sd", "safety", "kl")}
    proxy, gold = last["score"] - first["score"], last["gold_sd"] - first["gold_sd"]
    said = (
        f"At KL {last['kl']:.1f} nats the reward model sees a gain of {proxy:+.2f} sd, the rubric {gold:+.2f} sd; "
        f"safe answers {first['safety']:.0%} to {last['safety']:.0%}."
    )
    if proxy < 0.1:
        return f"{said} The policy has hardly moved."
    if gold < -0.1:
        return f"{said} Over-optimised: the proxy rises, the truth falls."
    return f"{said} " + ("Proxy and gold rise together." if gold > 0.5 * proxy else "Proxy and gold are parting.")


def text(result: Run) -> str:
    """The alarms that ring, which read nothing that a trainer could not see."""
    return alarms(result.records)


def _late(result: Run, name: str) -> float:
    latest = [record[name] for record in result.records[-3:]]
    return sum(latest) / len(latest)


LAB = Lab(
    module=__name__,
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
