"""The kinds of GRPO, RLOO and PPO runs: without a fault, and one for each fault, planted in the training itself."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tools.simulated_logs import groups, ppo
from tools.simulated_logs.answers import menu
from tools.simulated_logs.groups import NEW, OLD, GroupRun
from tools.simulated_logs.planted import FROZEN, HEALTHY, NAN, SICK, Planted
from tools.simulated_logs.ppo import VERL, PpoRun
from tools.simulated_logs.printing import Record

Generator = np.random.Generator
KL_UP = ("kl", "diverg")
ENTROPY = ("entropy", "collaps")
LONG = ("length", "longer")
FLOOR = ("floor", "lowest", "zero", "spread", "std", "never", "nothing earns", "no answer")


def grpo(rng: Generator, **changes: object) -> GroupRun:
    """A healthy GRPO run that prints all that TRL prints, with a weight on KL."""
    run = replace(groups.healthy(rng, "grpo"), names=dict(NEW), beta=float(rng.choice([0.001, 0.01, 0.04])))
    return replace(run, **changes)  # type: ignore[arg-type]


def either(rng: Generator, **changes: object) -> PpoRun:
    """A PPO run that is healthy but for these changes, in TRL's form or in verl's."""
    return replace(ppo.healthy(rng), **changes)  # type: ignore[arg-type]


def verl(rng: Generator, **changes: object) -> PpoRun:
    """As `either`, in verl's form."""
    return either(rng, names=dict(VERL), **changes)


def format_alone(rng: Generator) -> GroupRun:
    """Two rewards, and the answers that keep the format are mostly wrong."""
    listed = menu(rng, solved=0.5, rivalry=rng.uniform(2, 3))
    names, weights = dict((OLD, NEW)[rng.integers(2)]), (rng.uniform(0.02, 0.1), 2.0)
    return grpo(rng, listed=listed, weights=weights, judged=False, names=names, reach=rng.uniform(1.0, 2.0))


def far(rng: Generator) -> dict[str, object]:
    """A rate so high, and a KL so cheap, that answers win which the reference would hardly ever give."""
    return {"listed": menu(rng, spread=3.0, phrasings=4, copies=int(rng.integers(6, 13))), "reach": rng.uniform(6, 15)}


def decided(rng: Generator) -> dict[str, object]:
    """A rate at which the first lucky answers take all the probability."""
    return {"reach": rng.uniform(25, 60)}


def wordy(rng: Generator) -> dict[str, object]:
    """A reward model that likes length above all."""
    return {"listed": menu(rng, wordy=rng.uniform(2, 4), longest=12.0), "reach": rng.uniform(1.2, 2.2)}


def cut_off(rng: Generator) -> GroupRun:
    """A limit that hardly any answer keeps; what begins well earns something all the same."""
    return grpo(rng, listed=menu(rng, longest=0.4), weights=(1.0, 0.5), judged=False)


def hopeless(rng: Generator) -> GroupRun:
    """Not one answer in a thousand is right, and nothing else earns anything."""
    return grpo(rng, listed=menu(rng, solved=0.001), weights=(1.0, 0.0), judged=False)


def kl_explodes(rng: Generator) -> GroupRun:
    """GRPO far from its reference."""
    return grpo(rng, beta=0.001, judged=True, weights=(1.0, 0.0), **far(rng))


def entropy_gone(rng: Generator) -> GroupRun:
    """GRPO decided too soon."""
    return grpo(rng, prompts=4, group=4, beta=0.001, judged=False, **decided(rng))


def length_hacked(rng: Generator) -> GroupRun:
    """GRPO paid by the word."""
    return grpo(rng, judged=True, weights=(1.0, 0.0), **wordy(rng))


def floor(rng: Generator) -> PpoRun:
    """PPO whose every answer earns the lowest score."""
    run = ppo.healthy(rng)
    return replace(run, scores=np.full(run.listed.liked.shape, float(rng.choice([-1.0, 0.0]))))


SPREAD = ("spread", "std", "identical", "same reward", "all answers")
GROUP_FAULTS: dict[str, tuple[tuple[str, ...], Callable[[Generator], GroupRun]]] = {
    "no spread": (SPREAD, lambda rng: grpo(rng, constant=float(rng.choice([0.5, 1.0, 3.0])), weights=(1.0, 0.0))),
    "weights frozen": (FROZEN, lambda rng: grpo(rng, frozen=True)),
    "answers cut off": (("cut", "clipped", "truncat", "limit"), cut_off),
    "format without truth": (("format",), format_alone),
    "kl explodes": (KL_UP, kl_explodes),
    "kl negative": (("negative",), lambda rng: grpo(rng, kl_sign=-1)),
    "entropy gone": (ENTROPY, entropy_gone),
    "nan": (NAN, lambda rng: grpo(rng, nan_from=rng.uniform(0.1, 0.9))),
    "reward at its floor": (FLOOR, hopeless),
    "length hacked": (LONG, length_hacked),
}
PPO_FAULTS: dict[str, tuple[tuple[str, ...], Callable[[Generator], PpoRun]]] = {
    "weights frozen": (FROZEN, lambda rng: verl(rng, frozen=True)),
    "kl explodes": (KL_UP, lambda rng: either(rng, kl_coef=0.0, **far(rng))),
    "kl negative": (("negative",), lambda rng: either(rng, kl_sign=-1)),
    "entropy gone": (ENTROPY, lambda rng: either(rng, batch=8, kl_coef=0.0, **decided(rng))),
    "nan": (NAN, lambda rng: either(rng, nan_from=rng.uniform(0.1, 0.9))),
    "critic lost": (("critic", "explained", "value (function|head)"), lambda rng: verl(rng, lost_critic=True)),
    "reward at its floor": ((*FLOOR, "same"), floor),
    "length hacked": (LONG, lambda rng: verl(rng, **wordy(rng))),
}


def of_groups(make: Callable[[Generator], GroupRun]) -> Callable[[Generator], list[Record]]:
    """From a generator to the records of such a run."""
    return lambda rng: groups.simulate(make(rng), rng)


def of_ppo(make: Callable[[Generator], PpoRun]) -> Callable[[Generator], list[Record]]:
    """From a generator to the records of such a run."""
    return lambda rng: ppo.simulate(make(rng), rng)


KINDS = (
    Planted("grpo/healthy", of_groups(lambda rng: groups.healthy(rng, "grpo")), ("grpo",), HEALTHY, (), 100),
    Planted("rloo/healthy", of_groups(lambda rng: groups.healthy(rng, "rloo")), ("grpo",), HEALTHY, (), 100),
    Planted("ppo/healthy", of_ppo(ppo.healthy), ("ppo", "grpo"), HEALTHY, (), 100),
    *(Planted(f"grpo/{n}", of_groups(make), ("grpo",), SICK, words) for n, (words, make) in GROUP_FAULTS.items()),
    *(Planted(f"ppo/{n}", of_ppo(make), ("ppo", "grpo"), SICK, words) for n, (words, make) in PPO_FAULTS.items()),
)
