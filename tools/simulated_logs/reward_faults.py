"""The kinds of reward-model runs: one without a fault, and one for each fault, planted in the training itself."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tools.simulated_logs.planted import ANY, EARLY, FROZEN, HEALTHY, NAN, SICK, SUMMED, TOO_HIGH, Planted
from tools.simulated_logs.printing import Record, plan
from tools.simulated_logs.reward_model import OPENRLHF, TRL, RewardRun, healthy, simulate

READ_AS = ("reward_model",)
Generator = np.random.Generator
Fault = Callable[[Generator], RewardRun]


def full(rng: Generator, **changes: object) -> RewardRun:
    """A healthy run that prints all that TRL prints, with some 300 pairs or more held out."""
    run = replace(healthy(rng), names=dict(TRL), held_out=int(rng.choice([300, 500, 1000, 2000])))
    return replace(run, **changes)  # type: ignore[arg-type]


def long(rng: Generator, n_pairs: int, width: int, steps: int, batch: int, power: float, reach: float) -> RewardRun:
    """A run that sees few pairs many times."""
    epochs = steps * batch / n_pairs
    return full(
        rng,
        plan=replace(plan(rng, steps, epochs, peak=10 ** rng.uniform(-5.3, -4.3)), warm_up=0.03, averaged=True),
        **{"n_pairs": n_pairs, "width": width, "batch": batch, "power": power, "reach": reach, "adam": True},
    )


def overfit(rng: Generator) -> RewardRun:
    """Two pairs to a feature, seen 6 to 20 times with weights free to move far."""
    n_pairs = int(rng.integers(400, 1000))
    batch = int(rng.choice([16, 32]))
    steps = int(min(rng.uniform(6, 20) * n_pairs / batch, 900))
    return long(rng, n_pairs, n_pairs // 2, steps, batch, power=0.5, reach=rng.uniform(8, 16))


def memorised(rng: Generator) -> RewardRun:
    """More features than pairs: every label is learned by heart."""
    n_pairs = int(rng.integers(60, 250))
    batch = int(rng.choice([8, 16]))
    steps = int(rng.uniform(15, 40) * n_pairs / batch)
    return long(rng, n_pairs, 3 * n_pairs, steps, batch, power=0.3, reach=rng.uniform(3, 6))


def slow(rng: Generator) -> RewardRun:
    """A learning rate a few thousand times too small."""
    run = full(rng)
    return replace(run, reach=run.reach / 3000, plan=replace(run.plan, peak=10 ** rng.uniform(-9.3, -8)))


def diverging(rng: Generator) -> RewardRun:
    """Adam at a rate of which a few steps are as long as the way to the true weights."""
    run = full(rng, adam=True)
    run = replace(run, batch=min(run.batch, 32))
    reach = run.plan.factors().sum() * min(1.0, 0.2 * np.sqrt(run.batch)) * rng.uniform(2, 8)
    return replace(run, reach=reach, plan=replace(run.plan, peak=10 ** rng.uniform(-3.3, -2), decay="constant"))


def easy(rng: Generator, **changes: object) -> RewardRun:
    """Pairs whose better answer a rule decides: a reward model ranks nearly all of them right."""
    run = full(rng, strength=rng.uniform(12, 30), seen=0.9999, width=8, reach=rng.uniform(0.6, 1.2), adam=True)
    steady = replace(run.plan, decay="linear")
    return replace(run, batch=max(run.batch, 16), plan=steady, **changes)  # type: ignore[arg-type]


def early(rng: Generator) -> RewardRun:
    """The first twentieth of a run, in its warm-up."""
    run = full(rng)
    steps, every = 20 * run.plan.steps, int(rng.choice([1, 5, 10]))
    cut = replace(run.plan, steps=steps, stop=0.05, warm_up=0.1, every=every, evaluate_every=steps)
    return replace(run, plan=cut, names=dict(TRL), reach=run.reach, random_head=rng.uniform(0.05, 0.4))


def with_names(rng: Generator, **changes: object) -> RewardRun:
    """A healthy run in a form that prints the reward of both answers or their mean."""
    return full(rng, names=dict((TRL, OPENRLHF)[rng.integers(2)]), **changes)


FAULTS: dict[str, tuple[str, tuple[str, ...], Fault]] = {
    "healthy": (HEALTHY, (), healthy),
    "label smoothing's floor": (HEALTHY, (), lambda rng: easy(rng, smoothing=rng.choice([0.05, 0.1]))),
    "too early": (EARLY, ("early", "warm", "too few"), early),
    "overfit": (SICK, ("overfit", "memoris"), overfit),
    "memorised": (SICK, ("memoris", "overfit"), memorised),
    "held-out labels swapped": (
        SICK,
        ("swap", "invert", "flipped", "coin", "wrong way", "other way round", "mislabel", "turned round"),
        lambda rng: full(rng, swapped=True),
    ),
    "wrong-way update": (SICK, ("wrong way", "wrong-way", "sign of", "ascent"), lambda rng: full(rng, sign=-1)),
    "rate too small": (SICK, ("learning rate.{0,20}(small|low)", "chance", "hardly moves", "nothing is learned"), slow),
    "diverging": (SICK, TOO_HIGH, diverging),
    "collapsed to a constant": (
        SICK,
        ("collaps", "constant", "same reward", "identical", "one value"),
        lambda rng: full(rng, collapse_from=rng.uniform(0.1, 0.6)),
    ),
    "level drifts": (
        SICK,
        ("drift", "level of", "shift", "centre", "center"),
        lambda rng: with_names(rng, level=rng.uniform(150, 400), adam=True),
    ),
    "nan": (
        SICK,
        NAN,
        lambda rng: full(rng, nan_from=rng.uniform(0.05, 0.9), nan_filtered=bool(rng.random() < 0.5)),
    ),
    "loss summed": (
        ANY,
        SUMMED,
        lambda rng: full(rng, loss_factor=float(rng.choice([2, 4, 8, 16]))),
    ),
    "bounded head": (ANY, ("bound", "tanh", "sigmoid head", "squash", "saturat"), lambda rng: bounded(rng)),
    "gradient 0": (SICK, FROZEN, lambda rng: full(rng, frozen=True)),
    "accuracy is a sum": (ANY, ("sum", "never divided", "not divided"), lambda rng: full(rng, accuracy="sum")),
    "accuracy reversed": (
        SICK,
        ("coin", "invert", "reversed", "other way round", "wrong way", "swap", "turned round"),
        lambda rng: full(rng, accuracy="reversed"),
    ),
}


def bounded(rng: Generator) -> RewardRun:
    """Rewards that a tanh or a sigmoid keeps within bounds, on pairs that ask for more."""
    return easy(rng, head=str(rng.choice(["tanh", "sigmoid"])), prompts=0.2, level=0.0)


def made(fault: Fault) -> Callable[[Generator], list[Record]]:
    """From a generator to the records of a run with this fault."""
    return lambda rng: simulate(fault(rng), rng)


KINDS = tuple(
    Planted(f"rm/{name}", made(fault), READ_AS, state, words, 200 if name == "healthy" else 50)
    for name, (state, words, fault) in FAULTS.items()
)
