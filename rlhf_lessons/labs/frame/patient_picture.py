"""The picture of a reward model on the examination table: its training, and what it does on new pairs."""

from collections.abc import Mapping, Sequence

import numpy as np
from torch import Tensor

from rlhf_lessons.diagnostics.doctor.examination import Examination
from rlhf_lessons.diagnostics.doctor.measures import ScoredPairs
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.limits import limits
from rlhf_lessons.labs.frame.outlines import mark_zero, outline
from rlhf_lessons.labs.frame.wording import CHANCE, LN_2
from rlhf_lessons.plots.reward import bin_edges
from rlhf_lessons.stages.history import Record

Curve = tuple[Sequence[float], Sequence[float]]


def draw_patient(log: Sequence[Record], examination: Examination, canvas: Canvas) -> None:
    """Six panels: in the upper row the training, in the lower one rewards of pairs it was tested on."""
    _draw_training(log, canvas)
    ends = {"all training pairs": examination.train, "test pairs": examination.pairs}
    for look, (name, pairs) in enumerate(ends.items(), start=1):
        canvas.curve(2, name, [log[-1]["step"]], [pairs.accuracy.value], look, points=True)
    _draw_rewards(examination.pairs, canvas)


def _draw_training(log: Sequence[Record], canvas: Canvas) -> None:
    panels = [
        ("Training loss (nats)", "loss", {"loss": "loss"}, (0.0, 1.0)),
        ("Training rewards", "mean reward", {"chosen": "reward_chosen", "rejected": "reward_rejected"}, (-1.0, 1.0)),
        ("Ranked right", "share of pairs", {"batch": "accuracy"}, (0.0, 1.0)),
    ]
    steps = [record["step"] for record in log]
    for panel, (title, unit, lines, must_show) in enumerate(panels):
        shown = [record[metric] for metric in lines.values() for record in log]
        canvas.axis(panel, title, "step", unit, (0, 1.05 * steps[-1]), canvas.fit(panel, shown, *must_show))
        for look, (name, metric) in enumerate(lines.items()):
            canvas.curve(panel, name, steps, [record[metric] for record in log], look)
    canvas.level(0, LN_2, CHANCE)
    canvas.level(2, 0.5, "a coin")


def _draw_rewards(pairs: ScoredPairs, canvas: Canvas) -> None:
    edges, margin_edges = bin_edges(pairs.rewards), bin_edges(pairs.margins)
    kinds = {"chosen": pairs.chosen, "rejected": pairs.rejected}
    outlines = {kind: _outline(values, edges) for kind, values in kinds.items()}
    _show(canvas, 3, ("Rewards of test answers", "reward", "answers"), outlines, limits(edges), (0.0,))
    margins = {"margins": _outline(pairs.margins, margin_edges)}
    _show(
        canvas, 4, ("Margins of test pairs", "chosen - rejected", "pairs"), margins, limits([*margin_edges, 0]), (0.0,)
    )
    canvas.backdrop(4, "zero", mark_zero)
    lengths = {kind: _mean_by_length(pairs, kind, values) for kind, values in kinds.items()}
    words = [n for curve in lengths.values() for n in curve[0]]
    texts = ("Reward against length", "words in the answer", "mean reward")
    _show(canvas, 5, texts, lengths, limits(words), (edges[0], edges[-1]))


def _show(
    canvas: Canvas, panel: int, texts: tuple[str, str, str], curves: Mapping[str, Curve],
    x_limits: tuple[float, float], must_show: tuple[float, ...],
) -> None:  # fmt: skip
    heights = [y for curve in curves.values() for y in curve[1]]
    canvas.axis(panel, *texts, x_limits, canvas.fit(panel, heights, *must_show))
    for look, (name, curve) in enumerate(curves.items()):
        canvas.curve(panel, name, *curve, look)


def _outline(values: Tensor, edges: Sequence[float]) -> Curve:
    return outline(edges, np.histogram(values.numpy(), edges)[0])


def _mean_by_length(pairs: ScoredPairs, kind: str, values: Tensor) -> Curve:
    answers = pairs.answers[: len(pairs)] if kind == "chosen" else pairs.answers[len(pairs) :]
    words = np.array([len(answer.split()) for answer in answers])
    known = sorted(set(words.tolist()))
    return known, [float(values.numpy()[words == n].mean()) for n in known]
