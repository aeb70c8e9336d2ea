"""Lab of notebook 07: train a reward model, let PPO optimise its score, and watch score and rubric part."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from rlhf_lessons import knobs, pipeline
from rlhf_lessons.evaluation.scorecard import gold_metrics, gold_score
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.conversation import Conversation, PolicyTraining
from rlhf_lessons.labs.frame.curves import Chart, Training, draw_chart
from rlhf_lessons.labs.frame.lab import POINTS, Lab, Question, Sketch, Verdict, too_early
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch, unwatched
from rlhf_lessons.labs.frame.wording import CHANCE, alarm_list, unseen
from rlhf_lessons.labs.frame.work import Work
from rlhf_lessons.labs.reward_model import schedule
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.plots.style import Face
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.ppo import SCALE_SAMPLES, PPOSettings, answer_random_prompts, train_ppo
from rlhf_lessons.stages.rollout import ScoreScale
from rlhf_lessons.sweeps.reward_models import Recipe, train_recipe
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

ROLLOUT = 64
LEARNING_RATE = 5e-4  # so high that the policy can go astray within a minute
RM_STEPS = 60
CLEAR = 0.15  # sd: the least change of a mean over three updates that counts
ENOUGH = 7  # records
CHARTS = (
    Chart("Judge and truth", "sd of SFT", {"judge": ("score", "proxy"), "gold": ("gold_sd", "gold")}, (-0.5, 1.0)),
    Chart("Safe answers", "share", {"safe": ("safety", "safe")}, (0, 1)),
    Chart("KL from SFT", "nats an answer", {"KL": ("kl", "distance")}, (0, 0.1)),
)
SKETCH = Sketch(2, (0, 60), (0, 1), "updates", "share of safe answers")


@dataclass(frozen=True)
class RewardThenPPO:
    """The training of a reward model, and of the policy which climbs its score: a record of SFT, then one an update."""

    reward: Training
    policy: PolicyTraining


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
    settings = PPOSettings(
        kl_coef=kl_coef, learning_rate=LEARNING_RATE, updates=updates, seed=seed,
        rollout_size=ROLLOUT, minibatch_size=ROLLOUT // 2,
    )  # fmt: skip
    work = Work(rm_steps, batch_size, members, settings)
    pretrained, sft = (pipeline.ensure(stage, progress=False).model for stage in ("pretrained", "sft"))
    untaught = Conversation(sft, lambda answers: torch.zeros(len(answers)))  # by a judge that has learned nothing yet
    result = RewardThenPPO(Training(rm_steps), PolicyTraining(n_steps=updates, said=untaught))
    learned, records, policy = result.reward.records, result.policy.records, copy.deepcopy(sft)

    def report() -> None:
        watch(result, work.share_done(len(learned) / rm_steps, len(records)))

    def on_step(record: Record) -> None:
        learned.append(record)
        report()

    def on_update(record: Record) -> None:
        result.policy.add(record, policy)
        report()

    def truth(answers: Sequences) -> Record:
        report()  # in the middle of an update too, so that Stop need not wait for its end
        metrics = gold_metrics(answers)
        return metrics | {"gold_sd": float(scale(torch.tensor(metrics["gold_score"])))}

    reward = train_recipe(recipe, pretrained, sft, seed, on_step=on_step)
    result.policy.said = Conversation(sft, reward)
    prompts = encode_prompts(course_tokenizer(), prompts_in("train"))
    first = answer_random_prompts(sft, prompts, SCALE_SAMPLES, settings, torch.Generator().manual_seed(seed)).sequences
    scale = ScoreScale.of(gold_score(first))
    on_update({"step": 0, "score": 0.0, "kl": 0.0, **truth(first)})
    train_ppo(policy, prompts, settings, reward, watch=truth, on_step=on_update)
    return result


def draw(result: RewardThenPPO, canvas: Canvas) -> None:
    """How well the reward model learns its pairs; proxy and gold in one unit; safe answers; the way from SFT."""
    learning, records = result.reward.records, result.policy.records
    canvas.axis(0, "The judge learns", "step", "share right", (0, result.reward.n_steps), (0.4, 1.05))
    canvas.curve(0, "its pairs", [r["step"] for r in learning], [r["accuracy"] for r in learning], "own")
    canvas.level(0, 0.5, CHANCE)
    for panel, chart in enumerate(CHARTS, start=1):
        draw_chart(canvas, panel, chart, records, (0, result.policy.n_steps), x="update")
    canvas.level(1, 0.0, "SFT", "before")
    if records:
        canvas.level(2, records[0]["safety"], "SFT", "before")


def verdict(result: RewardThenPPO) -> Verdict:
    """How far proxy and gold have parted: the last three updates against the SFT model."""
    records = result.policy.records
    if not records:
        right = {"of its batch ranked right": f"{result.reward.records[-1]['accuracy']:.0%}"}
        return too_early(right, "The judge learns first; then PPO climbs its score.")
    proxy, gold, safety, kl = (result.policy.late(name) for name in ("score", "gold_sd", "safety", "kl"))
    figures = {
        "judge sees, sd": f"{proxy:+z.1f}",
        "truth, sd": f"{gold:+z.1f}",
        "safe answers": f"{records[0]['safety']:.0%} → {safety:.0%}",
    }
    if len(records) < ENOUGH:
        return too_early(figures, f"A verdict needs {ENOUGH - 1} updates; {len(records) - 1} are done.")
    word, mood, state = _state(proxy, gold)
    state += unseen(mood, records)
    return Verdict(word, mood, figures, f"{state} (Last three updates, {kl:z.1f} nats from SFT.)")


def _state(proxy: float, gold: float) -> tuple[str, Face, str]:
    if gold < -CLEAR:
        return "over-optimised", "bad", "The judge loves it; it would harm the patient."
    if proxy < CLEAR:
        return "hardly moving", "warn", "The policy has hardly moved."
    if gold > 0.5 * proxy:
        return "healthy", "good", "Score and truth rise together."
    return "parting", "warn", "The score rises and the truth hardly follows."


def truth_of(result: RewardThenPPO) -> tuple[float, ...]:
    """The share of safe answers at the `POINTS` places of a sketch; what was not trained is as it was last."""
    steps, safe = ([record[name] for record in result.policy.records] for name in ("step", "safety"))
    return tuple(np.interp(np.linspace(*SKETCH.x, POINTS), steps, safe).tolist())


def text(result: RewardThenPPO) -> str:
    """The alarms that ring for the policy."""
    return alarm_list(result.policy.records)


LAB = Lab(
    title="How far may a policy follow its judge?",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    cards=lambda result: result.policy.said.cards(),
    canvas=lambda: Canvas(4),
    ranges={
        "n_pairs": {"low": 10, "high": 2000},
        "members": {"high": 4},
        "kl_coef": {"high": 1.0, "log": True},
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
        "A judge from 20 pairs, no price on distance: its score will rise. Draw what becomes of the safe answers.",
        truth_of,
        {"updates": 60},
        within=0.07,
        sketch=SKETCH,
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
