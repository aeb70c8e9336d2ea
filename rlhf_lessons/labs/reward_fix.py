"""Lab of notebook 05: the three knobs for a reward head on a frozen body, which is trained while the slider moves.

Only the head learns, so a pair is one vector (its lead, see `sweeps.phase_diagram`), and 100 passes take milliseconds.
New pairs are about the tuning cases, so that the held-out cases stay unseen until a setting is chosen.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from rlhf_lessons.diagnostics.doctor.measures import mean_confidence
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.curves import mark_coin_and_best
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict
from rlhf_lessons.labs.frame.maps import paint_map
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.wording import LN_2, trend
from rlhf_lessons.plots.style import Face, Meaning
from rlhf_lessons.sweeps.frozen_heads import SCALES, SIZES, FittedHead, maps_at, pair_leads, tuning_ceiling
from rlhf_lessons.sweeps.phase_diagram import LEARNING_RATES, Heads, train_heads

SERIES: Mapping[str, tuple[str, Meaning]] = {"own pairs": ("own pairs", "own"), "new": ("new pairs", "new")}
# A little wider than the map, so that a point on its border is seen whole.
MAP_LIMITS = ((SIZES[0] / 1.3, SIZES[-1] * 1.3), (LEARNING_RATES[0] / 2, LEARNING_RATES[-1] * 2))
LEAST_GAIN = 0.05  # nats of training loss; with less, it has not learned
CALIBRATED = 0.06  # the largest ECE that counts as calibrated; 1,000 pairs measure it to about 0.02
ABOUT_MAP = (
    "On the map dark is good, and a line joins equal losses. Own pairs are those it learns from; new ones ask about "
    "the tuning cases, so that the held-out cases stay unseen. The body is frozen and only the head learns. Where the "
    "whole model learns, it also changes what the head reads: it ranks more right, and wants a smaller learning rate."
)
AS_MANY = 0.05  # the largest difference of shares that is none
OUTCOMES = tuple(
    f"{ranked} ranked right, a {loss} loss" for ranked in ("more", "as many", "fewer") for loss in ("lower", "higher")
)


def compute(
    learning_rate: float = 0.01,
    head_init_scale: float = 1.0,
    n_pairs: int = 20,
    update: str = "autograd",
    seed: int = 0,
) -> FittedHead:
    """Train one reward head on the frozen pretrained body, 100 passes through `n_pairs` pairs of the train cases."""
    climbs = update == "as_logged"
    train, tuning = pair_leads()
    heads = Heads.grid([learning_rate], [head_init_scale], [n_pairs], [seed])
    path: list[Tensor] = []
    train_heads(train, heads, climbs=climbs, on_pass=path.append)
    weights, rows = torch.cat(path), heads.shares(len(train))[0] > 0
    scale = min(SCALES, key=lambda known: abs(known - head_init_scale))
    own, new = weights @ train[rows].T, weights @ tuning.T
    return FittedHead(learning_rate, n_pairs, climbs, own, new, scale, maps_at(scale, climbs))


def draw(result: FittedHead, canvas: Canvas) -> None:
    """A map with a point for this head; its loss and accuracy over the passes; how sure it is and how often right.

    The best possible loss and accuracy are those on new pairs.
    """
    title = f"Loss map, start × {result.map_scale:g}"
    canvas.axis(0, title, "training pairs", "learning rate", *MAP_LIMITS, log_x=True, log_y=True)
    paint = partial(paint_map, sizes=SIZES, rates=LEARNING_RATES, losses=result.maps["nll"])
    canvas.backdrop(0, (result.map_scale, result.climbs), paint)
    rate, n_pairs = best_place(result)
    canvas.curve(0, "lowest", [n_pairs], [rate], "best", points=True)
    canvas.curve(0, "you", [result.n_pairs], [result.learning_rate], "you", points=True)
    passes = range(len(result.new))
    panels = [("Loss", "nats", result.losses), ("Ranked right", "share of pairs", result.accuracies)]
    for panel, (title, unit, lines) in enumerate(panels, start=1):
        shown = [value for values in lines.values() for value in values]
        canvas.axis(panel, title, "pass", unit, (0, len(passes)), canvas.fit(panel, shown, 0.0, 1.0))
        for name, (pairs, meaning) in SERIES.items():
            canvas.curve(panel, name, passes, lines[pairs], meaning)
    mark_coin_and_best(canvas, 1, 2, tuning_ceiling())
    canvas.axis(3, "As sure as right?", "how sure", "share right", (0.48, 1.02), (-0.03, 1.03))
    canvas.curve(3, "calibrated", [0.5, 1.0], [0.5, 1.0], "best")
    canvas.curve(3, "new pairs", result.bins.confidence, result.bins.accuracy, "new", points=True)


def verdict(result: FittedHead) -> Verdict:
    """The measures on new pairs, and what state they show this head to be in."""
    right, loss = _on_new_pairs(result)
    figures = {
        "of new pairs right": f"{right:.0%}",
        "loss on new pairs": f"{loss:.2f}",
        "calibration error": f"{result.ece:.2f}",
    }
    word, mood, state = _state(result, right, loss)
    best = tuning_ceiling()
    return Verdict(word, mood, figures, f"{state} (Best possible: {best.accuracy:.0%} and {best.loss:.2f}.)")


def _state(result: FittedHead, right: float, loss: float) -> tuple[str, Face, str]:
    first, last = (result.losses["own pairs"][at] for at in (0, -1))
    if result.climbs:
        climb = f"The training loss {trend(first, last)}."
        return "climbing", "bad", f"{climb} No other knob mends a sign."
    if first > 2 * LN_2 and last > first / 2:
        return "sure of nothing", "bad", "The first weights are so large that the training cannot take them back."
    if first - last < LEAST_GAIN:
        return "hardly moving", "warn", "The step is too small: the bets stay where they were."
    if loss > LN_2:
        return "confident and wrong", "bad", "Its bets lose more than a coin's: more pairs, or a smaller step."
    sure = f"It is {mean_confidence(result.bins):.0%} sure on average"
    if result.ece > CALIBRATED:
        word = "overconfident" if mean_confidence(result.bins) > right else "underconfident"
        return word, "warn", f"{sure} and right {right:.0%} of the time."
    return "calibrated", "good", f"{sure}, about as sure as right: a good place to be."


def _on_new_pairs(result: FittedHead) -> tuple[float, float]:
    return result.accuracies["new pairs"][-1], result.losses["new pairs"][-1]


def compared(result: FittedHead) -> str:
    """One of `OUTCOMES`: how a head fares on new pairs against that of the first settings."""
    (right, loss), (right_before, loss_before) = _on_new_pairs(result), _on_new_pairs(compute())
    gain = right - right_before
    ranked = "as many" if abs(gain) <= AS_MANY else "more" if gain > 0 else "fewer"
    return f"{ranked} ranked right, a {'lower' if loss < loss_before else 'higher'} loss"


def text(result: FittedHead) -> str:
    """The best place on the map, how to read the map, and what a frozen body leaves out."""
    (rate, n_pairs), loss = best_place(result), float(result.maps["nll"].min())
    best = f"The lowest loss on this map is {loss:.2f}, at learning rate {rate:.2g} and {n_pairs:,} pairs; "
    best += f"nobody can be under {tuning_ceiling().loss:.2f}, for people disagree."
    return f"{best}\n{ABOUT_MAP}"


def best_place(result: FittedHead) -> tuple[float, int]:
    """Learning rate and number of pairs where the map's loss is lowest."""
    row, column = divmod(int(result.maps["nll"].argmin()), len(SIZES))
    return LEARNING_RATES[row], SIZES[column]


