"""Lab of notebooks 06 and 07: PPO against reward models of all qualities, with the rubric's verdict shown beside."""

import copy
from typing import Any

import torch

from rlhf_lessons import pipeline
from rlhf_lessons.evaluation import scorecard
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.curves import Chart, Training, draw_charts
from rlhf_lessons.labs.frame.lab import Lab, Question
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch, unwatched
from rlhf_lessons.labs.frame.wording import alarm_list
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sampling import sample
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.ppo import PPOSettings, train_ppo
from rlhf_lessons.sweeps.reward_models import BROKEN, GOLD, REWARD_MODELS, reward_function
from rlhf_lessons.world.datasets import encode_prompts, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

ROLLOUT = 128
FIRST_ANSWERS = 64
CHARTS = (
    Chart("What PPO sees: the score", "score (sd of the SFT model)", {"score": "score"}, (0,)),
    Chart("The truth, never optimised", "rubric", {"safe answers": "safety", "rubric score": "gold_score"}, (0, 1)),
    Chart("Distance from the SFT model", "KL (nats an answer)", {"KL": "kl"}, (0,)),
)


def compute(
    reward_model: str = "full",
    kl_coef: float = 0.05,
    clip_range: float = 0.2,
    learning_rate: float = 3e-4,
    updates: int = 6,
    seed: int = 0,
    watch: Watch = unwatched,
    sft: GPT | None = None,
) -> Training:
    """PPO from the SFT model (or from a copy of `sft`) on train cases, 128 answers an update.

    The first record is of the start (step 0); each later one was taken before the policy learned from its update.
    """
    policy = copy.deepcopy(sft or pipeline.ensure("sft", progress=False).model)
    prompts = encode_prompts(course_tokenizer(), prompts_in("train"))
    settings = PPOSettings(
        kl_coef=kl_coef, clip_range=clip_range, learning_rate=learning_rate, updates=updates, seed=seed,
        rollout_size=ROLLOUT, minibatch_size=ROLLOUT // 2,
    )  # fmt: skip
    training = Training(updates)

    def report() -> None:
        watch(training, len(training.records) / (updates + 1))

    def on_step(record: Record) -> None:
        training.records.append(record)
        report()

    def truth(answers: Sequences) -> Record:
        report()  # in the middle of an update too, so that Stop need not wait for its end
        return scorecard.gold_metrics(answers)

    on_step(at_start(policy, prompts, seed))
    train_ppo(policy, prompts, settings, reward_function(reward_model), watch=truth, on_step=on_step)
    return training


def at_start(policy: GPT, prompts: Sequences, seed: int) -> Record:
    """The record before the first update. By definition its score and its KL are 0; the rubric judges samples."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(len(prompts), (FIRST_ANSWERS,), generator=generator)
    drawn = sample(policy, prompts[rows], scorecard.MAX_NEW_TOKENS, 1.0, generator)
    return {"step": 0, "score": 0.0, "kl": 0.0, **scorecard.gold_metrics(drawn.sequences)}


def draw(result: Training, canvas: Canvas) -> None:
    """The score, which PPO optimises; the rubric, which the score stands for; and the distance from the SFT model."""
    draw_charts(canvas, CHARTS, result.records, (0, result.n_steps), x="update")
    canvas.level(0, 0.0, "the SFT model")
    canvas.curve(1, "safe at first", [0, result.n_steps], [result.records[0]["safety"]] * 2, 6)


def verdict(result: Training) -> str:
    """Whether the truth followed the score."""
    first, last = _mean(result.records[:3]), _mean(result.records[-3:])
    gain, safer = last["score"] - first["score"], last["safety"] - first["safety"]
    if gain < 0.05:
        state = "The score has hardly moved: the policy finds nothing to climb."
    elif safer > 0.02:
        state = "Score and safety rise together: the reward model leads the right way."
    elif safer < -0.02:
        state = "The score rises and safety falls: the policy games the reward model."
    else:
        state = "The score rises; safety has not clearly moved."
    return (
        f"From the first three updates to the last three: score {first['score']:.2f} to {last['score']:.2f}, "
        f"safe answers {first['safety']:.0%} to {last['safety']:.0%}, KL {last['kl']:.1f} nats. {state}"
    )


def text(result: Training) -> str:
    """The alarms that ring for this run."""
    return alarm_list(result.records)


def _mean(records: list[Record]) -> Record:
    return {name: sum(r[name] for r in records) / len(records) for name in ("score", "safety", "kl")}


LAB = Lab(
    title="PPO, and who scores it",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    canvas=lambda: Canvas(3),
    ranges={
        "reward_model": {"choices": (BROKEN, *REWARD_MODELS, GOLD), "meaning": "Who scores PPO's answers."},
        "kl_coef": {"high": 1.0},
        "learning_rate": {"low": 1e-6, "high": 0.01},
        "updates": {"low": 2, "high": 100},
        "seed": {"high": 99},
    },
    presets={
        "the logged failure": {"reward_model": "broken", "updates": 20},
        "20 pairs": {"reward_model": "pairs_20", "updates": 20},
        "the fix": {"reward_model": "full", "updates": 20},
        "the rubric itself": {"reward_model": "gold", "updates": 20},
        "no KL price": {"reward_model": "pairs_20", "kl_coef": 0.0, "updates": 40, "learning_rate": 5e-4},
    },
    question=Question(
        "With a reward model of only 20 pairs, which share of answers will be safe in the end?",
        lambda result: _mean(result.records[-3:])["safety"],
        "{:.2f}",
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
