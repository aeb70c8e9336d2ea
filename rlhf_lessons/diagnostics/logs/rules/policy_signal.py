"""Can a policy learn anything from what it is paid, and do the logged numbers mean what they should?"""

import math

import numpy as np

from rlhf_lessons.diagnostics.logs.columns import Log, printed_name
from rlhf_lessons.diagnostics.logs.evidence import coin_at_most
from rlhf_lessons.diagnostics.logs.names import PART
from rlhf_lessons.diagnostics.logs.policy_curves import (
    BEYOND_NOISE,
    ENOUGH_ROWS,
    SMOOTH,
    change_in_errors,
    kl_both_ways,
    kl_is_per_token,
    reward_name,
    rewards,
    since,
    smooth,
)
from rlhf_lessons.diagnostics.logs.rule import GROUPS, POLICY, Signs, rule
from rlhf_lessons.diagnostics.logs.rules.policy import ALIKE, FAR_TOKEN, LENGTH_CHANGE
from rlhf_lessons.diagnostics.logs.rules.policy_claims import FAR
from rlhf_lessons.diagnostics.logs.trends import early, late
from rlhf_lessons.diagnostics.logs.wording import percent

FALLEN = 2.0  # standard errors
MOST = 0.5  # of the groups
NEAR_HEIGHT = 0.25  # of what the reward has gained
NEGATIVE_TOKEN, NEGATIVE_ANSWER = 0.001, 0.01  # nats under 0, more than rounding
MANNER = (
    "format",
    "length",
    "tag",
    "xml",
    "think",
    "style",
    "language",
    "repetition",
    "penalty",
    "structure",
    "strict",
)
WATCHED = ("loss", "policy_loss", "value_loss", "score", "mean_reward", "kl", "entropy", "grad_norm")


@rule(
    "RL014",
    "not a number",
    POLICY,
    alternatives=("a division or logarithm of 0 in a reward function", "half precision that overflows"),
    tell_apart="the first metric that broke: a reward points to its function, grad_norm or loss to the step",
    advice="go back to the last checkpoint before this row; bf16 in place of fp16, a lower rate, clipped gradients",
    early=True,
)
def not_a_number(log: Log) -> Signs | None:
    """A loss, reward, KL, entropy or gradient that is NaN or infinite.

    Whatever is computed from NaN is NaN, so weights that took one such step are lost. It is a remark if the last row
    is a number again: mixed precision skips a step whose gradient overflows, and one infinite grad_norm is usual then.
    """
    found = []
    for name in WATCHED:
        values = log.columns[name].values if name in log else np.array([])
        broken = np.flatnonzero(~np.isfinite(values))
        if len(broken):
            found.append((broken[0] / len(values), name, values, broken))
    if not found:
        return None
    _, name, values, broken = min(found, key=lambda one: one[:2])
    lasting = any(not math.isfinite(rows[-1]) for _, _, rows, _ in found)
    first = int(broken[0])
    before = f"after {values[first - 1]:.4g}" if first else "from the start"
    course = f"{len(broken)} of {len(values)} rows" + ("" if lasting else ", and a number again at the end")
    evidence = f"{name} is {values[first]} in row {first + 1}, {before}: not a number in {course}"
    return Signs(evidence, 0.98 if lasting else 0.4, step=float(first + 1), grave=lasting)


