"""What the doctor concludes: one check a cause, from measurements to a finding, or None.

A check looks for what only its cause does. Where two causes change the same numbers, the table `CAUSES` at the end
says which of them is to be ruled out first. Facts about the data and experiments on the model prove more than
curves do, and curves prove more than a symptom that many causes share; the strengths of the findings say so.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from rlhf_lessons.diagnostics.bars import LN2, STILL_HIGH
from rlhf_lessons.diagnostics.doctor import causes
from rlhf_lessons.diagnostics.doctor.data_checks import FEWEST_OF_A_KIND, identical_pairs, leak
from rlhf_lessons.diagnostics.doctor.examination import Examination
from rlhf_lessons.diagnostics.doctor.probes import HeadProbe
from rlhf_lessons.diagnostics.findings import Finding
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.rules import any_run
from rlhf_lessons.diagnostics.logs.rules import reward_model as rules
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, change, late

# What float32 keeps: a spread a thousandth of what went in is lost for training, whatever its sign.
LOST = 1e-3
# A mean loss this far above ln 2 takes many pairs about which the model is sure and wrong. No head of the usual
# scale starts there (its margins are under one), and no small step leads there.
SURE_AND_WRONG = LN2 + 0.4
# The loss of a batch of 50 pairs varies by about this much without any learning.
LARGEST_STANDSTILL = 0.1
# Adam divides by the gradient's size plus 1e-8: above this it still steps at full length.
SMALLEST_GRADIENT = 1e-6


def not_a_number(e: Examination) -> Finding | None:
    broken = int((~e.pairs.rewards.isfinite()).sum())
    if not broken:
        return None
    evidence = f"{broken} of {len(e.pairs.rewards)} rewards are NaN or infinite"
    return Finding(any_run.DIVERGENCE, evidence, ("a learning rate too high", "a division by 0"), 0.99)


def diverged(e: Examination) -> Finding | None:
    return any_run.divergence(e.log) if e.log else None


def normalised(e: Examination) -> Finding | None:
    head = _head_that_loses_its_spread(e)
    if head is None or head.recentred_std > LOST * head.raw_std:
        return None
    return Finding(
        causes.NORMALISED,
        f"the head's outputs spread by {head.raw_std:.2g}, the rewards by {head.reward_std:.1g}, and moving the "
        f"head to 0 brings nothing back; layer normalisation of one number is always constant{_dead(e)}",
        ("a final layer that ignores its input",),
        0.96,
    )


def saturated(e: Examination) -> Finding | None:
    head = _head_that_loses_its_spread(e)
    if head is None or head.recentred_std <= LOST * head.raw_std:
        return None
    return Finding(
        causes.SATURATED,
        f"the head's outputs are {head.raw_mean:.1f} give or take {head.raw_std:.2g}, the rewards spread by "
        f"{head.reward_std:.1g}; with the head moved to 0 they spread by {head.recentred_std:.2g}{_dead(e)}",
        ("a clip of the reward",),
        0.96,
    )


def _head_that_loses_its_spread(e: Examination) -> HeadProbe | None:
    """The probe of a head whose outputs differ while the rewards made of them do not."""
    lost = e.head is not None and e.head.raw_std > 1e-6 and e.head.reward_std < LOST * e.head.raw_std
    return e.head if lost else None


def _dead(e: Examination) -> str:
    if e.gradients is None:
        return ""
    return f"; the largest gradient anywhere is {e.gradients.largest_gradient.max():.1g}"


def wrong_way(e: Examination) -> Finding | None:
    return rules.wrong_way_update(e.log) if e.log else None


def inverted(e: Examination) -> Finding | None:
    if not e.pairs.accuracy.interval.high < 0.5:
        return None
    evidence = f"accuracy on held-out pairs is {e.pairs.accuracy}, significantly under a coin's"
    if e.train is None:
        return Finding(causes.INVERTED, evidence, ("a step that climbs the loss",), 0.7)
    if e.train.accuracy.interval.low < 0.5:
        return None
    return Finding(
        causes.INVERTED, f"{evidence}, but {e.train.accuracy} on the training pairs: it learned the reverse", (), 0.95
    )


def drift(e: Examination) -> Finding | None:
    in_log = rules.common_mode_drift(e.log) if e.log else None
    if in_log is None:
        return None
    evidence = f"{in_log.evidence}; measured here, that gradient is {e.shift:.1g}"
    return Finding(in_log.name, evidence, in_log.alternatives, 0.93)


def read_out(e: Examination) -> Finding | None:
    probe = e.read_out
    if probe is None or probe.reward_std < 1e-6:
        return None
    small = LOST * probe.reward_std
    if probe.padding > small:
        evidence = f"replacing the padding moves rewards by up to {probe.padding:.2g}: it reads behind the end"
    elif probe.last_token <= small:
        evidence = f"replacing the last token moves no reward (spread {probe.reward_std:.2g}): it reads before the end"
    else:
        return None
    return Finding(causes.READ_OUT, evidence, ("pooling over other tokens than the answer's",), 0.94)


def length_shortcut(e: Examination) -> Finding | None:
    liked, disliked = sorted((e.longer_chosen, e.shorter_chosen), key=lambda share: -share.value)
    if min(liked.n, disliked.n) < FEWEST_OF_A_KIND or liked.interval.low < 0.5 or disliked.interval.high > 0.5:
        return None
    likes = "longer" if liked is e.longer_chosen else "shorter"
    return Finding(
        causes.LENGTH,
        f"it prefers the {likes} answer: accuracy is {liked} where that is the better one, and {disliked} where it "
        f"is the worse one; reward and length correlate by {e.length:.2f}",
        ("a word that comes with length",),
        0.92,
    )


def rate_high(e: Examination) -> Finding | None:
    loss = e.log.values("loss") if e.log else []
    if e.log is None or len(loss) < FEWEST_POINTS or loss[0] > SURE_AND_WRONG:
        return None
    moved = _movement(e.log)
    lockstep = moved > 1 and rules.collapse_to_a_constant(e.log) is not None
    if max(loss) < SURE_AND_WRONG and not lockstep:
        return None
    return Finding(
        causes.RATE_HIGH,
        f"the loss starts at {loss[0]:.2f}, where a fresh head should, leaps to {max(loss):.3g} and ends at "
        f"{late(loss):.2f}; meanwhile both rewards moved by up to {moved:.3g} together",
        ("gradients that are not clipped", "a batch of mislabelled pairs"),
        0.92,
    )


def rate_low(e: Examination) -> Finding | None:
    loss = e.log.values("loss") if e.log else []
    if len(loss) < FEWEST_POINTS or late(loss) < e.bars.loss(STILL_HIGH) or abs(change(loss)) > LARGEST_STANDSTILL:
        return None
    evidence = f"the loss goes from {loss[0]:.3f} to {loss[-1]:.3f} in {len(loss)} rows"
    if e.gradients is not None:
        largest = e.gradients.largest_gradient
        if float(largest.max()) < SMALLEST_GRADIENT:
            return None
        evidence += f", though gradients arrive in every part (the smallest of the largest is {largest.min():.1g})"
    return Finding(causes.RATE_LOW, evidence, ("too few steps", "features without signal"), 0.85)


def _movement(log: Log) -> float:
    """The largest distance of the mean of both rewards from its first value."""
    middle = [(chosen + rejected) / 2 for chosen, rejected in log.finite("reward_chosen", "reward_rejected")]
    return max((abs(value - middle[0]) for value in middle), default=0.0)


def large_head(e: Examination) -> Finding | None:
    loss = e.log.values("loss") if e.log else []
    if not loss or loss[0] < SURE_AND_WRONG:
        return None
    return Finding(
        causes.LARGE_HEAD,
        f"the first loss, before any step, is {loss[0]:.2f}: a fresh head knows nothing and should cost ln 2; "
        f"now the margins spread by {float(e.pairs.margins.std()):.1f} and the held-out loss is {e.pairs.nll:.2f}",
        ("training that went on from an earlier model", "a log that begins late"),
        0.94,
    )


@dataclass(frozen=True)
class Check:
    """How a cause is recognised, and the causes (keys of `CAUSES`) that rule it out where they are found.

    Such a cause explains the same numbers, and has evidence of its own besides.
    """

    examine: Callable[[Examination], Finding | None]
    unless: tuple[str, ...] = ()


CAUSES: Mapping[str, Check] = {
    causes.NOT_A_NUMBER: Check(not_a_number),
    any_run.DIVERGENCE: Check(diverged, unless=(causes.NOT_A_NUMBER, causes.WRONG_WAY, causes.RATE_HIGH)),
    causes.IDENTICAL: Check(identical_pairs),
    causes.LEAK: Check(leak),
    causes.NORMALISED: Check(normalised),
    causes.SATURATED: Check(saturated),
    causes.WRONG_WAY: Check(wrong_way),
    causes.INVERTED: Check(inverted, unless=(causes.WRONG_WAY, causes.LENGTH)),
    causes.DRIFT: Check(drift, unless=(causes.RATE_HIGH, causes.LARGE_HEAD)),
    causes.READ_OUT: Check(read_out),
    # An untrained head prefers one length or the other by chance.
    causes.LENGTH: Check(length_shortcut, unless=(causes.RATE_LOW,)),
    causes.RATE_HIGH: Check(rate_high, unless=(causes.WRONG_WAY,)),
    causes.RATE_LOW: Check(
        rate_low, unless=(causes.IDENTICAL, causes.NORMALISED, causes.SATURATED, causes.WRONG_WAY, causes.RATE_HIGH)
    ),
    causes.LARGE_HEAD: Check(large_head, unless=(causes.WRONG_WAY,)),
}


def find_causes(e: Examination) -> list[Finding]:
    """The findings of all checks that are not ruled out, in the order of `CAUSES`."""

    @cache
    def find(cause: str) -> Finding | None:
        check = CAUSES[cause]
        return None if any(map(find, check.unless)) else check.examine(e)

    return [finding for cause in CAUSES if (finding := find(cause))]
