"""Lab of notebook 05: the three knobs for a reward head on a frozen body, which is trained while the slider moves.

Only the head learns, so a pair is one vector (its lead, see `sweeps.phase_diagram`), and 100 passes take milliseconds.
New pairs are about the tuning cases, so that the held-out cases stay unseen until a setting is chosen.
"""

from functools import partial
from textwrap import fill
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rlhf_lessons.diagnostics.doctor.measures import mean_confidence
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.curves import mark_coin_and_best
from rlhf_lessons.labs.frame.lab import Lab, Question
from rlhf_lessons.labs.frame.maps import paint_map
from rlhf_lessons.labs.frame.outlines import mark_zero, outline
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.wording import BEST, LN_2, trend
from rlhf_lessons.sweeps.frozen_heads import SCALES, SIZES, FittedHead, maps_at, pair_leads, tuning_ceiling
from rlhf_lessons.sweeps.phase_diagram import LEARNING_RATES, Heads, train_heads

# A little wider than the map, so that a point on its border is seen whole.
MAP_LIMITS = ((SIZES[0] / 1.3, SIZES[-1] * 1.3), (LEARNING_RATES[0] / 2, LEARNING_RATES[-1] * 2))
BINS = 30
LEAST_GAIN = 0.05  # nats of training loss; with less, it has not learned
CALIBRATED = 0.06  # the largest ECE that counts as calibrated; 1,000 pairs measure it to about 0.02
LINE_WIDTH = 96  # characters that fit under the picture
ABOUT_MAPS = (
    "On the maps dark is good, and a line joins equal values. Own pairs are those it learns from; new ones ask about "
    "the tuning cases, so that the held-out cases stay unseen. The body is frozen and only the head learns. Where the "
    "whole model learns, it also changes what the head reads: it ranks more right, and wants a smaller learning rate."
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
    """Two maps with a point for this head; its loss and accuracy over the passes; its margins; how sure it is.

    The best possible loss and accuracy are those on new pairs.
    """
    for panel, (metric, name) in enumerate({"accuracy": "Accuracy", "nll": "Loss"}.items()):
        title = f"{name} map (init scale {result.map_scale:g})"
        canvas.axis(panel, title, "training pairs", "learning rate", *MAP_LIMITS, log_x=True, log_y=True)
        paint = partial(paint_map, metric=metric, sizes=SIZES, rates=LEARNING_RATES, values=result.maps[metric])
        canvas.backdrop(panel, (result.map_scale, result.climbs), paint)
        rate, n_pairs = best_place(result)
        canvas.curve(panel, "lowest loss", [n_pairs], [rate], 6, points=True)
        canvas.curve(panel, "you", [result.n_pairs], [result.learning_rate], 1, points=True)
    passes = range(len(result.new))
    series = [
        ("Loss (nats)", "loss", result.losses),
        ("Ranked right", "share of pairs", result.accuracies),
    ]
    for panel, (title, unit, lines) in enumerate(series, start=2):
        shown = [value for values in lines.values() for value in values]
        canvas.axis(panel, title, "pass", unit, (0, len(passes)), canvas.fit(panel, shown, 0.0, 1.0))
        for line_style, (name, values) in enumerate(lines.items()):
            canvas.curve(panel, name, passes, values, line_style)
    mark_coin_and_best(canvas, 2, 3, tuning_ceiling())
    _draw_margins(result, canvas)
    canvas.axis(5, "As sure as right?", "how sure", "share ranked right", (0.48, 1.02), (-0.03, 1.03))
    canvas.curve(5, "calibrated", [0.5, 1.0], [0.5, 1.0], 6)
    canvas.curve(5, "new pairs", result.bins.confidence, result.bins.accuracy, 1, points=True)


def _draw_margins(result: FittedHead, canvas: Canvas) -> None:
    ends = {name: margins[-1].numpy() for name, margins in result.margins.items()}
    x_limits = canvas.fit("margins", np.concatenate(list(ends.values())), -1.0, 1.0)
    edges = np.linspace(*x_limits, BINS + 1)
    shares = {name: np.histogram(margins, edges)[0] / len(margins) for name, margins in ends.items()}
    y_limits = canvas.fit(4, [share.max() for share in shares.values()], 0.0)
    canvas.axis(4, "Margins at the end", "chosen - rejected", "share of pairs", x_limits, y_limits)
    canvas.backdrop(4, "zero", mark_zero)
    for line_style, (name, share) in enumerate(shares.items()):
        x, y = outline(edges, share)
        canvas.curve(4, name, x, y, line_style)


def verdict(result: FittedHead) -> str:
    """The measures on new pairs, and what state they show this head to be in."""
    right, loss = result.accuracies["new pairs"][-1], result.losses["new pairs"][-1]
    reached = f"{right:.0%} ranked right ({BEST}: {tuning_ceiling().accuracy:.0%})"
    measured = f"{reached}, margin {float(result.new[-1].mean()):.2f}, loss {loss:.2f}, ECE {result.ece:.2f}"
    return f"New pairs: {measured}. {_state(result, right, loss)}"


def _state(result: FittedHead, right: float, loss: float) -> str:
    first, last = (result.losses["own pairs"][at] for at in (0, -1))
    if result.climbs:
        return f"The training loss {trend(first, last)}: the step climbs. No pairs, no rate and no start mend a sign."
    if first > 2 * LN_2 and last > first / 2:
        return (
            "The first weights are so large that the training cannot take them back: sure from the start, of nothing."
        )
    if first - last < LEAST_GAIN:
        return "The step is too small: 100 passes leave the bets where they were."
    if loss > LN_2:
        return (
            "Confident and wrong: on new pairs its bets lose more than a coin's. Give it more pairs or a smaller step."
        )
    sure = mean_confidence(result.bins)
    if result.ece > CALIBRATED:
        return f"It is {sure:.0%} sure on average: {'over' if sure > right else 'under'}confident."
    return f"It is {sure:.0%} sure on average, about as sure as right: a good place to be."


def text(result: FittedHead) -> str:
    """The best place on the map, how to read the maps, and what a frozen body leaves out."""
    (rate, n_pairs), loss = best_place(result), float(result.maps["nll"].min())
    best = f"The lowest loss on this map is {loss:.2f}, at learning rate {rate:.2g} and {n_pairs:,} pairs; "
    best += f"nobody can be under {tuning_ceiling().loss:.2f}, for people disagree."
    return f"{best}\n{fill(ABOUT_MAPS, LINE_WIDTH)}"


def best_place(result: FittedHead) -> tuple[float, int]:
    """Learning rate and number of pairs where the map's loss is lowest."""
    row, column = divmod(int(result.maps["nll"].argmin()), len(SIZES))
    return LEARNING_RATES[row], SIZES[column]


LAB = Lab(
    title="The reward model, fixed: three knobs on a frozen body",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    canvas=lambda: Canvas(6, rows=2),
    ranges={
        "learning_rate": {"low": LEARNING_RATES[0]},
        "head_init_scale": {"high": SCALES[-1]},
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
        "overconfident": {"learning_rate": 1.0},
        "too large a start": {"head_init_scale": 20.0, "learning_rate": 1e-3, "n_pairs": 4_000},
        "the fix": {"learning_rate": 0.1, "head_init_scale": 0.0, "n_pairs": 4_000},
    },
    question=Question(
        "Still 20 pairs, but a learning rate of 1 in place of 0.01: what will the loss on new pairs be? (A coin: 0.69)",
        lambda result: result.losses["new pairs"][-1],
    ),
)


def show(**initial: Any) -> Panel:
    """The lab on the screen. Settings given here replace the defaults. Draws all maps first, in some seconds."""
    for scale in SCALES:
        maps_at(scale, climbs=False)
    return Panel(LAB, initial)
