"""A lab that trains nothing: a line whose slope its knobs set. Thirteen pairs cannot be had."""

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from rlhf_lessons import progress
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict


@dataclass(frozen=True)
class Line:
    slope: float


def compute(
    learning_rate: float = 0.01, n_pairs: int = 20, update: str = "as_logged", adaptive_kl: bool = False
) -> Line:
    if n_pairs == 13:
        raise ArithmeticError("thirteen pairs cannot be had")
    return Line(learning_rate * n_pairs * (-1 if update == "as_logged" else 1) * (2 if adaptive_kl else 1))


def draw(result: Line, canvas: Canvas) -> None:
    y = [result.slope * x for x in range(10)]
    canvas.axis(0, "A line", "step", "reward", (0, 9), canvas.fit(0, y))
    canvas.level(0, 0.0, "zero")
    canvas.curve(0, "line", range(10), y, "own")
    canvas.curve(0, "points", range(10), y, "new", points=True)


def verdict(result: Line) -> Verdict:
    mood = "good" if result.slope > 0 else "bad"
    return Verdict("straight", mood, {"slope": f"{result.slope:.3f}"}, f"The slope is {result.slope:.3f}.")


SILENT = Lab(
    title="A line",
    compute=compute,
    draw=draw,
    verdict=verdict,
    canvas=lambda: Canvas(1),
    ranges={"n_pairs": {"high": 20}, "update": {"choices": ("as_logged", "both_fixed")}},
    presets={"the fix": {"update": "both_fixed"}, "thirteen": {"n_pairs": 13}},
)
QUESTION = Question("How steep?", lambda result: result.slope, {"n_pairs": 10}, within=0.01)
LAB = replace(SILENT, question=QUESTION)


def pixels(png: bytes) -> np.ndarray:
    """The picture as (height, width, 3) numbers from 0 to 255."""
    return np.asarray(Image.open(io.BytesIO(png)))


def marks() -> list[str]:
    """How near the predictions were that are kept."""
    return [found["mark"] for found in progress.kept("prediction").values()]
