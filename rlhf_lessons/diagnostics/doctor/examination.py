"""All measurements of one reward function, before any conclusion."""

from dataclasses import dataclass

import pandas as pd

from rlhf_lessons.diagnostics.bars import NO_CEILING, Bars
from rlhf_lessons.diagnostics.doctor.measures import ScoredPairs
from rlhf_lessons.diagnostics.doctor.probes import HeadProbe, ReadOutProbe
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.statistics.shares import Share


@dataclass(frozen=True)
class Examination:
    """All that was measured; None where it could not be (no model, no training pairs, no log).

    pairs, train, policy: held-out pairs, training pairs, and pairs of the policy's own answers, scored.
    bins, ece: reliability and calibration error. length, hedging: correlations with the reward.
    longer_chosen, shorter_chosen: accuracy where the better answer has more words, and where it has fewer.
    identical: pairs whose two answers are the same text.
    shift: the loss's gradient along a constant added to all rewards.
    seen_pairs, seen_prompts: held-out pairs, or their prompts, that training has seen.
    with_twin, without_twin: accuracy where training has asked the same or nearly the same (`twins`), and elsewhere.
    bars, policy_bars: what `pairs` and `policy` have to reach.
    """

    pairs: ScoredPairs
    bins: pd.DataFrame
    ece: float
    length: float
    hedging: float
    longer_chosen: Share
    shorter_chosen: Share
    identical: Share
    shift: float
    train: ScoredPairs | None = None
    seen_pairs: Share | None = None
    seen_prompts: Share | None = None
    with_twin: Share | None = None
    without_twin: Share | None = None
    policy: ScoredPairs | None = None
    gradients: pd.DataFrame | None = None
    head: HeadProbe | None = None
    read_out: ReadOutProbe | None = None
    log: Log | None = None
    bars: Bars = NO_CEILING
    policy_bars: Bars = NO_CEILING
