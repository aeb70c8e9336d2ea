"""DPO, ORPO and KTO: what becomes of the answers' own probabilities, and of the reference they are measured from.

A DPO reward is beta (log p(answer) - log p_ref(answer)), so it is 0 before the first step, and the slope between logged
rewards and logged log-probabilities is beta.
"""

import numpy as np

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.losses import has_reference, loss_of
from rlhf_lessons.diagnostics.logs.policy_curves import BEYOND_NOISE, change_in_errors
from rlhf_lessons.diagnostics.logs.rule import DIRECT, Signs, rule
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, early, late

FEWEST_EVALUATIONS = 2
USUAL_BETA = 0.1  # TRL's, and that of Rafailov et al. 2023
FAR, SOME = 0.75, 0.3  # of its size at the reference: the perplexity is raised to the power of 1.75, or 1.3
LONGER = 2.0


def fall_of_chosen(log: Log) -> tuple[float, float, float, bool] | None:
    """Where the chosen answers' log-probability stood at the reference and stands now, in nats an answer, and beta.

    From held-out rows, which are the same pairs each time; else from training rows, whose pairs differ. beta is the
    slope between rewards and log-probabilities of held-out rows where they moved far enough, else the one that the file
    states, else 0.1; the last value says whether it is more than an assumption. None where the two are not logged, and
    of a loss without a reference.
    """
    if not has_reference(log):
        return None
    for prefix in ("eval_", ""):
        rewards, logps = log.arrays(f"{prefix}reward_chosen", f"{prefix}logps_chosen")
        if not len(rewards):
            continue
        beta = log.reading.settings.get("beta", 0.0)
        if prefix and len(rewards) >= FEWEST_EVALUATIONS and np.ptp(logps) > 0.5:
            slope = float(np.polyfit(logps, rewards, 1)[0])
            beta = slope if 0.001 < slope < 5 else beta
        known, beta = beta > 0, beta if beta > 0 else USUAL_BETA
        now, reward = late(logps.tolist()), late(rewards.tolist())
        return now - reward / beta, now, beta, known
    return None


@rule(
    "DPO001",
    "the chosen answers' probability falls far",
    DIRECT,
    alternatives=("a beta other than the one assumed", "a log-probability that is averaged over tokens"),
    tell_apart="sample ten answers: after damage they ramble, repeat or end early; the logged beta settles the rest",
    advice="a tenth of the learning rate, a higher beta, or an added SFT loss on the chosen answers (rpo_alpha in TRL)",
)
def displaced_far(log: Log) -> Signs | None:
    """Likelihood displacement that does damage: the chosen answers become far less likely than they were.

    DPO's loss sees only the difference between chosen and rejected, so both may fall as long as the rejected one
    falls faster; the probability goes to answers that nobody chose (Razin et al. 2024; Pal et al. 2024). A
    log-probability of k times its size raises the perplexity to the power of k. Example: -12 nats an answer at the
    reference, -36 after training: each chosen answer is e^24 times less likely.
    """
    fell = fall_of_chosen(log)
    if fell is None or loss_of(log) == "ipo" or fell[0] >= -2:
        return _token_accuracy_falls(log)
    before, now, beta, known = fell
    if now - before > FAR * before:
        return _token_accuracy_falls(log)
    assumed = "" if known else " as is usual, for none is known"
    return Signs(
        f"the log-probability of the chosen answers falls from {before:.1f} nats an answer at the reference to "
        f"{now:.1f} (displacement; reward / beta, beta = {beta:.2g}{assumed}), "
        f"{now / before:.1f} times its size" + ("; within the log it recovers" if recovers(log) else ""),
        0.85,
        grave=(known or sinks(log)) and not recovers(log),
    )


def sinks(log: Log) -> bool:
    """Whether the chosen answers' logged log-probability falls far within the log itself, whatever beta is."""
    logps = log.values("eval_logps_chosen") or log.values("logps_chosen")
    return len(logps) >= FEWEST_POINTS and early(logps) < 0 and late(logps) < (1 + SOME) * early(logps)


def recovers(log: Log) -> bool:
    """Whether the chosen answers' held-out log-probability ends higher than it was at the first evaluation."""
    logps = log.values("eval_logps_chosen")
    return len(logps) > 1 and late(logps) > early(logps)


