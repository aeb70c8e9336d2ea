"""Supervised fine-tuning of the small language model: the next token of answers that another model wrote."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from tools.simulated_logs.optimiser import Adam
from tools.simulated_logs.pairs import batches
from tools.simulated_logs.planted import FROZEN, HEALTHY, NAN, SICK, TOO_HIGH, Planted
from tools.simulated_logs.printing import Journal, Plan, Record, plan
from tools.simulated_logs.tokens import PLACES, Answers, Language, Pass, run

SAME = ("loss", "grad_norm", "learning_rate")
OLD = {name: name for name in SAME}
NEW = OLD | {name: name for name in ("entropy", "num_tokens", "mean_token_accuracy")}


@dataclass(frozen=True)
class SftRun:
    """A fine-tuning run; reach: how far the weights may move, against the way to the writer's; memory: as in DPO."""

    plan: Plan
    n_answers: int
    batch: int
    held_out: int
    away: float
    reach: float
    norm_scale: float
    names: dict[str, str] = field(default_factory=lambda: dict(NEW))
    steps_shown: bool = True
    summary: bool = False
    memory: int = 0
    frozen: bool = False
    nan_from: float = 2.0


def healthy(rng: np.random.Generator) -> SftRun:
    """One to three epochs on enough answers."""
    epochs, batch = int(rng.choice([1, 2, 3])), int(rng.choice([4, 8, 16, 32]))
    steps = min(int(rng.integers(80, 300)), 2500 * epochs // batch)
    return SftRun(
        plan=plan(rng, steps, epochs, peak=10 ** rng.uniform(-5.3, -4)),
        n_answers=steps * batch // epochs,
        batch=batch,
        held_out=int(rng.choice([0, 50, 200])),
        away=rng.uniform(0.3, 0.6),
        reach=rng.uniform(0.7, 1.3),
        norm_scale=10 ** rng.uniform(-0.5, 1),
        names=dict((OLD, NEW)[rng.integers(2)]),
        steps_shown=bool(rng.random() < 0.6),
        summary=bool(rng.random() < 0.4),
    )


def simulate(run_: SftRun, rng: np.random.Generator) -> list[Record]:
    """Train, and print."""
    language = Language(rng, run_.memory)
    writer = language.start + np.float32(run_.away) * language.plain(rng)
    answers, held_out = (_write(rng, language, writer, size) for size in (run_.n_answers, max(run_.held_out, 1)))
    factors, optimiser = run_.plan.factors(), Adam(language.start.shape)
    weights: np.ndarray = language.start
    rate = 2 * run_.reach * run_.away / (float(factors.sum()) * min(1.0, 0.2 * np.sqrt(run_.batch)))
    journal, order = (
        Journal(run_.plan, run_.names, run_.steps_shown, run_.summary),
        batches(rng, run_.n_answers, run_.batch),
    )
    for step in range(run_.plan.length):
        alive = step < run_.nan_from * run_.plan.steps
        now = run(weights, answers[next(order)])
        gradient = now.gradient(np.full(run_.batch, -1 / run_.batch / PLACES)) * (not run_.frozen)
        weights = weights - np.float32(rate * factors[step]) * optimiser.direction(gradient)
        measured = _measure(now) | {"num_tokens": float((step + 1) * run_.batch * 180)}
        measured["grad_norm"] = run_.norm_scale * float(np.sqrt((gradient**2).sum()))
        lost = {name: float("nan") for name in ("loss", "grad_norm", "entropy")}
        journal.train(step + 1, factors[step], measured if alive else measured | lost | {"mean_token_accuracy": 0.0})
        if run_.held_out and alive and journal.due(step + 1):
            journal.evaluate(step + 1, _measure(run(weights, held_out)))
    return journal.close()


def _write(rng: np.random.Generator, language: Language, writer: np.ndarray, count: int) -> Answers:
    prompts = language.prompts(rng, count)
    return language.answers(prompts, language.sample(rng, writer, prompts), np.ones(count))


def _measure(now: Pass) -> dict[str, float]:
    right = float((now.probabilities.argmax(axis=2) == now.answers.tokens).mean())
    return {"loss": -float(now.means().mean()), "entropy": now.entropy(), "mean_token_accuracy": right}


def overfit(rng: np.random.Generator) -> SftRun:
    """A hundred answers or two, seen 10 to 25 times by a model that can learn them by heart."""
    n_answers, batch, epochs = int(rng.integers(80, 250)), 16, int(rng.integers(10, 26))
    steps = n_answers // batch * epochs
    long = replace(plan(rng, steps, epochs, peak=10 ** rng.uniform(-4.7, -3.7)), averaged=True)
    run_ = replace(healthy(rng), plan=long, n_answers=n_answers, batch=batch, held_out=200)
    return replace(run_, memory=128, reach=rng.uniform(1.5, 4))


def diverging(rng: np.random.Generator) -> SftRun:
    """A rate of which a few steps are as long as the way to the writer."""
    run_ = healthy(rng)
    reach = float(run_.plan.factors().sum()) * rng.uniform(2, 6)
    return replace(run_, reach=reach, plan=replace(run_.plan, peak=10 ** rng.uniform(-2.7, -2), decay="constant"))


FAULTS: dict[str, tuple[tuple[str, ...], Callable[[np.random.Generator], SftRun]]] = {
    "overfit": (("overfit", "memoris"), overfit),
    "diverging": ((*TOO_HIGH, "loss rises"), diverging),
    "gradient 0": (FROZEN, lambda rng: replace(healthy(rng), frozen=True)),
    "nan": (
        NAN,
        lambda rng: replace(healthy(rng), nan_from=rng.uniform(0.1, 0.9)),
    ),
}


def made(make: Callable[[np.random.Generator], SftRun]) -> Callable[[np.random.Generator], list[Record]]:
    """From a generator to the records of such a run."""
    return lambda rng: simulate(make(rng), rng)


KINDS = (
    Planted("sft/healthy", made(healthy), ("sft", "unknown"), HEALTHY, (), 100),
    *(Planted(f"sft/{name}", made(make), ("sft", "unknown"), SICK, words) for name, (words, make) in FAULTS.items()),
)
