"""Alarms for a run of PPO, RLOO, GRPO or DPO. They read only what its trainer can see, so none reads the gold score.

An alarm is a rule of the log reader (`logs.rules`), with the words in which notebook 06 explains it. Three stand for
the challenges of the source document (C24, C25, C26); each of the others watches one metric. The thresholds lie between
the values of healthy policies and those of sick ones in exploratory runs of this course's models; each rule's page says
what makes it hold for others. Notebook 06 counts how often the alarms are wrong.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rlhf_lessons.diagnostics.findings import Finding
from rlhf_lessons.diagnostics.logs.columns import Column, Log
from rlhf_lessons.diagnostics.logs.kinds import kind_of
from rlhf_lessons.diagnostics.logs.names import canonical
from rlhf_lessons.diagnostics.logs.rule import UNKNOWN, Rule
from rlhf_lessons.diagnostics.logs.rules import direct, policy, policy_claims, policy_signal, policy_updates
from rlhf_lessons.diagnostics.logs.rules.policy import LENGTH_CHANGE, SCORE_FALL
from rlhf_lessons.diagnostics.logs.rules.policy_claims import COIN, FALL, FAR, RISE, WEAK_ACCURACY
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.metrics import METRICS


@dataclass(frozen=True)
class Alarm:
    """A rule with its reasons. `claim` is the challenge of the source document that it stands for, or empty."""

    check: Rule
    metrics: tuple[str, ...]
    rule: str
    why: str
    claim: str = ""

    @property
    def name(self) -> str:
        """That of the rule."""
        return self.check.name


def ringing(records: Iterable[Record] | pd.DataFrame) -> list[Finding]:
    """The findings of all alarms that ring, the three challenges first: since which update, and on what evidence."""
    log = _log(records if isinstance(records, pd.DataFrame) else pd.DataFrame(list(records)))
    asked = [alarm for alarm in ALARMS if log.kind in alarm.check.kinds | UNKNOWN]
    found = [finding for alarm in asked if (finding := alarm.check(log))]
    return [replace(finding, alternatives=(), tell_apart="") for finding in found]


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


def _log(frame: pd.DataFrame) -> Log:
    """The course's own records as the rules read them."""
    names = {name: canonical(name) for name in frame.columns.intersection(list(METRICS))}
    numbers = {known: frame[name].to_numpy(float) for name, known in names.items() if known}
    rows = {name: np.flatnonzero(~np.isnan(values)) for name, values in numbers.items()}
    log = Log({name: Column(rows[name], values[rows[name]]) for name, values in numbers.items()})
    kind = kind_of(log)[0]
    # Of the course's own runs, those of groups record zero_spread; what else climbs a score is PPO.
    return replace(log, kind="ppo" if kind == "grpo" and "zero_spread" not in log else kind)


OF_PPO: tuple[Alarm, ...] = (
    Alarm(
        policy_claims.weak_signal, ("score", "sample_accuracy"),
        f"at the start sample_accuracy is under {WEAK_ACCURACY:.0%}, and the score rises by {RISE} sd over the first",
        "a rising score proves nothing if the reward model often ranks answers wrongly",
        "C24",
    ),
    Alarm(
        policy_claims.distribution_shift, ("kl", "sample_accuracy"),
        f"KL is over {FAR:g} nats an answer, and sample_accuracy is {FALL:.0%} or more under its first value",
        "the policy writes answers of a kind that the reward model was never trained on, so its scores are guesses",
        "C25",
    ),
    Alarm(
        policy_claims.reward_collapse, ("score", "sample_accuracy", "entropy", "approx_kl"),
        f"at the start sample_accuracy is under {COIN:.0%}, and the score falls, variety ends or steps are too long",
        "such a reward model is hardly better than a coin, so PPO learns from noise, and the policy breaks down",
        "C26",
    ),
    Alarm(
        policy.falling_score, ("score",), f"the score is {SCORE_FALL} sd under its height",
        "PPO is meant to raise the score; where the score falls, the steps are too long",
    ),
    Alarm(
        policy.far_away, ("kl",), "KL is over 10 nats an answer",
        "the reward model was trained on answers like the SFT model's, and that model would hardly write these",
    ),
    Alarm(
        policy.no_variety, ("entropy",), "entropy is under 0.1 nats a token",
        "the policy always gives the same answer, so it cannot find a better one",
    ),
    Alarm(
        policy.length_change, ("response_length",), f"answers are {LENGTH_CHANGE:.0%} longer or shorter than at first",
        "length is the easiest thing for a policy to exploit",
    ),
    Alarm(
        policy.no_end, ("ended",), "under 95 % of the answers end",
        "answers that are cut off are a sign of rambling",
    ),
    Alarm(
        policy_updates.clipping, ("clip_fraction",), "over 20 % of the tokens are clipped",
        "the steps are too long: clipping throws much of each update away",
    ),
    Alarm(
        policy_updates.long_steps, ("approx_kl",), "an update moves the policy by over 0.05 nats a token",
        "the sampled answers are those of the policy before the update, and say little about one that far away",
    ),
    Alarm(
        policy_updates.lost_critic, ("explained_variance",), "after a fifth of the run, explained_variance is under -1",
        "the critic's forecasts are worse than a constant: advantages are noise",
    ),
)  # fmt: skip
ALARMS: tuple[Alarm, ...] = (
    *OF_PPO,
    Alarm(
        policy_signal.no_spread, ("zero_spread", "reward_std"), "zero_spread is over 90 % at the end",
        "where all answers to a prompt earn the same, every advantage is 0",
    ),
    Alarm(
        policy_signal.few_groups_teach, ("zero_spread", "reward_std"), "zero_spread is over 50 % at the end",
        "most of the answers are drawn for nothing",
    ),
    Alarm(
        policy_signal.solved_or_gamed, ("score", "zero_spread", "kl", "response_length", "entropy"),
        "over half of the groups have no spread, at the height of the score, and the policy has moved far",
        "a judge that finds nothing more to correct is right or fooled, and the score cannot tell which",
    ),
    Alarm(
        policy.length_pays, ("response_length", "score"), "answers grow, and the score follows their length",
        "a judge of sense has no reason to like a batch of answers because they happen to be longer",
    ),
    Alarm(
        policy.entropy_loss, ("entropy",), "over half of what entropy is worth, e^entropy - 1, is gone",
        "what is still to be gained is paid with the entropy that is left",
    ),
    Alarm(
        direct.displaced, ("logps_chosen", "logps_rejected", "reward_chosen", "reward_rejected"),
        "both rewards are under -0.1, or both log-probabilities fall beyond their noise while the margin rises",
        "the loss sees only the difference: the probability that both lose goes to answers that nobody has judged",
    ),
    Alarm(
        direct.displaced_far, ("logps_chosen",),
        f"the chosen answers' log-probability is over {1 + direct.FAR:g} times its size at the reference",
        "answers that people chose are hardly ever written any more",
    ),
)  # fmt: skip
WEAK_SIGNAL, SHIFT, COLLAPSE = (alarm.name for alarm in ALARMS[:3])