@rule(
    "RL015",
    "no spread within groups",
    POLICY,
    alternatives=("prompts that are all too hard or all too easy", "a reward function that always returns one value"),
    tell_apart="the level of the reward: the lowest possible is too hard, the highest too easy",
    advice="print the rewards of one group; choose prompts that are solved sometimes, sample warmer or larger groups",
    early=True,
)
def no_spread(log: Log) -> Signs | None:
    """All answers of a group earn the same, so every advantage is 0 and nothing can be learned.

    GRPO's advantage is (reward - mean of the group) / standard deviation, RLOO's reward - mean of the others: both are
    0 if all are equal, and so is the gradient, but for KL. `frac_reward_zero_std` (in this course: `zero_spread`) is
    the share of such groups; without it, a row with `reward_std` 0 counts. Sick if that was so in nine of ten groups of
    at least ten rows, from the beginning. If the reward first rose, there is nothing left to learn: a remark. Example:
    1.0 in all 20 rows.
    """
    shares = log.values("zero_spread")
    said = f"{printed_name(log, 'zero_spread')} is {late(shares):.3g}" if shares else ""
    if not shares:
        shares = (log.arrays("std_reward", reward_name(log))[0] == 0).astype(float).tolist()
        said = f"the standard deviation of the reward is 0 in {sum(shares):.0f} of {len(shares)} rows"
    if not shares or late(shares) < ALIKE:
        return None
    always, level = float(np.mean(shares)) >= ALIKE, late(rewards(log) or [math.nan])
    evidence = f"{said}: all answers to a prompt earn the same, so their advantages are 0 and give no gradient"
    evidence += f"; the reward is {level:.3g}" if math.isfinite(level) else ""
    evidence += "" if always else ", and earlier rows had spread: what is left has nothing to teach"
    return Signs(evidence, 0.95 if always else 0.5, grave=always and len(shares) >= ENOUGH_ROWS)


@rule(
    "RL016",
    "frozen weights",
    POLICY,
    alternatives=("a trainer that logs a gradient norm of 0 whatever it is, as DeepSpeed has done",),
    tell_apart="a weight before and after ten steps: a frozen one is the same to the last digit",
    advice="check that the optimiser holds the parameters, that the adapter is trainable, and that the rate is not 0",
    early=True,
)
def frozen_weights(log: Log) -> Signs | None:
    """The gradient is 0 in every row though rewards differ.

    With rewards that differ within groups the gradient cannot be exactly 0 in five rows running, unless nothing is
    trainable. KL or a reward that move say otherwise: then the norm alone is logged wrongly. Without a gradient norm,
    KL and the step's approx_kl, both exactly 0 in ten rows, say the same. A norm of 0 in under five rows is a remark,
    where the log shows that rewards differ within groups: the first steps may be skipped, but no more than those.
    """
    norms, kl, steps = log.values("grad_norm"), log.values("kl"), log.values("approx_kl")
    if no_spread.check(log) or abs(change_in_errors(rewards(log))) > BEYOND_NOISE:
        return None
    still = not any(kl) or (change_in_errors(kl) < BEYOND_NOISE and late(kl) < 0.001)
    if len(norms) >= SMOOTH and not any(norms) and still:
        where = f", and KL stays at {late(kl):.3g}" if kl else ""
        return Signs(f"grad_norm is 0 in all {len(norms)} rows{where}, though rewards differ: no weight moves", 0.93)
    if norms and not any(norms) and still and (log.values("std_reward") or log.values("zero_spread")):
        evidence = f"grad_norm is exactly 0 in all of the {len(norms)} rows so far, though rewards differ within groups"
        return Signs(f"{evidence}: check now that the optimiser holds trainable parameters", 0.6, grave=False)
    if not norms and min(len(kl), len(steps)) >= ENOUGH_ROWS and not any(kl) and not any(steps):
        return Signs(f"KL and approx_kl are exactly 0 in all {len(kl)} rows: the weights do not move", 0.9)
    return None


@rule(
    "RL017",
    "reward never moves",
    POLICY,
    alternatives=("a reward function that fails and returns its default",),
    tell_apart="call the reward function by hand on a good and a bad answer",
    advice="pay for parts of the task at first, choose easier prompts, or fine-tune on a few solutions before",
)
def reward_at_floor(log: Log) -> Signs | None:
    """The reward is at its floor, one and the same value, in nearly every row.

    A mean over answers that never changes means that all of them earn that value. Sick if nine of ten of at least ten
    rows are at the lowest value and the others are no trend. Example: 0 in 48 of 50 rows: no answer earns anything.
    """
    values = rewards(log)
    if len(values) < ENOUGH_ROWS:
        return None
    floor = min(values)
    at = sum(value - floor <= 1e-6 * max(1.0, abs(floor)) for value in values)
    span = max(values) - floor
    if at < ALIKE * len(values) or (span and change_in_errors(values) > BEYOND_NOISE):
        return None
    return Signs(f"the reward is {floor:.4g}, its floor, in {at} of {len(values)} rows, and never moves for long", 0.94)


