"""Lab of notebook 06: one update of PPO, pass by pass: what it makes of each token's ratio, and where clipping ends it.

Eight answers of the SFT model, scored by the full reward model; an update goes through them in two minibatches a pass.
"""

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import pandas as pd

from rlhf_lessons import pipeline
from rlhf_lessons.evaluation import token_table
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.stages.ppo import PPOSettings
from rlhf_lessons.stages.rollout import Rollout

ANSWERS = 8
PASSES = 8
NEVER = 1e3  # KL per token; the update goes on however far it has gone
SHORT = 0.34  # of the tokens clipped: from here on the update pulls on few of them


@dataclass(frozen=True)
class UpdatedAnswer:
    """One answer after some passes of an update: a row a token, as `token_table.ratio_table` gives it."""

    tokens: pd.DataFrame
    passes: int
    clip_range: float

    @property
    def clipped(self) -> int:
        """Tokens on which the objective no longer pulls."""
        return int((self.tokens.counts < self.tokens.plain).sum())


def compute(
    ppo_epochs: int = 0, clip_range: float = 0.2, learning_rate: float = 1e-3, answer: str = "1"
) -> UpdatedAnswer:
    """The answer's tokens before an update (`ppo_epochs` 0) or after so many passes of it."""
    rollout, sft = _rollout()
    moved = _moved(ppo_epochs, clip_range, learning_rate) if ppo_epochs else sft
    table = token_table.ratio_table(rollout, int(answer) - 1, moved, clip_range)
    return UpdatedAnswer(table, ppo_epochs, clip_range)


@cache
def _rollout() -> tuple[Rollout, GPT]:
    sft, reward = (pipeline.ensure(stage, progress=False) for stage in ("sft", "reward"))
    return pipeline.first_rollout(sft, reward, rollout_size=ANSWERS), sft.model


@lru_cache(maxsize=64)
def _moved(passes: int, clip_range: float, learning_rate: float) -> GPT:
    rollout, sft = _rollout()
    settings = PPOSettings(
        ppo_epochs=passes, clip_range=clip_range, learning_rate=learning_rate,
        minibatch_size=ANSWERS // 2, kl_stop=NEVER,
    )  # fmt: skip
    return token_table.updated(sft, rollout, settings)


def draw(result: UpdatedAnswer, canvas: Canvas) -> None:
    """Token by token: its advantage; its ratio, with the ends of the clip range; what counts of ratio x advantage."""
    tokens, places = result.tokens, range(1, len(result.tokens) + 1)
    x_limits = (0.5, len(tokens) + 0.5)
    canvas.axis(0, "Advantage", "token", "sd", x_limits, canvas.fit(0, tokens.advantage, -1, 1))
    canvas.curve(0, "advantage", places, tokens.advantage, "before", points=True)
    canvas.level(0, 0.0, "")
    low, high = 1 - result.clip_range, 1 + result.clip_range
    canvas.axis(1, "Ratio", "token", "new / old", x_limits, canvas.fit(1, tokens.ratio, low, high, 0.5, 1.5))
    canvas.curve(1, "ratio", places, tokens.ratio, "distance", points=True)
    canvas.level(1, low, "clip range", "best")
    canvas.level(1, high, "", "best")
    canvas.axis(2, "What PPO raises", "token", "", x_limits, canvas.fit(2, [*tokens.plain, *tokens.counts], -1, 1))
    canvas.curve(2, "ratio x advantage", places, tokens.plain, "before", points=True)
    canvas.curve(2, "counts", places, tokens.counts, "own", points=True)
    canvas.axis(3, "Pull on the ratio", "token", "slope", x_limits, canvas.fit(3, tokens.advantage, -1, 1))
    pulled = tokens.advantage.where(tokens.counts >= tokens.plain, 0.0)
    canvas.curve(3, "slope", places, pulled, "own", points=True)
    canvas.level(3, 0.0, "")


def verdict(result: UpdatedAnswer) -> Verdict:
    """How far the ratios are, and on how many tokens the update still pulls."""
    tokens, n = result.tokens, len(result.tokens)
    figures = {
        "ratios": f"{tokens.ratio.min():.2f} to {tokens.ratio.max():.2f}",
        "tokens clipped": f"{result.clipped} of {n}",
        "passes": str(result.passes),
    }
    if not result.passes:
        return Verdict("not begun", "open", figures, "Every ratio is 1, and the update pulls on every token.")
    if result.clipped > SHORT * n:
        return Verdict(
            "mostly clipped", "warn", figures, "These tokens are past the clip range: more of it earns nothing."
        )
    if result.clipped:
        return Verdict("clipping", "good", figures, "Tokens past the clip range are left alone; the others go on.")
    return Verdict("moving", "good", figures, "Every token is within the clip range, and each is pulled on.")


def text(result: UpdatedAnswer) -> str:
    """The tokens in words and numbers."""
    return result.tokens.round(2).to_string(index=False)


LAB = Lab(
    title="One update, pass by pass",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    canvas=lambda: Canvas(4),
    ranges={
        "ppo_epochs": {"low": 0, "high": PASSES},
        "clip_range": {"low": 0.05, "log": True},
        "learning_rate": {"low": 1e-5, "high": 0.01},
        "answer": {"choices": tuple(map(str, range(1, ANSWERS + 1))), "meaning": "Which of the eight answers."},
    },
    presets={
        "before": {},
        "one pass": {"ppo_epochs": 1},
        "four passes": {"ppo_epochs": 4},
        "no clipping to speak of": {"ppo_epochs": 4, "clip_range": 1.0},
        "a timid step": {"ppo_epochs": 4, "learning_rate": 1e-5},
    },
    question=Question(
        "After four passes over the eight answers: what share of the first answer's tokens is clipped?",
        lambda result: result.clipped / len(result.tokens),
        {"ppo_epochs": 4},
        within=0.1,
        number_format="{:.0%}",
    ),
)


def show(**initial: Any) -> Panel:
    """The lab on the screen. Settings given here replace the defaults."""
    return Panel(LAB, initial)
