"""Alarms for a PPO run. They read only what its trainer can see, so no alarm reads the gold score.

Each rule reads a run's records and says at which update it first holds, and on what evidence. Three of the rules stand
for the challenges of the source document (C24, C25, C26); each of the others watches one metric. Single updates are
noisy, so the rules read means over five updates (`SMOOTH`). Only the first update is read alone: its answers are the
SFT model's. The thresholds suit this course's models: they lie between the values of healthy policies and those of sick
ones in exploratory runs. Notebook 06 counts how often the alarms are wrong.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from rlhf_lessons.diagnostics.findings import Finding
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.metrics import METRICS

SMOOTH = 5
Rule = Callable[[pd.DataFrame], "tuple[int, str] | None"]  # records -> (update, evidence), or None for quiet

WEAK_SIGNAL, SHIFT, COLLAPSE = "weak reward signal", "distribution shift", "reward collapse"


@dataclass(frozen=True)
class Alarm:
    """A rule with its reasons. `claim` is the challenge of the source document that it stands for, or empty."""

    name: str
    metrics: tuple[str, ...]
    rule: str
    why: str
    check: Rule
    claim: str = ""

    def ring(self, records: pd.DataFrame) -> Finding | None:
        """The alarm's finding on these records, or None. If one of its metrics was not recorded, it stays quiet."""
        if not set(self.metrics) <= set(records) or not records[list(self.metrics)].notna().any().all():
            return None
        first = self.check(records)
        return Finding(self.name, f"from update {first[0]} on, {first[1]}") if first else None


def ringing(records: Iterable[Record] | pd.DataFrame) -> list[Finding]:
    """The findings of all alarms that ring, the three challenges first."""
    frame = records if isinstance(records, pd.DataFrame) else pd.DataFrame(list(records))
    return [finding for alarm in ALARMS if (finding := alarm.ring(frame))]


def rules() -> pd.DataFrame:
    """One row an alarm: the claim it stands for, its rule with the threshold, and why."""
    rows = {alarm.name: (alarm.claim, alarm.rule, alarm.why) for alarm in ALARMS}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["claim", "rule", "why"])


def dashboard(records: Iterable[Record] | pd.DataFrame) -> pd.DataFrame:
    """Every metric with its first and last value, formula and healthy range, and the alarms on it that ring."""
    frame = records if isinstance(records, pd.DataFrame) else pd.DataFrame(list(records))
    names = {finding.name for finding in ringing(frame)}
    rows = {}
    for metric in frame.columns.intersection(list(METRICS)):
        known, about = frame[metric].dropna(), METRICS[metric]
        alarms = ", ".join(alarm.name for alarm in ALARMS if alarm.name in names and metric in alarm.metrics)
        ends = (known.iloc[0], known.iloc[-1]) if len(known) else (float("nan"),) * 2
        rows[metric] = (*ends, about.formula, about.healthy, alarms or "quiet")
    return pd.DataFrame.from_dict(rows, orient="index", columns=["first", "last", "formula", "healthy", "alarm"])


def smooth(records: pd.DataFrame, metric: str) -> pd.Series:
    """Means over five updates, indexed by the last of the five; with fewer than five updates, one mean over all."""
    series = records.set_index("step")[metric].dropna()
    return series.rolling(SMOOTH, min_periods=min(SMOOTH, len(series))).mean().dropna()


def _weak_signal(records: pd.DataFrame) -> tuple[int, str] | None:
    accuracy, first = records.sample_accuracy.dropna(), records.score.dropna().iloc[0]
    if accuracy.iloc[0] >= WEAK_ACCURACY:
        return None
    risen = smooth(records, "score").loc[lambda score: score - first >= RISE]
    if not len(risen):
        return None
    return int(risen.index[0]), (
        f"the score is up by {risen.iloc[0] - first:.2f} sd, on a reward model that ranks only "
        f"{accuracy.iloc[0]:.0%} of the SFT model's own answers as annotators do"
    )


def _shift(records: pd.DataFrame) -> tuple[int, str] | None:
    accuracy, kl = records.set_index("step").sample_accuracy.dropna(), records.set_index("step").kl
    far = smooth(records, "kl")
    far = far[far > FAR]
    fallen = accuracy[accuracy <= accuracy.iloc[0] - FALL]
    if not len(far) or not len(fallen):
        return None
    update = int(max(far.index[0], fallen.index[0]))
    return update, (
        f"the policy is {kl.loc[:update].iloc[-1]:.1f} nats from the SFT model and the reward model ranks "
        f"{fallen.iloc[0]:.0%} of its answers as annotators do, {accuracy.iloc[0]:.0%} at first"
    )


