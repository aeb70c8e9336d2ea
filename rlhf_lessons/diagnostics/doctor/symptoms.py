"""Symptoms: what is wrong with the rewards, where several causes are possible. They are examined as in `checks`."""

from collections.abc import Callable

from rlhf_lessons.diagnostics.bars import GAP, LN2
from rlhf_lessons.diagnostics.doctor.examination import Examination
from rlhf_lessons.diagnostics.doctor.measures import mean_confidence
from rlhf_lessons.diagnostics.findings import Finding

HEDGING = 0.3  # healthy models of this course are at -0.2 and below: their annotators dislike hedging
COLLAPSED = 1e-4
# With 200 pairs a calibrated model has an ECE of 0.02 to 0.06 by chance.
LARGEST_ECE = 0.12


def collapsed(e: Examination) -> Finding | None:
    spread = float(e.pairs.rewards.std())
    if spread > COLLAPSED:
        return None
    evidence = f"all rewards are {float(e.pairs.rewards.mean()):.4g}, with a spread of {spread:.1g}"
    return Finding("collapse to a constant", evidence, ("a dead gradient", "a learning rate far too high"), 0.7)


def coin(e: Examination) -> Finding | None:
    interval = e.pairs.accuracy.interval
    if not interval.low <= 0.5 <= interval.high:
        return None
    evidence = f"accuracy on held-out pairs is {e.pairs.accuracy}, which a coin can reach too"
    return Finding("no better than a coin", evidence, ("too few test pairs", "features without signal"), 0.5)


def overfit(e: Examination) -> Finding | None:
    """Held-out pairs are ranked worse than training pairs; labels learned by heart, over the ceiling, do not count."""
    if e.train is None:
        return None
    if e.bars.agreement(e.train.accuracy.value) - e.bars.agreement(e.pairs.accuracy.value) < GAP:
        return None
    if e.train.accuracy.interval.low < e.pairs.accuracy.interval.high:
        return None
    evidence = f"accuracy is {e.train.accuracy} on {len(e.train)} training pairs, {e.pairs.accuracy} on held-out ones"
    evidence += e.bars.reachable
    return Finding("overfit", evidence, ("too few training pairs", "held-out pairs of another kind"), 0.65)


def miscalibrated(e: Examination) -> Finding | None:
    """Surer than it is right, or less sure. Bets that lose more than a coin's are too large, whatever their mean."""
    right, loss = e.pairs.accuracy, e.pairs.nll
    if right.interval.low <= 0.5 or (loss < LN2 and e.ece < LARGEST_ECE):
        return None
    sure = mean_confidence(e.bins)
    evidence = f"it is {sure:.0%} sure on average, and right on {right.value:.0%} of the held-out pairs; "
    evidence += f"held-out loss is {loss:.2f} (a guess costs ln 2 = 0.69), ECE {e.ece:.2f}"
    if loss < LN2 and sure < right.value:
        return Finding("underconfident", evidence, ("a bounded or clipped reward", "too few epochs"), 0.6)
    return Finding("overconfident", evidence, ("too many epochs", "a large head scale", "noisy labels"), 0.6)


def weak_on_policy(e: Examination) -> Finding | None:
    if e.policy is None:
        return None
    held_out, own = e.pairs.accuracy, e.policy.accuracy
    if e.bars.agreement(held_out.value) - e.policy_bars.agreement(own.value) < GAP:
        return None
    if e.policy_bars.agreement(own.interval.high) > e.bars.agreement(held_out.interval.low):
        return None
    evidence = f"accuracy falls from {held_out} to {own} on pairs of the policy's own answers{e.policy_bars.reachable}"
    return Finding("weak on the policy's samples", evidence, ("policy samples that are too alike to rank",), 0.7)


def likes_hedging(e: Examination) -> Finding | None:
    if not e.hedging > HEDGING:
        return None
    evidence = f"rewards and hedging words correlate by {e.hedging:.2f}: saying nothing definite pays"
    return Finding("hedging is rewarded", evidence, ("a kind of answer that hedges and is right",), 0.6)


SYMPTOMS: tuple[Callable[[Examination], Finding | None], ...] = (
    *(collapsed, coin, overfit, miscalibrated, weak_on_policy, likes_hedging),
)
