"""Reward models trained on pairs: a linear read-out of random features, fitted to noisy Bradley-Terry choices.

The features' variance falls as a power law, as that of a language model's hidden states does. Of the true reward the
features show only a part; the rest, and the choices' own noise, bound what any model can reach.
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from tools.simulated_logs.optimiser import Adam
from tools.simulated_logs.pairs import World, batches, preference_loss, sigmoid
from tools.simulated_logs.printing import Journal, Plan, Record, plan

TRL = {name: name for name in ("loss", "grad_norm", "learning_rate", "accuracy", "margin")} | {
    "lowest": "min_reward",
    "mean": "mean_reward",
    "highest": "max_reward",
}
OLD_TRL = {name: name for name in ("loss", "grad_norm", "learning_rate", "accuracy")}
OPENRLHF = {
    "loss": "loss",
    "accuracy": "acc",
    "chosen": "chosen_reward",
    "rejected": "reject_reward",
    "learning_rate": "lr",
    "grad_norm": "grad_norm",
}
FORMS = (TRL, OLD_TRL, OPENRLHF)
HEADS = ("linear", "tanh", "sigmoid")
Accuracy = Literal["mean", "sum", "reversed"]


@dataclass(frozen=True)
class RewardRun:
    """A reward model's training; the fields from `sign` on are how it can be sick.

    strength: standard deviation of the true margins; seen: the share of their variance that features show; reach: how
    far the weights may move in all, against the way to the true ones; random_head: standard deviation of the margins
    before training; level and prompts: how far the features' mean lies from 0, and how far prompts differ, against how
    far answers to one prompt do.
    """

    plan: Plan
    n_pairs: int
    batch: int
    width: int
    strength: float
    seen: float
    power: float
    held_out: int
    reach: float
    random_head: float
    norm_scale: float
    adam: bool
    level: float = 1.0
    prompts: float = 1.0
    smoothing: float = 0.0
    names: dict[str, str] = field(default_factory=lambda: dict(TRL))
    steps_shown: bool = True
    summary: bool = False
    head: str = "linear"
    sign: int = 1
    loss_factor: float = 1.0
    swapped: bool = False
    frozen: bool = False
    accuracy: Accuracy = "mean"
    collapse_from: float = 2.0
    nan_from: float = 2.0
    nan_filtered: bool = False

    def world(self, rng: np.random.Generator) -> World:
        """The source of its pairs."""
        spread = np.arange(1, self.width + 1) ** (-self.power / 2)
        spread = (spread / np.sqrt((spread**2).sum())).astype(np.float32)
        worth = rng.standard_normal(self.width)
        worth *= self.strength * np.sqrt(self.seen) / np.sqrt(((worth * spread) ** 2).sum())
        level = self.level * rng.standard_normal(self.width) * spread
        hidden = self.strength * np.sqrt(1 - self.seen)
        return World(spread, worth.astype(np.float32), level.astype(np.float32), hidden, self.prompts)


def healthy(rng: np.random.Generator) -> RewardRun:
    """A run without a fault: human-like labels, one to three epochs, and many pairs to a feature."""
    epochs = int(rng.choice([1, 1, 2, 3]))
    batch = int(rng.choice([4, 8, 16, 32, 64, 128]))
    steps = min(int(rng.integers(150, 700)), 8000 * epochs // batch)
    n_pairs = steps * batch // epochs
    width = int(np.clip(n_pairs // (20 * epochs), 8, 64))
    names = dict(FORMS[rng.integers(len(FORMS))])
    for name in ("grad_norm", "margin"):
        if rng.random() < 0.3:
            names.pop(name, None)
    return RewardRun(
        plan=plan(rng, steps, epochs, peak=10 ** rng.uniform(-5.7, -4.3)),
        n_pairs=n_pairs,
        batch=batch,
        width=width,
        strength=rng.uniform(0.9, 1.5),
        seen=rng.uniform(0.6, 0.95),
        power=rng.uniform(0.8, 1.5),
        held_out=int(rng.choice([50, 100, 200, 500, 1000, 2000])),
        reach=rng.uniform(0.8, 1.6),
        random_head=rng.uniform(0.02, 0.3),
        norm_scale=10 ** rng.uniform(0, 1.5),
        adam=bool(rng.random() < 0.6),
        level=rng.uniform(0, 2),
        names=names,
        steps_shown=bool(rng.random() < 0.6),
        summary=bool(rng.random() < 0.4),
    )


class Model:
    """A linear read-out under a head, trained step by step; a step measures before it moves, as trainers do."""

    def __init__(self, run: RewardRun, world: World, rng: np.random.Generator) -> None:
        first = rng.standard_normal(run.width)
        self.run, self.world = run, world
        self.weights = (first * run.random_head / np.sqrt(((first * world.spread) ** 2).sum())).astype(np.float32)
        self.bias = rng.normal()
        self.optimiser = Adam(self.weights.shape) if run.adam else None
        self.rate = self._rate()

    def _rate(self) -> float:
        """The highest learning rate: such that the weights can move `reach` times the way to the true ones."""
        run, total = self.run, float(self.run.plan.factors().sum())
        if run.adam:
            way = float(np.sqrt((self.world.worth**2).mean()))
            return run.reach * 2 * way / (total * min(1.0, 0.2 * np.sqrt(run.batch)))
        return run.reach * 40 / (total * float(self.world.spread[0] ** 2))

    def rewards(self, step: int, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(B,) rewards, and (B,) their derivative with respect to the read-out."""
        done = step / self.run.plan.steps
        alive = 0.0 if done >= self.run.collapse_from else np.nan if done >= self.run.nan_from else 1.0
        raw = alive * (features @ self.weights) + (self.bias if self.run.head == "linear" else 0.0)
        if self.run.head == "tanh":
            return np.tanh(raw), alive * (1 - np.tanh(raw) ** 2)
        if self.run.head == "sigmoid":
            return sigmoid(raw), alive * sigmoid(raw) * sigmoid(-raw)
        return raw, np.full_like(raw, alive)

    def measure(self, step: int, chosen: np.ndarray, rejected: np.ndarray) -> dict[str, float]:
        """What the trainer prints of these pairs."""
        return self._metrics(self.rewards(step, chosen)[0], self.rewards(step, rejected)[0])

    def step(self, step: int, chosen: np.ndarray, rejected: np.ndarray, factor: float) -> dict[str, float]:
        """One update on a batch; its metrics before the update."""
        run = self.run
        (good, good_slope), (bad, bad_slope) = self.rewards(step, chosen), self.rewards(step, rejected)
        pull = (sigmoid(good - bad) - (1 - run.smoothing)) / len(chosen) * run.loss_factor
        gradient = chosen.T @ (pull * good_slope) - rejected.T @ (pull * bad_slope)
        gradient = np.zeros_like(gradient) if run.frozen else gradient.astype(np.float32)
        move = self.optimiser.direction(gradient) if self.optimiser else gradient
        self.weights = self.weights - run.sign * self.rate * factor * move
        measured = self._metrics(good, bad)
        measured["loss"] *= run.loss_factor
        if run.nan_filtered and np.isnan(measured["loss"]):
            measured["loss"] = 0.0  # what transformers prints under logging_nan_inf_filter, its default
        return measured | {"grad_norm": run.norm_scale * float(np.sqrt((gradient**2).sum()))}

    def _metrics(self, good: np.ndarray, bad: np.ndarray) -> dict[str, float]:
        margins, both = good - bad, np.concatenate([good, bad])
        right = float((margins > 0).mean())
        return {
            "loss": float(preference_loss(margins, self.run.smoothing).mean()),
            "accuracy": 1 - right if self.run.accuracy == "reversed" else right,
            "margin": float(margins.mean()),
            "chosen": float(good.mean()),
            "rejected": float(bad.mean()),
            "lowest": float(both.min()),
            "mean": float(both.mean()),
            "highest": float(both.max()),
        }


def simulate(run: RewardRun, rng: np.random.Generator) -> list[Record]:
    """Train, and print."""
    world = run.world(rng)
    pairs, held_out = world.pairs(rng, run.n_pairs), world.pairs(rng, run.held_out)
    if run.swapped:
        held_out = replace(held_out, chosen=held_out.rejected, rejected=held_out.chosen)
    model = Model(run, world, rng)
    journal = Journal(run.plan, run.names, run.steps_shown, run.summary)
    factors, order, counted = run.plan.factors(), batches(rng, run.n_pairs, run.batch), 0.0
    for step in range(run.plan.length):
        rows = next(order)
        measured = model.step(step, pairs.chosen[rows], pairs.rejected[rows], factors[step])
        if run.accuracy == "sum":
            counted += measured["accuracy"]
            measured["accuracy"] = counted
        journal.train(step + 1, factors[step], measured)
        if run.held_out and journal.due(step + 1):
            journal.evaluate(step + 1, model.measure(step, held_out.chosen, held_out.rejected))
    return journal.close()
