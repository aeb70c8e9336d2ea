"""The bars that an accuracy or a loss has to pass, and how they follow the best that anybody could reach.

Where people disagree, no judge agrees with all of them. If the labels of pairs name the better answer with probability
c, the *ceiling*, a judge that finds it in a share a of the pairs agrees with a c + (1 - a)(1 - c) of the labels,
which is 0.5 + (a - 0.5)(2 c - 1), provided that it errs no more often where people do. So every bar is set for labels
without noise, c = 1, and moves with the ceiling by that rule.
"""

import math
from dataclasses import dataclass
from numbers import Real

from rlhf_lessons.refusals import shown

LN2 = math.log(2)
READY_ACCURACY = 0.7
# Two accuracies of one model on pairs that should be alike: further apart is no chance where their intervals part.
GAP = 0.15
STILL_HIGH = 0.55  # a loss above this has hardly left ln 2 = 0.693
# How many of their pairs people agree on with each other. Bai et al. 2022: about 63 %; Ouyang et al. 2022:
# 72.6 +- 1.5 %; Stiennon et al. 2020: 73 to 77 %, among labellers and with researchers.
PEOPLE_AGREE = (0.63, 0.77)


@dataclass(frozen=True)
class Bars:
    """The bars for pairs on which at best `ceiling` of the labels can be met, over 0.5 and at most 1; None: unknown.

    Raises ValueError for another ceiling. `name` is what its one line calls it.
    """

    ceiling: float | None = None
    name: str = "ceiling"

    def __post_init__(self) -> None:
        given = self.ceiling
        if given is None:
            return
        if isinstance(given, bool) or not isinstance(given, Real) or not 0.5 < given <= 1:
            raise ValueError(f"{self.name}: {shown(given)} is not allowed; it must be a number over 0.5, at most 1")

    @property
    def _slope(self) -> float:
        return 1.0 if self.ceiling is None else 2 * self.ceiling - 1

    def accuracy(self, bar: float) -> float:
        """The accuracy against these labels of a judge who finds the better answer in a share `bar` of the pairs."""
        return 0.5 + (bar - 0.5) * self._slope

    def agreement(self, accuracy: float) -> float:
        """The inverse of `accuracy`, at most 1: what goes over the ceiling is luck, or labels learned by heart."""
        return min(0.5 + (accuracy - 0.5) / self._slope, 1.0)

    def fall(self, nats: float) -> float:
        """So much of the way from ln 2 to the entropy of `ceiling` as `nats` is of the way to 0.

        The best loss is the mean entropy of the labels, and so at most the entropy of `ceiling` (Jensen's inequality).
        """
        left = 0.0 if self.ceiling is None else entropy(self.ceiling) / LN2
        return nats * (1 - left)

    def loss(self, bar: float) -> float:
        """`bar`, a loss in nats, moved so that the share of the way down from ln 2 stays: see `fall`."""
        return LN2 - self.fall(LN2 - bar)

    @property
    def reachable(self) -> str:
        """What to write behind an accuracy: nothing where no ceiling is known."""
        return "" if self.ceiling is None else f", of {self.ceiling:.1%} that anybody could reach"

    @property
    def advice(self) -> str:
        """What to write behind an accuracy that is too low: nothing where a ceiling is known."""
        return " (for labels without noise; give `ceiling` where people disagree)" if self.ceiling is None else ""


NO_CEILING = Bars()


def entropy(share: float) -> float:
    """The entropy of a coin that falls heads in this share of throws, in nats: what its label costs at least."""
    return -sum(p * math.log(p) for p in (share, 1 - share) if p > 0)


def highest_ceiling(agreement: float) -> float:
    """The highest ceiling of pairs on which two annotators agree in a share `agreement`, from 0.5 to 1.

    With the better answer named with probability q they agree with probability 1 - 2 q (1 - q), convex in q; so the
    mean of q, the ceiling, is at most what solves it for the mean agreement.
    """
    return (1 + math.sqrt(2 * agreement - 1)) / 2