@rule(
    "RL018",
    "format up, truth down",
    POLICY,
    alternatives=("prompts that become harder", "a reward for the right answer that fails to parse the new format"),
    tell_apart="judge a few late answers by hand: they are right but unread, or wrong",
    advice="give the true reward more weight, pay for format only where the answer is right",
)
def parts_part(log: Log) -> Signs | None:
    """One reward function rises while another falls: the policy trades truth for manner.

    The last half of the rows is compared with the first sixth: a rise counts beyond four standard errors, a fall beyond
    2 (odds 1 in 44 of a curve without a trend). It is a fault if what rises is a reward of manner (format, length,
    tags) and what falls is not; otherwise a remark, for a falling price of length may be right. Example: format 0.3 to
    0.95, correctness 0.42 to 0.31.
    """
    moves = {name: change_in_errors(log.values(name)) for name in log.columns if name.startswith(PART)}
    up = [name for name in moves if moves[name] > BEYOND_NOISE]
    down = [name for name in moves if moves[name] < -FALLEN]
    pairs = [(_of_manner(rising) and not _of_manner(falling), rising, falling) for rising in up for falling in down]
    if not pairs:
        return None
    grave, *two = max(pairs)
    rising, falling = (
        f"{name.removeprefix(PART)} {{}} from {early(values):.3g} to {late(values):.3g}"
        for name in two
        if (values := log.values(name))
    )
    evidence = f"the part {rising.format('rises')}, while {falling.format('falls')}"
    return Signs(evidence, 0.9 if grave else 0.5, grave=grave)


def _of_manner(name: str) -> bool:
    return any(word in name for word in MANNER)


@rule(
    "RL019",
    "negative KL",
    POLICY,
    alternatives=("answers sampled with top-k, top-p or a temperature, but scored without", "padding that is counted"),
    tell_apart="sample at temperature 1 without top-k and top-p, for a batch: if KL stays negative, its sign is wrong",
    advice="compute log(policy / reference) of tokens that the policy itself sampled, and set the sampler to plain",
)
def negative_kl(log: Log) -> Signs | None:
    """KL is under 0 in nearly all rows, which no divergence is.

    The estimate k1, the mean of log(policy / reference), has the mean KL >= 0; a single batch may be under 0, at KL 0
    every second one. So rows are counted like throws of a coin: sick if so many negative ones have odds under 0.1 %
    and the last quarter is under -0.001 nats a token (-0.01 an answer), more than rounding. Estimates k2 and k3 are
    never negative. TRL warns that generation settings cause it. Example: 24 of 25 rows under 0, -0.2 at the end.
    """
    kl = [value for value in log.values("kl") if value]
    bound = NEGATIVE_TOKEN if kl_is_per_token(log) else NEGATIVE_ANSWER
    if len(kl) < SMOOTH or late(kl) > -bound:
        return None
    below = sum(value < 0 for value in kl)
    odds = coin_at_most(1 - below / len(kl), len(kl))
    if odds > 0.001:
        return None
    lowest = f"{late(kl):.3g} in the last quarter"
    return Signs(f"KL is negative in {below} of {len(kl)} rows, {lowest}; a divergence is never under 0", 0.91)


@rule(
    "RL020",
    "a loss near 0 is normal",
    GROUPS,
    advice="read the reward, its spread and KL; this loss measures no progress",
    grave=False,
    early=True,
)
def loss_near_zero(log: Log) -> Signs | None:
    """GRPO's loss is about 0, or of either sign, in a run that is in order.

    Advantages of a group sum to 0, and on the policy that sampled every ratio is 1: the loss is -mean(advantages) +
    beta x KL = beta x KL, which starts at 0 and rises as the policy moves. Its gradient is not 0. Example: loss 0.0000
    to 0.0021 with beta 0.04 is KL 0.05.
    """
    losses = log.values("loss")
    if not losses or abs(late(losses)) > 0.05:
        return None
    kl = f", and here it is {late(losses):.2g} at KL {late(kl):.2g}" if (kl := log.values("kl")) else ""
    share = percent(sum(loss <= 0 for loss in losses) / len(losses))
    return Signs(
        f"the loss is 0 or below in {share} of the rows{kl}; advantages sum to 0 in each group, so on-policy it is "
        "beta x KL and no measure of progress",
        0.2,
    )


