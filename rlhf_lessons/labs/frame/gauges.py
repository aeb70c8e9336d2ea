"""Single tests of a reward model, read off the doctor's report as gauges: strips with the healthy band marked."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rlhf_lessons.diagnostics.bars import GAP, READY_ACCURACY
from rlhf_lessons.diagnostics.doctor.checks import LOST
from rlhf_lessons.diagnostics.doctor.data_checks import MOST_DUPLICATES
from rlhf_lessons.diagnostics.doctor.examination import Examination
from rlhf_lessons.diagnostics.logs.rules.reward_model import FARTHER, SMALLEST_DRIFT
from rlhf_lessons.diagnostics.logs.trends import late
from rlhf_lessons.diagnostics.reward_report import RewardReport

LARGEST_ECE = 0.1
SMALLEST_MEAN_GRADIENT = 1e-7
Band = tuple[float, float]


@dataclass(frozen=True)
class Mark:
    """One measured value: its text, and its place on the strip from 0 to 1 (None where it was not measured)."""

    text: str
    at: float | None


@dataclass(frozen=True)
class Gauge:
    """What a test has shown: its marks, the healthy part of the strip (from, to), and what is healthy in words."""

    marks: tuple[Mark, ...]
    band: Band
    words: str


@dataclass(frozen=True)
class Test:
    """A test that can be ordered. about: what it measures; row: where the report's table says what is healthy."""

    __test__ = False  # pytest takes any class of this name for one of its own

    about: str
    row: str
    band: Callable[[Examination], Band]
    measure: Callable[[Examination], tuple[Mark, ...]]

    def read(self, report: RewardReport) -> Gauge:
        """The gauge of one reward model."""
        e = report.examination
        return Gauge(self.measure(e), self.band(e), f"healthy: {report.table().healthy[self.row]}")


def log_place(value: float, low: float, high: float) -> float:
    """Where a value stands on a logarithmic strip from `low` to `high`; what is beyond an end stands there."""
    return min(max(math.log(value / low) / math.log(high / low), 0.0), 1.0) if value > 0 else 0.0


def _share(name: str, value: float) -> Mark:
    if math.isnan(value):
        return Mark(f"{name} none".strip(), None)
    return Mark(f"{name} {value:.0%}".strip(), value)


def _drift(e: Examination) -> tuple[Mark, ...]:
    """How far both rewards moved together, in units of how far apart they lie; the doctor's bar is `FARTHER`."""
    assert e.log is not None, "every patient comes with its log"
    both = e.log.finite("reward_chosen", "reward_rejected")
    middle = [(chosen + rejected) / 2 for chosen, rejected in both]
    drift, margin = middle[-1] - middle[0], late([chosen - rejected for chosen, rejected in both])
    times = FARTHER * abs(drift) / max(SMALLEST_DRIFT, FARTHER * abs(margin))
    text = " to ".join(f"{round(value, 2) + 0.0:.2f}" for value in (drift, margin))  # never -0.00
    return (Mark(text, log_place(times, *_TIMES)),)


def _gradients(e: Examination) -> tuple[Mark, ...]:
    assert e.gradients is not None, "every patient comes with its model"
    means = sorted(e.gradients.mean_gradient)
    marks = [Mark("", log_place(value, *_GRADIENT)) for value in means]
    return (Mark(f"least {means[0]:.0e}" if means[0] else "least 0", marks[0].at), *marks[1:])


def _last_token(e: Examination) -> tuple[Mark, ...]:
    assert e.read_out is not None, "every patient comes with its model"
    change, spread = e.read_out.last_token, e.read_out.reward_std
    return (Mark(f"by {change:.2g}", log_place(change / spread if spread else 0.0, *_SPREAD)),)


def _head(e: Examination) -> tuple[Mark, ...]:
    assert e.head is not None, "every head of the bank is a linear layer"
    stds = {"now": e.head.reward_std, "moved": e.head.recentred_std}
    return tuple(Mark(f"{name} {std:.2g}", log_place(std / e.head.raw_std, *_SPREAD)) for name, std in stds.items())


def _accuracies(e: Examination) -> tuple[Mark, ...]:
    assert e.train is not None, "every patient comes with its training pairs"
    return _share("own", e.train.accuracy.value), _share("new", e.pairs.accuracy.value)


def _twins(e: Examination) -> tuple[Mark, ...]:
    assert e.with_twin is not None and e.without_twin is not None, "every patient comes with its training pairs"
    return _share("near", e.with_twin.value), _share("other", e.without_twin.value)


def _like_others(e: Examination) -> Band:
    assert e.without_twin is not None, "every patient comes with its training pairs"
    others = e.without_twin.value
    return (0.0, 0.0) if math.isnan(others) else (max(others - GAP, 0.0), min(others + GAP, 1.0))


def _seen(e: Examination) -> tuple[Mark, ...]:
    assert e.seen_pairs is not None, "every patient comes with its training pairs"
    return (_share("", e.seen_pairs.value),)


# The ends of the logarithmic strips.
_TIMES, _GRADIENT, _SPREAD = (1e-2, 1e3), (1e-9, 10.0), (1e-5, 10.0)


def _from(low: float) -> Callable[[Examination], Band]:
    return lambda _: (low, 1.0)


def _up_to(high: float) -> Callable[[Examination], Band]:
    return lambda _: (0.0, high)


TESTS: Mapping[str, Test] = {
    "accuracy": Test(
        "on its training pairs, on new ones",
        "accuracy, held out (95 % interval)",
        lambda e: (e.bars.accuracy(READY_ACCURACY), 1.0),
        _accuracies,
    ),
    "drift, margin": Test(
        "moved together, and apart",
        "drift of both rewards, late margin",
        _up_to(log_place(FARTHER, *_TIMES)),
        _drift,
    ),
    "calibration": Test(
        "how sure, against how right",
        "calibration error (ECE)",
        _up_to(LARGEST_ECE),
        lambda e: (Mark(f"ECE {e.ece:.2f}", min(e.ece, 1.0)),),
    ),
    "length": Test(
        "the better one is longer, shorter",
        "accuracy where the better is longer",
        _from(0.5),
        lambda e: (_share("long", e.longer_chosen.value), _share("short", e.shorter_chosen.value)),
    ),
    "gradients": Test(
        "mean size in each group of weights",
        "mean |gradient|, head",
        _from(log_place(SMALLEST_MEAN_GRADIENT, *_GRADIENT)),
        _gradients,
    ),
    "last token": Test(
        "rewards move when it is replaced",
        "largest change, last token replaced",
        _from(log_place(LOST, *_SPREAD)),
        _last_token,
    ),
    "head at 0": Test(
        "spread of rewards, head moved",
        "reward std with the head moved to 0",
        _from(log_place(LOST, *_SPREAD)),
        _head,
    ),
    "twins": Test(
        "nearly asked in training, and other",
        "accuracy on near twins",
        _like_others,
        _twins,
    ),
    "seen before": Test(
        "test pairs that training has seen",
        "test pairs seen in training",
        _up_to(MOST_DUPLICATES),
        _seen,
    ),
    "same twice": Test(
        "pairs whose answers read the same",
        "pairs identical when read",
        _up_to(MOST_DUPLICATES),
        lambda e: (_share("", e.identical.value),),
    ),
}
