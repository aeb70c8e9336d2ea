"""The three challenges of the source document (C24, C25, C26): a policy, and a reward model that people check.

They need `sample_accuracy`: the share of fresh pairs of the policy's own answers that the reward model ranks as people
do. Few trainers log it; this course's do.
"""

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.policy_curves import curve, since, smooth
from rlhf_lessons.diagnostics.logs.rule import POLICY, Signs, rule
from rlhf_lessons.diagnostics.logs.rules.policy import falling_score, no_variety
from rlhf_lessons.diagnostics.logs.rules.policy_updates import long_steps

# Annotators disagree: on the SFT model's answers nobody is right on more than about 85 %, so a judge that would be
# right on 85 % of undisputed pairs is right on 75 % of these.
WEAK_ACCURACY, COIN, RISE = 0.75, 0.6, 0.3
FAR, FALL = 1.5, 0.15


@rule(
    "RL001",
    "weak reward signal",
    POLICY,
    alternatives=("a judge of few comparisons, unlucky at first",),
    tell_apart="let people compare 200 more pairs of the first policy's answers",
    advice="train the reward model on more pairs of this policy's own answers before PPO goes on",
    grave=False,
)
def weak_signal(log: Log) -> Signs | None:
    """The score rises on a reward model that ranks many of the policy's own answers wrongly.

    Claim C24 of the source document. `sample_accuracy` is the share of fresh pairs of the policy's answers that the
    reward model ranks as people do; at the start it must be 75 % at least, for people agree on about 85 % of such
    pairs. Example: 70 % at first, and the score up by 0.3 standard deviations: it may be up on the wrong answers.
    """
    accuracy, score = log.values("sample_accuracy"), log.values("score")
    if not accuracy or not score or accuracy[0] >= WEAK_ACCURACY:
        return None
    risen = smooth(log, "score").loc[lambda means: means - score[0] >= RISE]
    if not len(risen):
        return None
    evidence = (
        f"the score is up by {risen.iloc[0] - score[0]:.2f} sd, on a reward model that ranks only "
        f"{accuracy[0]:.0%} of the SFT model's own answers as annotators do"
    )
    return since(log, "score", risen.index[0], evidence)


@rule(
    "RL002",
    "distribution shift",
    POLICY,
    alternatives=("answers that have all become good, so that their comparisons are harder",),
    tell_apart="let people compare answers of now with answers of the start: if the new win, the judge still works",
    advice="collect comparisons of the policy's present answers, train the reward model on them, or raise the KL price",
    grave=False,
)
def distribution_shift(log: Log) -> Signs | None:
    """The policy is far from its reference, and the reward model ranks its answers worse than it did at first.

    Claim C25 of the source document. KL over 1.5 nats an answer, and `sample_accuracy` 15 points or more under its
    first value: the scores are guesses about answers of a kind that the reward model was not trained on.
    """
    accuracy, kl = curve(log, "sample_accuracy"), curve(log, "kl")
    far = smooth(log, "kl").loc[lambda means: means > FAR]
    fallen = accuracy[accuracy <= accuracy.iloc[0] - FALL] if len(accuracy) else accuracy
    if not len(far) or not len(fallen):
        return None
    update = max(far.index[0], fallen.index[0])
    evidence = (
        f"the policy is {kl.loc[:update].iloc[-1]:.1f} nats from the SFT model and the reward model ranks "
        f"{fallen.iloc[0]:.0%} of its answers as annotators do, {accuracy.iloc[0]:.0%} at first"
    )
    return since(log, "kl", update, evidence)


@rule(
    "RL003",
    "reward collapse",
    POLICY,
    alternatives=("steps that are too long for any judge",),
    tell_apart="train with a judge that is right on nine of ten pairs: if that breaks down too, blame the steps",
    advice="get a better reward model first: no setting of PPO makes up for a coin",
)
def reward_collapse(log: Log) -> Signs | None:
    """A reward model that is hardly better than a coin, and a policy that breaks down on it.

    Claim C26 of the source document. `sample_accuracy` under 60 % at the start, and then one of three: the score falls
    from its height, entropy ends, or an update moves the policy by over 0.05 nats a token.
    """
    accuracy = log.values("sample_accuracy")
    if not accuracy or accuracy[0] >= COIN:
        return None
    seen = [signs for check in (falling_score, no_variety, long_steps) if (signs := check.check(log))]
    first = min(seen, key=lambda signs: (signs.step, signs.evidence), default=None)
    if first is None:
        return None
    told = f"{first.evidence}, and the judge ranks only {accuracy[0]:.0%} as annotators do"
    return Signs(told, 0.9, step=first.step, place=first.place)
