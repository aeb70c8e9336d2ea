"""How far two people, or one person twice, agree on pairs: Cohen's kappa (1960), which takes chance away.

No library at hand has it: SciPy does not, and scikit-learn would be a large guest for five lines.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from rlhf_lessons.statistics.intervals import Interval
from rlhf_lessons.statistics.shares import Share

LEAST = 10  # pairs, for an interval that says anything

Opinion = Literal["first", "second", "tie"]  # of a pair: the better answer
TURNED: Mapping[Opinion, Opinion] = {"first": "second", "second": "first", "tie": "tie"}
PairKey = TypeVar("PairKey", bound=Hashable)


@dataclass(frozen=True)
class Agreement:
    """How far two people, or one person twice, say the same of the `n` pairs that both have judged.

    kappa: Cohen's, with its 95 % interval; None where pairs are too few, or both call every pair a tie.
    """

    n: int
    alike: int
    kappa: Interval | None

    def __str__(self) -> str:
        if not self.n:
            return "no pair yet"
        missing = f"too few for kappa, which takes {LEAST}" if self.n < LEAST else "ties alone, so no kappa"
        return f"{self.alike} of {self.n} alike, " + (f"kappa {self.kappa:.2f}" if self.kappa else missing)


def agreement(a: Mapping[PairKey, Opinion], b: Mapping[PairKey, Opinion]) -> Agreement:
    """Agreement on the pairs that stand in both; a tie is a category like the others.

    Which answer of a pair is called its first is arbitrary. So every pair counts in both orders, and kappa does not
    depend on the order; n counts each once. The interval is Wilson's for the share alike, put into `kappa` with the
    share by chance held fixed, as Cohen's standard error of 1960 holds it; for few pairs Wilson's is the better one.
    """
    both = [(a[pair], b[pair]) for pair in a if pair in b]
    share = Share(sum(x == y for x, y in both), len(both))
    ordered = both + [(TURNED[x], TURNED[y]) for x, y in both]
    chance = by_chance(*zip(*ordered, strict=True)) if both else 1.0
    if share.n < LEAST or chance == 1:
        return Agreement(share.n, share.hits, None)
    wilson = share.interval
    return Agreement(
        share.n, share.hits, Interval(*(kappa(end, chance) for end in (share.value, wilson.low, wilson.high)))
    )


def by_chance(a: Sequence[str], b: Sequence[str]) -> float:
    """p_e, the share on which two people agree by chance: the sum over categories c of p_a(c) p_b(c). Cohen 1960.

    a, b: what each says of the same N things, N from 1 up.
    """
    counts = Counter(b)
    return sum(n * counts[category] for category, n in Counter(a).items()) / (len(a) * len(b))


def kappa(observed: float, expected: float) -> float:
    """Cohen's kappa, (p_o - p_e) / (1 - p_e): agreement beyond chance; 1 is perfect, 0 is chance. Cohen 1960.

    observed: the share on which two people agree, p_o. expected: that by chance, p_e, under 1.
    """
    return (observed - expected) / (1 - expected)
