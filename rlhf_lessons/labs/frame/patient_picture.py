"""The picture of one reward model of the fault bank: how it trained, and its rewards of new answers."""

from collections.abc import Sequence

import numpy as np

from rlhf_lessons.diagnostics.doctor.measures import ScoredPairs
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.curves import Chart, draw_charts
from rlhf_lessons.labs.frame.outlines import outline
from rlhf_lessons.labs.frame.wording import CHANCE, LN_2
from rlhf_lessons.plots.reward import bin_edges
from rlhf_lessons.plots.style import Meaning
from rlhf_lessons.stages.history import Record

SIDE_ROOM = 0.15  # of the range of rewards, left free on both sides
TRAINING = (
    Chart("Loss (nats)", "loss", {"loss": ("loss", "own")}, (0.0, 1.0)),
    Chart(
        "Rewards", "mean reward",
        {"chosen": ("reward_chosen", "chosen"), "rejected": ("reward_rejected", "rejected")}, (-1.0, 1.0),
    ),
    Chart("Ranked right", "share of a batch", {"batch": ("accuracy", "own")}, (0.0, 1.0)),
)  # fmt: skip


def draw_patient(log: Sequence[Record], test: ScoredPairs, canvas: Canvas) -> None:
    """Three panels of the training, and one of the rewards of test answers; their limits fit this patient alone."""
    canvas.forget_limits()
    draw_charts(canvas, TRAINING, log, (0, 1.05 * log[-1]["step"]))
    canvas.level(0, LN_2, CHANCE)
    canvas.level(2, 0.5, CHANCE)
    edges = bin_edges(test.rewards)
    kinds: dict[Meaning, np.ndarray] = {"chosen": test.chosen.numpy(), "rejected": test.rejected.numpy()}
    counts = {kind: np.histogram(values, edges)[0] for kind, values in kinds.items()}
    highest = max(int(count.max()) for count in counts.values())
    room = SIDE_ROOM * (edges[-1] - edges[0])
    x_limits = edges[0] - room, edges[-1] + room
    canvas.axis(3, "New answers", "reward", "answers", x_limits, canvas.fit(3, (0.0, highest)))
    for kind, count in counts.items():
        canvas.curve(3, kind, *outline(edges, count), kind)
