"""What a policy's curves show while it moves: the alarms of notebook 06 that watch one metric, for anybody's run.

Single updates are noise, so these rules read means over five rows. Most are remarks: they keep a run from being called
healthy, and make it sick only where the numbers are far out.
"""

import math

import numpy as np
import pandas as pd

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.policy_curves import (
    BEYOND_NOISE,
    SMOOTH,
    change_in_errors,
    kl_both_ways,
    kl_is_per_token,
    reward_name,
    rewards,
    row_noise,
    since,
    smooth,
)
from rlhf_lessons.diagnostics.logs.rule import GROUPS, POLICY, Signs, rule
from rlhf_lessons.diagnostics.logs.trends import early, late
from rlhf_lessons.diagnostics.logs.wording import percent

SCORE_FALL = 0.25  # standard deviations
LONG = 16  # means over five rows, of 20 rows: enough to tell a fall from a wave
FAR_ANSWER, FAR_TOKEN = 10.0, 0.1  # nats
LOST_ANSWER, LOST_TOKEN = 100.0, 1.0  # nats: ten times as far
LENGTH_CHANGE = 0.25
LITTLE_VARIETY, SHARE_LEFT = 0.1, 0.15  # nats a token; of what the first entropy is worth
MOST_CUT = 0.05
LIMIT = "check now the limit on new tokens, and whether the sampler knows the token that ends an answer"
ALIKE = 0.9  # of the groups
NO_VARIETY = 0.02  # nats a token
HALF = 0.5  # of what the first entropy is worth


def _fallen(log: Log) -> pd.Series:
    """The smoothed scores that are so far under the height before them as no noise takes them."""
    name = reward_name(log)
    score, spread = smooth(log, name), log.values("std_reward")
    unit = float(pd.Series(spread).median()) if spread else 1.0
    far = max(SCORE_FALL * unit, 6 * row_noise(rewards(log)) / SMOOTH**0.5)
    return score[score.cummax() - score >= far] if far > 0 else score.iloc[:0]


@rule(
    "RL004",
    "falling score",
    POLICY,
    alternatives=("harder prompts in the later part of the data", "a reward that was changed during the run"),
    tell_apart="score the first and the last policy on the same prompts",
    advice="go back to the checkpoint at the height, with a third of the learning rate or a higher price of KL",
    grave=False,
)
def falling_score(log: Log) -> Signs | None:
    """The reward has fallen from its height, by more than noise.

    Means over five rows are compared with the highest mean before them. The fall must be 0.25 standard deviations of
    the reward among answers (1 where none is logged: the course's scores are in such units), and six times the noise
    of such a mean, measured on neighbouring rows: of 50 independent means the highest and the lowest are about 4.5
    apart. Example: noise 0.1 a row gives 0.045 for a mean; a fall of 0.27 is none of its making. The run is sick if at
    its end, after 20 rows or more, over half of what was gained is lost.
    """
    name, fallen = reward_name(log), _fallen(log)
    if not len(fallen):
        return None
    score = smooth(log, name)
    place, height, end = fallen.index[0], float(score.max()), float(score.iloc[-1])
    lost = len(score) >= LONG and fallen.index[-1] == score.index[-1] and height - end > (height - score.iloc[0]) / 2
    unit = " sd" if log.reading.names.get(name, ("score",)) == ("score",) and not log.values("std_reward") else ""
    evidence = f"the score is {score[place]:.2f}{unit}, after {score.loc[:place].max():.2f} at its height"
    evidence += f"; it ends at {end:.2f}, and began at {score.iloc[0]:.2f}" if lost else ""
    return since(log, name, place, evidence, 0.85 if lost else 0.5, lost)


