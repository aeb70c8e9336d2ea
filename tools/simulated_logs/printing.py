"""How a trainer prints what it measures: which names, how often, averaged or not, rounded, with which learning rate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Record = dict[str, float]
WORDY = ("train_runtime", "train_samples_per_second", "train_steps_per_second")


@dataclass(frozen=True)
class Plan:
    """The length of a run and what is printed of it.

    epochs: how often the data is seen; every: steps between two printed rows; averaged: whether a row is the mean of
    its steps, or its last step alone; peak: the highest learning rate, as printed; warm_up: the share of the steps in
    which it rises; decay: "linear", "cosine" or "constant"; digits: significant digits printed (0 for all); stop: the
    share of the run after which the log ends.
    """

    steps: int
    epochs: float
    every: int
    evaluate_every: int
    averaged: bool
    peak: float
    warm_up: float
    decay: str
    digits: int
    stop: float = 1.0

    @property
    def length(self) -> int:
        """Steps until the log ends."""
        return max(1, round(self.steps * self.stop))

    def factors(self) -> np.ndarray:
        """(steps,) the learning rate of each step as a share of its peak."""
        done = np.arange(self.steps) / self.steps
        left = (1 - done) / (1 - self.warm_up)
        falling = {
            "linear": left,
            "cosine": (1 - np.cos(np.pi * left)) / 2,
            "constant": np.ones_like(left),
        }[self.decay]
        return np.where(done < self.warm_up, (np.arange(self.steps) + 1) / (self.steps * self.warm_up + 1), falling)


def plan(rng: np.random.Generator, steps: int, epochs: float, peak: float) -> Plan:
    """A plan as people choose them: 15 to 60 rows of training, 3 to 12 evaluations."""
    every = max(1, steps // int(rng.integers(15, 61)))
    return Plan(
        steps=steps,
        epochs=epochs,
        every=every,
        evaluate_every=max(every, steps // int(rng.integers(3, 13))),
        averaged=bool(rng.random() < 0.75),
        peak=peak,
        warm_up=float(rng.choice([0.0, 0.03, 0.1])),
        decay=str(rng.choice(["linear", "cosine", "constant"])),
        digits=int(rng.choice([0, 4])),
    )


@dataclass
class Journal:
    """Collects what is measured in each step and prints rows as the plan says.

    names: the printed name of each metric; a metric without a name is not printed. totals: whether the row has a
    summary at the end, as `transformers` prints one.
    """

    plan: Plan
    names: Mapping[str, str]
    steps_shown: bool = True
    summary: bool = False
    records: list[Record] = field(default_factory=list)
    _window: list[Mapping[str, float]] = field(default_factory=list)
    _losses: list[float] = field(default_factory=list)

    def train(self, step: int, factor: float, measured: Mapping[str, float]) -> None:
        """Note the metrics of a training step (from 1); print a row if one is due."""
        self._window.append(measured)
        if "loss" in measured:
            self._losses.append(measured["loss"])
        if step % self.plan.every:
            return
        rows = self._window if self.plan.averaged else self._window[-1:]
        row = {name: math.fsum(row[name] for row in rows) / len(rows) for name in rows[0]}
        self._window = []
        self._print(step, row | {"learning_rate": self.plan.peak * factor}, "")

    def evaluate(self, step: int, measured: Mapping[str, float]) -> None:
        """Print a row of held-out metrics."""
        self._print(step, measured, "eval_")

    def due(self, step: int) -> bool:
        """Whether an evaluation follows this step."""
        return step % self.plan.evaluate_every == 0

    def close(self) -> list[Record]:
        """The rows, with the summary where the trainer prints one and the run was not cut short."""
        if self.summary and self._losses and self.plan.stop == 1.0:
            steps, seconds = self.plan.steps, self.plan.steps * 1.7
            closing = dict(zip(WORDY, (seconds, 4 * steps / seconds, steps / seconds), strict=True))
            loss = math.fsum(self._losses) / len(self._losses)
            self._place(closing | {"train_loss": loss, "epoch": self.plan.epochs}, steps)
        return self.records

    def _print(self, step: int, measured: Mapping[str, float], prefix: str) -> None:
        row = {
            prefix + self.names[name]: self._rounded(name, value)
            for name, value in measured.items()
            if name in self.names
        }
        row["epoch"] = round(self.plan.epochs * step / self.plan.steps, 2 if self.plan.digits else 4)
        self._place(row, step)

    def _place(self, row: Record, step: int) -> None:
        self.records.append(row | {"step": step} if self.steps_shown else row)

    def _rounded(self, name: str, value: Any) -> float:
        value = float(value)
        if not math.isfinite(value):
            return value
        if self.plan.digits:
            return float(f"{value:.{self.plan.digits}g}")
        return round(value, 4) if name == "loss" else value