LAB = Lab(
    title="The reward model, fixed",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    canvas=lambda: Canvas(4),
    ranges={
        "learning_rate": {"low": LEARNING_RATES[0]},
        "head_init_scale": {"high": SCALES[-1], "log": True},
        "n_pairs": {"low": SIZES[0], "high": SIZES[-1]},
        "update": {
            "choices": ("autograd", "as_logged"),
            "meaning": "Whether steps go down the loss or, as logged, up.",
        },
        "seed": {"high": 99},
    },
    presets={
        "the logged failure": {"update": "as_logged"},
        "logged, but with 4,000 pairs": {"update": "as_logged", "n_pairs": 4_000},
        "too large a step": {"learning_rate": 1.0},
        "too large a start": {"head_init_scale": 20.0, "learning_rate": 1e-3, "n_pairs": 4_000},
        "the fix": {"learning_rate": 0.1, "head_init_scale": 0.0, "n_pairs": 4_000},
    },
    question=Question(
        "Still 20 pairs, a learning rate of 1 in place of 0.01: how many new pairs are ranked right, at which loss?",
        compared,
        {"learning_rate": 1.0},
        choices=OUTCOMES,
    ),
)


def show(**initial: Any) -> Panel:
    """The lab on the screen. Settings given here replace the defaults. Draws all maps first, in some seconds."""
    for scale in SCALES:
        maps_at(scale, climbs=False)
    return Panel(LAB, initial)