@rule(
    "RL005",
    "far away",
    POLICY,
    alternatives=("an estimate that a few rare tokens blow up", "a KL that sums another unit than the log says"),
    tell_apart="the median over tokens: rare tokens leave it small",
    advice="raise the price of KL or lower the learning rate; look at twenty answers of now beside the first model's",
    grave=False,
)
def far_away(log: Log) -> Signs | None:
    """The policy writes what its reference would hardly have written.

    KL over 10 nats an answer and, where lengths are logged, over 0.1 nats a token. The first holds for answers of 20
    to 50 tokens: people liked summaries less beyond some tens of nats (Stiennon et al. 2020, fig. 5), and Ziegler et
    al. (2019) held KL at about 6. The second makes it fair to long ones: at 0.1 nats the reference gives
    each token e^-0.1 = 90 % of the policy's probability, so KL 15 over 300 tokens (0.05 each) is near. The run is sick
    at ten times as much, over the last quarter: 1 nat a token (the reference gives each token 37 %), or 100 nats an
    answer of unknown length. TRL's GRPO and verl print KL a token, TRL's PPO and this course an answer.
    """
    answer, token = kl_both_ways(log)
    out = [means > bound for means, bound in ((answer, FAR_ANSWER), (token, FAR_TOKEN)) if len(means)]
    if not out:
        return None
    both = out[0] & out[-1]
    if not both.any():
        return None
    known, bound = (token, LOST_TOKEN) if len(token) else (answer, LOST_ANSWER)
    ends = float(known.iloc[-max(1, len(known) // 4) :].median())
    lost = ends > bound and len(known) >= SMOOTH
    shown, most, unit = (token, FAR_TOKEN, " a token") if kl_is_per_token(log) else (answer, FAR_ANSWER, "")
    place = float(both.index[both][0])
    evidence = f"kl is {shown[place]:.3g}, over {most:g}{unit}"
    if lost:
        evidence += f"; in the last quarter it is {ends:.3g} nats {'a token' if len(token) else 'an answer'}"
        evidence += f", over {bound:g}"
    return since(log, "kl", place, evidence, 0.88 if lost else 0.5, lost)


@rule(
    "RL006",
    "no variety",
    POLICY,
    alternatives=("a sampling temperature near 0", "a task with one right answer, by now known"),
    tell_apart="sample one prompt ten times at temperature 1: a policy without variety gives one answer",
    advice="lower the learning rate, add an entropy bonus, or raise the price of KL; go back before entropy fell",
    grave=False,
)
def no_variety(log: Log) -> Signs | None:
    """Entropy is gone: the policy always gives the same answer, and finds no better one.

    Under 0.1 nats a token the likeliest token has about 98 % on average: a remark, for a model that starts low (0.2 is
    usual in mathematics) may be in good health there. Cui et al. (2025, arXiv:2505.22617) measured reward = b - a x
    e^entropy, so what can still be gained is a x (e^entropy - 1). The run is sick when the last quarter has under
    15 % of the first value of that left, or half of the entropy and groups of answers that all earn the same, or under
    0.02 nats a token (1 nat in 50 tokens: two or three answers). Example: 0.9 to 0.04 nats leaves 3 %, for
    (e^0.04 - 1) / (e^0.9 - 1) = 0.03.
    """
    entropy, means = log.values("entropy"), smooth(log, "entropy")
    out = means[means < LITTLE_VARIETY]
    if not len(out):
        return None
    start, end = max(entropy[0], early(entropy)), late(entropy)
    alike = late(log.values("zero_spread") or [0.0]) >= ALIKE and end < start / 2
    gone = len(entropy) > SMOOTH and (alike or end < NO_VARIETY or _worth(end) < SHARE_LEFT * _worth(start))
    evidence = f"entropy is {out.iloc[0]:.3g}, under {LITTLE_VARIETY:g}"
    evidence += f"; in the last quarter it is {end:.3g}, after {start:.3g} at first" if gone else ""
    return since(log, "entropy", out.index[0], evidence, 0.96 if gone else 0.5, gone)


@rule(
    "RL023",
    "entropy loss",
    GROUPS,
    alternatives=("a task with one right way to say it, which the policy has found",),
    tell_apart="sample one prompt ten times: if the answers differ in words alone, little is lost",
    advice="put a price on KL, lower the learning rate, or stop early; see what the answers no longer try",
    grave=False,
)
def entropy_loss(log: Log) -> Signs | None:
    """Over half of what entropy is worth is gone: the policy has become surer of its answers than it was.

    Counted as in RL006, as e^entropy - 1, from the first value to the last quarter, beyond the noise of the rows. What
    is still to be gained is paid with what is left (Cui et al. 2025). No fault by itself, for a policy that gets better
    also gets surer; without a price of KL it goes on until RL006. Example: 0.40 nats a token to 0.18 leaves 40 %.
    """
    entropy, means = log.values("entropy"), smooth(log, "entropy")
    if not entropy or change_in_errors(entropy) > -BEYOND_NOISE:
        return None
    start, end = max(entropy[0], early(entropy)), late(entropy)
    out = means[means.map(_worth) < HALF * _worth(start)]
    if not len(out) or _worth(end) >= HALF * _worth(start) or no_variety.check(log):
        return None
    left = percent(round(_worth(end) / _worth(start), 2))
    evidence = (
        f"entropy is {out.iloc[0]:.2g}, after {start:.2g} at first; in the last quarter it is {end:.2g}, {left} of"
    )
    return since(log, "entropy", out.index[0], f"{evidence} its worth", 0.4)


def _worth(entropy: float) -> float:
    return math.expm1(min(entropy, 50.0))


@rule(
    "RL007",
    "length",
    POLICY,
    alternatives=("longer reasoning that is needed for right answers", "prompts of another kind later in the run"),
    tell_apart="score answers cut to their first length: if the score falls little, the words were padding",
    advice="give the reward a price of length, or norm it by length, and read the longest answers",
    grave=False,
)
def length_change(log: Log) -> Signs | None:
    """Answers become longer or shorter by over a quarter, perhaps because length is what is paid.

    Length is the easiest thing to exploit (Singhal et al. 2023, arXiv:2310.03716), but reasoning may need it
    (DeepSeek-R1's answers grew tenfold), so a change alone is a remark. It makes the run sick if the reward goes up
    with the length and follows it from row to row: the changes between neighbouring rows correlate with r of at least
    0.5 and t over 4. A judge of the answers' sense has no reason to like a batch because its answers happen to be
    longer. Example: 80 tokens to 240, reward -0.5 to 2.1, and r = 0.8 between their changes.
    """
    lengths = smooth(log, "response_length")
    out = lengths[(lengths / lengths.iloc[0] - 1).abs() > LENGTH_CHANGE] if len(lengths) else lengths
    if not len(out):
        return None
    evidence = f"answers have {out.iloc[0]:.1f} tokens, {lengths.iloc[0]:.1f} at first"
    follows, n = _follows_length(log)
    rises = lengths.iloc[-1] > lengths.iloc[0] * (1 + LENGTH_CHANGE)
    paid = rises and follows >= 0.5 and _surely(follows, n) > 4
    if paid:
        evidence += f"; the reward follows their length from row to row (r = {follows:.2f} between {n} changes)"
    return since(log, "response_length", out.index[0], evidence, 0.8 if paid else 0.5, paid)


def _follows_length(log: Log) -> tuple[float, int]:
    """The correlation of changes in reward and in length between rows, and of how many; 0 where it does not rise."""
    reward, lengths = log.arrays(reward_name(log), "response_length")
    if len(reward) <= SMOOTH or late(reward.tolist()) <= early(reward.tolist()):
        return 0.0, 0
    changes = np.diff(reward), np.diff(lengths)
    r = float(np.corrcoef(*changes)[0, 1]) if min(map(np.ptp, changes)) > 0 else 0.0
    return r, len(changes[0])


@rule(
    "RL024",
    "length pays",
    GROUPS,
    alternatives=("words that make answers better, such as a dose that was missing",),
    tell_apart="let people compare pairs of a long and a short answer: a judge of sense is right on both kinds",
    advice="compare the judge's rewards of right answers by their length, and train it on pairs of equal length",
    grave=False,
)
def length_pays(log: Log) -> Signs | None:
    """Answers grow, and the reward follows their length from row to row: the judge likes long ones.

    As RL007, for answers that have grown by less than a quarter, as short ones do: by over four standard errors, with a
    correlation between the changes of reward and length that is 2.5 standard errors over 0 (once in 150 times by
    chance). Example: 11.4 to 14.3 tokens, and r = 0.55 between 49 changes.
    """
    lengths, (follows, n) = log.values("response_length"), _follows_length(log)
    grows = change_in_errors(lengths) > BEYOND_NOISE
    if not grows or _surely(follows, n) <= 2.5 or length_change.check(log):
        return None
    course = f"answers grow from {early(lengths):.1f} to {late(lengths):.1f} tokens"
    return Signs(f"{course}, and the reward follows their length (r = {follows:.2f} between {n} changes)", 0.55)


def _surely(r: float, n: int) -> float:
    """How many standard errors a correlation of `n` pairs is over 0."""
    return r * ((n - 2) / max(1 - r**2, 1e-9)) ** 0.5 if n > 2 else 0.0


@rule(
    "RL008",
    "no end",
    POLICY,
    alternatives=("a limit too small for the task", "a stop token that the sampler does not know"),
    tell_apart="sample with twice the limit: if it was only too small, the answers end then",
    advice="raise the limit on new tokens, check the stop token, and give cut-off answers no reward of a part",
    grave=False,
)
def no_end(log: Log) -> Signs | None:
    """Answers are cut off at the limit, so the reward judges fragments.

    Over 5 % without an end is a remark (reasoning models often begin at 10 or 20 %); over half in the last quarter of
    the run is a fault, and so is a mean length that equals the longest, row after row: all are cut at that limit. That
    all are is certain in the first row; in under five it is a remark, for answers may become shorter.
    """
    mean, longest = log.arrays("response_length", "longest_response")
    if len(mean) and (mean >= 0.99 * longest).all():
        where = f"in all {len(mean)} rows" if len(mean) > 1 else "in the only row"
        evidence = f"{where} the mean length is the longest, {longest[-1]:g} tokens: all answers are cut off; {LIMIT}"
        return Signs(evidence, 0.9, grave=len(mean) >= SMOOTH)
    name, sign = ("cut_off", 1) if "cut_off" in log else ("ended", -1)
    shares = [share for share in log.values(name) if 0 <= share <= 1]
    means = smooth(log, name)
    out = means[means > MOST_CUT if sign > 0 else means < 1 - MOST_CUT]
    if not len(out) or len(shares) < len(log.values(name)):  # TRL's PPO prints under such a name how many have ended
        return None
    cut = late(shares) if sign > 0 else 1 - late(shares)
    lost = cut > 0.5 and len(shares) >= SMOOTH
    evidence = f"{name} is {out.iloc[0]:.3g}, " + (f"over {MOST_CUT:g}" if sign > 0 else f"under {1 - MOST_CUT:g}")
    evidence += f"; at the end {percent(cut)} of the answers are cut off" if lost else ""
    evidence += f"; all answers are cut off: {LIMIT}" if cut == 1 and not lost else ""
    return since(log, name, out.index[0], evidence, 0.86 if lost else 0.5, lost)