@rule(
    "RL021",
    "few groups teach",
    GROUPS,
    alternatives=("prompts that are all too easy by now", "prompts that are all too hard"),
    tell_apart="the level of the reward: near the highest possible they are too easy, near the lowest too hard",
    advice="take prompts that are solved sometimes, and draw others in place of those whose answers all earn the same",
    grave=False,
)
def few_groups_teach(log: Log) -> Signs | None:
    """In most groups all answers earn the same: their advantages are 0, and what they cost teaches nothing.

    A reward of right or wrong has no spread where a prompt is always solved, or never. DAPO (Yu et al. 2025,
    arXiv:2503.14476) draws again until every group has spread. It is no fault, and says nothing against a run that
    gets better: only that most of its answers are wasted. Over nine of ten groups, RL015 says so. Example: 0.35 of the
    groups at first, 0.8 at the end, while the share of right answers goes from 0.73 to 0.97.
    """
    shares = log.values("zero_spread")
    out = smooth(log, "zero_spread").loc[lambda means: means > MOST]
    if not len(out) or not MOST < late(shares) < ALIKE:
        return None
    level, spread = late(rewards(log) or [math.nan]), late(log.values("std_reward") or [math.nan])
    course = f"it ends at {late(shares):.2f}, after {shares[0]:.2f} at first"
    evidence = f"{printed_name(log, 'zero_spread')} is {out.iloc[0]:.2f}, over {MOST:g}; {course}"
    evidence += f"; the reward is {level:.3g}" if math.isfinite(level) else ""
    evidence += f", and its standard deviation {spread:.2g}" if math.isfinite(spread) else ""
    return since(log, "zero_spread", out.index[0], evidence, 0.3)


@rule(
    "RL022",
    "solved or gamed",
    GROUPS,
    alternatives=("a task that is solved, by answers of another kind than at first",),
    tell_apart="read twenty answers, or let people compare fifty with the first model's: if the new win, it is solved",
    advice="stop here: there is no more to earn. If they are worse, mend the judge before you go on, and go back",
    grave=False,
)
def solved_or_gamed(log: Log) -> Signs | None:
    """The judge finds nothing to correct any more, and the answers have become others.

    The reward has risen beyond its noise and stands near its height, and most groups have no spread: nearly every
    answer earns all there is. So it looks when a task is solved, and so when a verifier is fooled, for a verifier
    that only looks for the right words pays whoever says them all; the reward cannot tell the two apart. What calls
    for a look is that the policy has moved far meanwhile: KL over 1.5 nats an answer and 0.1 a token, answers a
    quarter longer or shorter, or half of the entropy gone. Example: a reward of 0.98 where 1 is all there is, no spread
    in 97 % of the groups, and KL at 18 nats: answers of 9 tokens that say what the verifier looks for, 11 at first.
    """
    reward, shares = smooth(log, reward_name(log)), log.values("zero_spread")
    if not shares or late(shares) <= MOST or change_in_errors(rewards(log)) <= BEYOND_NOISE:
        return None
    if reward.max() - late(reward.tolist()) > NEAR_HEIGHT * (reward.max() - reward.iloc[0]):
        return None
    moved = _moved(log)
    if not moved:
        return None
    level = f"at a reward of {late(rewards(log)):.3g}, near its height"
    evidence = f"{percent(late(shares))} of the groups have no spread, {level}: the judge finds nothing more to correct"
    return Signs(f"{evidence}. Meanwhile {' and '.join(moved)}", 0.55)


def _moved(log: Log) -> list[str]:
    """In what the policy is far from where it began, in words."""
    said, (answer, token) = [], kl_both_ways(log)
    lengths, entropy = smooth(log, "response_length"), log.values("entropy")
    if len(answer) and answer.iloc[-1] > FAR and (not len(token) or token.iloc[-1] > FAR_TOKEN):
        said.append(f"KL has come to {answer.iloc[-1]:.2g} nats an answer")
    if len(lengths) and abs(lengths.iloc[-1] / lengths.iloc[0] - 1) > LENGTH_CHANGE:
        said.append(f"answers have {lengths.iloc[-1]:.1f} tokens, {lengths.iloc[0]:.1f} at first")
    if entropy and late(entropy) < early(entropy) / 2:
        said.append(f"entropy is {late(entropy):.2g}, {early(entropy):.2g} at first")
    return said
