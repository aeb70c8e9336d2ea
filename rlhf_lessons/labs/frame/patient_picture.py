"""The picture of one reward model of the fault bank: how it trained, and its rewards of new pairs."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from rlhf_lessons.diagnostics.doctor.measures import ScoredPairs
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.curves import Chart, draw_charts
from rlhf_lessons.labs.frame.limits import limits
from rlhf_lessons.labs.frame.outlines import mark_zero, outline
from rlhf_lessons.labs.frame.wording import CHANCE, LN_2
from rlhf_lessons.plots.reward import bin_edges
from rlhf_lessons.stages.history import Record

Curve = tuple[Sequence[float], Sequence[float]]
TRAINING = (
    Chart("Training loss (nats)", "loss", {"loss": "loss"}, (0.0, 1.0)),
    Chart("Training rewards", "mean reward", {"chosen": "reward_chosen", "rejected": "reward_rejected"}, (-1.0, 1.0)),
    Chart("Ranked right", "share of pairs", {"batch": "accuracy"}, (0.0, 1.0)),
)


def draw_patient(log: Sequence[Record], train: ScoredPairs, test: ScoredPairs, canvas: Canvas) -> None:
    """Three panels of the training, and below them three panels of the rewards of test pairs."""
    last = log[-1]["step"]
    draw_charts(canvas, TRAINING, log, (0, 1.05 * last))
    canvas.level(0, LN_2, CHANCE)
    canvas.level(2, 0.5, "a coin")
    for line_style, (name, pairs) in enumerate({"all training pairs": train, "test pairs": test}.items(), start=1):
        canvas.curve(2, name, [last], [pairs.accuracy.value], line_style, points=True)
    _draw_rewards(test, canvas)


def _draw_rewards(pairs: ScoredPairs, canvas: Canvas) -> None:
    edges, margin_edges = bin_edges(pairs.rewards), bin_edges(pairs.margins)
    kinds = {"chosen": pairs.chosen, "rejected": pairs.rejected}
    outlines = {kind: _histogram(values, edges) for kind, values in kinds.items()}
    _draw_curves(canvas, 3, ("Rewards of test answers", "reward", "answers"), outlines, limits(edges), (0.0,))
    texts = ("Margins of test pairs", "chosen - rejected", "pairs")
    _draw_curves(
        canvas, 4, texts, {"margins": _histogram(pairs.margins, margin_edges)}, limits([*margin_edges, 0]), (0.0,)
    )
    canvas.backdrop(4, "zero", mark_zero)
    lengths = {kind: _mean_by_length(pairs, kind, values) for kind, values in kinds.items()}
    words = [n for curve in lengths.values() for n in curve[0]]
    texts = ("Reward against length", "words in the answer", "mean reward")
    _draw_curves(canvas, 5, texts, lengths, limits(words), (edges[0], edges[-1]))


def _draw_curves(
    canvas: Canvas, panel: int, texts: tuple[str, str, str], curves: Mapping[str, Curve],
    x_limits: tuple[float, float], must_show: tuple[float, ...],
) -> None:  # fmt: skip
    heights = [y for curve in curves.values() for y in curve[1]]
    canvas.axis(panel, *texts, x_limits, canvas.fit(panel, heights, *must_show))
    for line_style, (name, (x, y)) in enumerate(curves.items()):
        canvas.curve(panel, name, x, y, line_style)


def _histogram(values: Tensor, edges: Sequence[float]) -> Curve:
    return outline(edges, np.histogram(values.numpy(), edges)[0])


def _mean_by_length(pairs: ScoredPairs, kind: str, values: Tensor) -> Curve:
    answers = pairs.answers[: len(pairs)] if kind == "chosen" else pairs.answers[len(pairs) :]
    words = np.array([len(answer.split()) for answer in answers])
    lengths = sorted(set(words.tolist()))
    return lengths, [float(values.numpy()[words == n].mean()) for n in lengths]
