"""The kinds of DPO, KTO and ORPO runs: without a fault, and one for each fault, planted in the training itself."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tools.simulated_logs.planted import ANY, FROZEN, HEALTHY, NAN, SICK, SUMMED, TOO_HIGH, Planted
from tools.simulated_logs.preference import KTO, NEW_TRL, ORPO, PreferenceRun, healthy, simulate
from tools.simulated_logs.printing import Record, plan

Generator = np.random.Generator
Fault = Callable[[Generator], PreferenceRun]


def full(rng: Generator, method: str = "sigmoid", **changes: object) -> PreferenceRun:
    """A healthy run that prints all that TRL prints, with 200 pairs or more held out."""
    run = replace(healthy(rng, method), held_out=int(rng.choice([200, 300])), smoothing=0.0)
    run = replace(run, names=dict({"kto": KTO, "orpo": ORPO}.get(method, NEW_TRL)))
    return replace(run, **changes)  # type: ignore[arg-type]


def dpo(rng: Generator) -> PreferenceRun:
    """A healthy DPO run with one of its three losses."""
    return healthy(rng, str(rng.choice(["sigmoid", "sigmoid", "hinge", "ipo"])))


def displaced(rng: Generator) -> PreferenceRun:
    """A small beta and a rate that moves answers by their own size, on pairs that are easy to tell apart.

    Loss, accuracy and margin improve, on held-out pairs too; but the model no longer writes the chosen answers either.
    """
    run = full(rng, moved=rng.uniform(1.5, 2.5), beta=float(rng.choice([0.01, 0.02, 0.03])), repeats=rng.uniform(4, 12))
    steps, batch = int(rng.integers(80, 140)), 16
    cut = replace(plan(rng, steps, 1, peak=10 ** rng.uniform(-4.3, -3.3)), averaged=True)
    run = replace(run, strength=rng.uniform(8, 30), off_policy=0.2, memory=64)
    return replace(run, plan=cut, batch=batch, n_pairs=steps * batch)


def unstable(rng: Generator) -> PreferenceRun:
    """Two to four pairs a step, at a rate at which each step moves answers far."""
    steps, batch = int(rng.integers(80, 200)), int(rng.choice([2, 4]))
    run = full(rng, beta=0.1, repeats=rng.uniform(10, 25), moved=rng.uniform(3, 10), batch=batch, n_pairs=steps * batch)
    rate = replace(plan(rng, steps, 1, peak=10 ** rng.uniform(-4.3, -3)), averaged=False, warm_up=0.0)
    return replace(run, plan=rate)


def memorised(rng: Generator) -> PreferenceRun:
    """A few dozen pairs, seen 15 to 40 times."""
    n_pairs, batch = int(rng.integers(16, 48)), 8
    epochs = int(rng.integers(15, 41))
    steps = n_pairs // batch * epochs
    run = full(rng, beta=float(rng.choice([0.1, 0.2])), repeats=rng.uniform(8, 20), moved=rng.uniform(0.05, 0.2))
    long = replace(plan(rng, steps, epochs, peak=10 ** rng.uniform(-5.3, -4.3)), averaged=True)
    held_out = int(rng.choice([0, 200]))
    return replace(run, plan=long, n_pairs=n_pairs, batch=batch, held_out=held_out, memory=64)


def longer(rng: Generator) -> PreferenceRun:
    """Rejected answers three to six times as long as the chosen ones."""
    return full(rng, length_ratio=rng.uniform(3, 6), repeats=rng.uniform(3, 12))


FAULTS: dict[str, tuple[str, tuple[str, ...], Fault]] = {
    "displacement": (SICK, ("displace", "chosen.{0,60}(fall|fell|drop|sink|less likely)"), displaced),
    "unstable": (SICK, TOO_HIGH, unstable),
    "memorised": (SICK, ("memoris", "overfit"), memorised),
    "gradient 0": (SICK, FROZEN, lambda rng: full(rng, frozen=True)),
    "reference is the policy": (
        SICK,
        ("reference", "same model", "exactly 0"),
        lambda rng: full(rng, same_reference=True),
    ),
    "rejected longer": (SICK, ("length", "longer", "shorter"), longer),
    "nan": (
        SICK,
        NAN,
        lambda rng: full(rng, nan_from=rng.uniform(0.1, 0.9)),
    ),
    "loss summed": (
        ANY,
        SUMMED,
        lambda rng: full(rng, loss_factor=float(rng.choice([2, 4, 8]))),
    ),
}


def made(fault: Fault) -> Callable[[Generator], list[Record]]:
    """From a generator to the records of a run with this fault."""
    return lambda rng: simulate(fault(rng), rng)


KINDS = (
    Planted("dpo/healthy", made(dpo), ("dpo",), HEALTHY, (), 100),
    Planted("kto/healthy", made(lambda rng: healthy(rng, "kto")), ("kto",), HEALTHY, (), 100),
    Planted("orpo/healthy", made(lambda rng: healthy(rng, "orpo")), ("orpo",), HEALTHY, (), 100),
    *(Planted(f"dpo/{name}", made(fault), ("dpo",), state, words) for name, (state, words, fault) in FAULTS.items()),
)