def _falling(records: pd.DataFrame) -> tuple[int, str] | None:
    score = smooth(records, "score")
    fallen = score[score.cummax() - score >= SCORE_FALL]
    if not len(fallen):
        return None
    update = int(fallen.index[0])
    return update, f"the score is {score[update]:.2f} sd, after {score.loc[:update].max():.2f} at its height"


def _collapse(records: pd.DataFrame) -> tuple[int, str] | None:
    accuracy = records.sample_accuracy.dropna()
    if accuracy.iloc[0] >= COIN:
        return None
    signs = filter(None, (check(records) for check in (_falling, NO_VARIETY, LONG_STEPS)))
    first = min(signs, default=None)
    return first and (first[0], f"{first[1]}, and the judge ranks only {accuracy.iloc[0]:.0%} as annotators do")


def outside(metric: str, low: float | None = None, high: float | None = None, after: float = 0.0) -> Rule:
    """The rule that a metric's mean leaves `low` to `high` once a share `after` of the updates is done."""

    def check(records: pd.DataFrame) -> tuple[int, str] | None:
        means = smooth(records, metric)
        means = means[means.index > after * records.step.max()]
        out = means[(means < low if low is not None else False) | (means > high if high is not None else False)]
        bound = low if high is None else high
        if not len(out):
            return None
        return int(out.index[0]), f"{metric} is {out.iloc[0]:.3g}, {'under' if high is None else 'over'} {bound:g}"

    return check


def _length(records: pd.DataFrame) -> tuple[int, str] | None:
    length = smooth(records, "response_length")
    out = length[(length / length.iloc[0] - 1).abs() > LENGTH_CHANGE]
    if not len(out):
        return None
    return int(out.index[0]), f"answers have {out.iloc[0]:.1f} tokens, {length.iloc[0]:.1f} at first"


# Annotators disagree: on the SFT model's answers nobody is right on more than about 85 %, so a judge that would be
# right on 85 % of undisputed pairs is right on 75 % of these.
WEAK_ACCURACY, COIN, RISE = 0.75, 0.6, 0.3
FAR, FALL = 1.5, 0.15
SCORE_FALL = 0.25
LENGTH_CHANGE = 0.25
NO_VARIETY, LONG_STEPS = outside("entropy", low=0.1), outside("approx_kl", high=0.05)

ALARMS: tuple[Alarm, ...] = (
    Alarm(
        WEAK_SIGNAL, ("score", "sample_accuracy"),
        f"at the start sample_accuracy is under {WEAK_ACCURACY:.0%}, and the score rises by {RISE} sd over the first",
        "a rising score proves nothing if the reward model often ranks answers wrongly",
        _weak_signal, "C24",
    ),
    Alarm(
        SHIFT, ("kl", "sample_accuracy"),
        f"KL is over {FAR:g} nats an answer, and sample_accuracy is {FALL:.0%} or more under its first value",
        "the policy writes answers of a kind that the reward model was never trained on, so its scores are guesses",
        _shift, "C25",
    ),
    Alarm(
        COLLAPSE, ("score", "sample_accuracy", "entropy", "approx_kl"),
        f"at the start sample_accuracy is under {COIN:.0%}, and the score falls, variety ends or steps are too long",
        "such a reward model is hardly better than a coin, so PPO learns from noise, and the policy breaks down",
        _collapse, "C26",
    ),
    Alarm(
        "falling score", ("score",), f"the score is {SCORE_FALL} sd under its height",
        "PPO is meant to raise the score; where the score falls, the steps are too long",
        _falling,
    ),
    Alarm(
        "far away", ("kl",), "KL is over 10 nats an answer",
        "the reward model was trained on answers like the SFT model's, and that model would hardly write these",
        outside("kl", high=10),
    ),
    Alarm(
        "no variety", ("entropy",), "entropy is under 0.1 nats a token",
        "the policy always gives the same answer, so it cannot find a better one",
        NO_VARIETY,
    ),
    Alarm(
        "length", ("response_length",), f"answers are {LENGTH_CHANGE:.0%} longer or shorter than at first",
        "length is the easiest thing for a policy to exploit",
        _length,
    ),
    Alarm(
        "no end", ("ended",), "under 95 % of the answers end",
        "answers that are cut off are a sign of rambling",
        outside("ended", low=0.95),
    ),
    Alarm(
        "clipping", ("clip_fraction",), "over 20 % of the tokens are clipped",
        "the steps are too long: clipping throws much of each update away",
        outside("clip_fraction", high=0.2),
    ),
    Alarm(
        "long steps", ("approx_kl",), "an update moves the policy by over 0.05 nats a token",
        "the sampled answers are those of the policy before the update, and say little about one that far away",
        LONG_STEPS,
    ),
    Alarm(
        "lost critic", ("explained_variance",), "after a fifth of the run, explained_variance is under -1",
        "the critic's forecasts are worse than a constant: advantages are noise",
        outside("explained_variance", low=-1, after=0.2),
    ),
)  # fmt: skip
