"""What is planted in a simulated run, and how a reader is held to it."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tools.simulated_logs.printing import Record

HEALTHY, SICK, EARLY, ANY = "healthy", "sick", "cannot tell", "any"
NAN = ("nan", "not a number", "not finite", "no number")
FROZEN = ("grad_norm", "gradient", "frozen")
TOO_HIGH = ("diverg", "unstable", "spik", "leap", "swing", "learning rate.{0,20}(high|large|big)")
SUMMED = ("accumul", "summed", "times ln 2", "x ln 2")


@dataclass(frozen=True)
class Planted:
    """A kind of run: its name ("rm/overfit"), how it is made, and the truth.

    simulate: records from a generator; read_as: the kinds of run that a reader may take it for; words: regular
    expressions, of which the finding that names the fault must hold one, in lower case, where a word begins; state:
    what a reader should say ("any": naming the fault is enough, for it damages what is printed or is a matter of
    taste); runs: how many are simulated.
    """

    name: str
    simulate: Callable[[np.random.Generator], list[Record]]
    read_as: tuple[str, ...]
    state: str = SICK
    words: tuple[str, ...] = ()
    runs: int = 50

    def records(self, seed: int) -> list[Record]:
        """The log of this kind with this seed; the same on every call."""
        return self.simulate(np.random.default_rng([zlib.crc32(self.name.encode()), seed]))