def _token_accuracy_falls(log: Log) -> Signs | None:
    shares, rewards = log.values("token_accuracy"), log.values("reward_chosen")
    falls = len(shares) >= FEWEST_POINTS and late(shares) < early(shares) - 0.1
    if not falls or not rewards or late(rewards) > -0.5:
        return None
    return Signs(
        f"the token accuracy falls from {early(shares):.3f} to {late(shares):.3f} while the reward of the chosen "
        f"answers falls to {late(rewards):.3f} (displacement)",
        0.85,
    )


@rule(
    "DPO002",
    "both probabilities fall",
    DIRECT,
    alternatives=("chosen answers that the reference found too likely",),
    tell_apart="sample ten answers and compare them with the reference's: usual displacement does not show in them",
    advice="watch the chosen reward beside the margin; if it falls much farther, lower the learning rate or raise beta",
    grave=False,
)
def displaced(log: Log) -> Signs | None:
    """The chosen answers become less likely than under the reference, though less so than the rejected ones.

    Usual in small measure: DPO's loss sees only the difference. A reward of -0.5 at beta = 0.1 is a log-probability
    that is 5 nats lower. Example: rewards of -0.3 (chosen) and -1.1 (rejected), margin 0.8. At a small beta rewards are
    small too; then it counts if both log-probabilities fall, by over four standard errors, while the margin rises.
    """
    name = next((name for name in ("eval_reward_chosen", "reward_chosen") if name in log), "")
    rewards = log.values(name) if name else []
    rejected = log.values(name.replace("chosen", "rejected")) if name else []
    if not has_reference(log) or not rewards or not rejected or displaced_far(log):
        return None
    if late(rewards) > -0.1 or late(rejected) > -0.1:
        return _both_fall(log)
    return Signs(
        f"the reward of the chosen answers falls to {late(rewards):.3g}, of the rejected ones to {late(rejected):.3g}: "
        "both became less likely than under the reference, which in small measure is usual",
        0.4,
    )


def _both_fall(log: Log) -> Signs | None:
    chosen, rejected, margin = (log.values(name) for name in ("logps_chosen", "logps_rejected", "margin"))
    if max(map(change_in_errors, (chosen, rejected))) > -BEYOND_NOISE or change_in_errors(margin) < BEYOND_NOISE:
        return None
    course = (
        f"the log-probability of the chosen answers goes from {early(chosen):.1f} to {late(chosen):.1f} nats, that "
    )
    course += f"of the rejected ones from {early(rejected):.1f} to {late(rejected):.1f}"
    return Signs(f"{course}, and the margin rises to {late(margin):.3g}", 0.4)


@rule(
    "DPO003",
    "rejected and chosen answers of unequal length",
    DIRECT,
    alternatives=(
        "answers of one kind that are less likely a token",
        "log-probabilities that training has moved apart",
    ),
    tell_apart="count the tokens of both: a rule that looks at length alone would then rank as many pairs right",
    advice="compare mean lengths, and balance the pairs or use a loss that is normalised by length (SimPO)",
    grave=False,
)
def unequal_lengths(log: Log) -> Signs | None:
    """The log-probabilities of an answer, sums over its tokens, differ so much that the lengths must differ.

    At the same improbability a token, an answer three times as long has three times the log-probability. Example:
    -31 for chosen and -118 for rejected answers before training moved them: 3.8 times.
    """
    for prefix in ("eval_", ""):
        chosen, rejected = log.arrays(f"{prefix}logps_chosen", f"{prefix}logps_rejected")
        if not len(chosen) or loss_of(log) == "ipo":
            continue
        first, other = early(chosen.tolist()), early(rejected.tolist())
        if min(abs(first), abs(other)) < 10 or max(first / other, other / first) < LONGER:
            return None
        longer, ratio = ("rejected", other / first) if other < first else ("chosen", first / other)
        return Signs(
            f"log-probabilities are {first:.1f} for chosen and {other:.1f} for rejected answers: the {longer} ones are "
            f"about {ratio:.1f} times as long, and length alone may tell them apart",
            0.45,
        )
    return None
