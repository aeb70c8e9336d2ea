"""What it takes to call a policy or a language model healthy, and what is missing before that is enough."""

import math
from collections.abc import Sequence

from rlhf_lessons.diagnostics.findings import HEALTHY, Finding
from rlhf_lessons.diagnostics.logs.beginnings import in_first_epoch
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.names import PART
from rlhf_lessons.diagnostics.logs.policy_curves import ENOUGH_ROWS, answer_lengths, change_in_errors, rewards
from rlhf_lessons.diagnostics.logs.rules import policy, policy_signal
from rlhf_lessons.diagnostics.logs.rules.any_run import ends_without_a_number
from rlhf_lessons.diagnostics.logs.trends import FEWEST_POINTS, early, late, steady_trend

NO_DOUBT = {rule.code for rule in (policy_signal.loss_near_zero, policy_signal.few_groups_teach, policy.entropy_loss)}
LEAST_FALL = 0.01  # of a held-out loss
RISEN = 3.0  # standard errors: odds of about 1 in 700 for a curve without a trend


def learned_policy(log: Log, remarks: Sequence[Finding]) -> tuple[Finding | None, str]:
    """The reward rises beyond its noise, KL and length are logged and keep their bounds, and nothing is in doubt."""
    reward = rewards(log)
    if not reward:
        return None, "no reward is logged, so nothing says whether the policy gets better"
    if len(reward) < ENOUGH_ROWS:
        rows = "row" if len(reward) == 1 else "rows"
        return None, f"{len(reward)} {rows} with a reward are too few to tell a rise from noise; it takes {ENOUGH_ROWS}"
    rise, lengths = change_in_errors(reward), answer_lengths(log)
    course = f"the reward goes from {early(reward):.4g} to {late(reward):.4g}"
    unseen = [name for name, seen in (("KL", "kl" in log), ("length", lengths)) if not seen]
    words = f"neither {' nor '.join(unseen)} is" if len(unseen) > 1 else f"{''.join(unseen)} is not"
    hacking = f"{words} logged, so reward hacking cannot be excluded"
    if rise < RISEN:
        flat = f"{course}, no more than its noise ({rise:.1f} standard errors; a rise takes {RISEN:g})"
        return None, f"{flat}; {hacking}" if unseen else flat
    if unseen:
        return None, f"{course}, but {hacking}"
    doubts = [remark.name for remark in remarks if remark.code not in NO_DOUBT]
    fallen = [name.removeprefix(PART) for name in log.columns if name.startswith(PART)]
    doubts += [f"{name} that falls" for name in fallen if change_in_errors(log.values(f"{PART}{name}")) < -1]
    good = f"{course}, {rise:.1f} standard errors, at a KL of {late(log.values('kl')):.3g} and answers of "
    found = Finding(HEALTHY, f"{good}{late(lengths):.0f} tokens", ("reward hacking",), 0.6)
    if doubts:
        return None, f"{course}, but {' and '.join(doubts)} may explain it: read twenty answers"
    return found, ""


def language_model(log: Log, remarks: Sequence[Finding]) -> tuple[Finding | None, str]:
    """A next-token loss that falls beyond its noise, or steadily held out; it says nothing about preferences."""
    loss, held_out = log.values("loss"), log.values("eval_loss")
    if len(loss) < FEWEST_POINTS:
        return None, f"{len(loss)} rows with a loss are too few for a trend; it takes at least {FEWEST_POINTS}"
    falls = late(loss) < 0.8 * early(loss) or change_in_errors(loss) < -RISEN
    if any(remark.code == ends_without_a_number.code for remark in remarks):
        return None, "a value of it is no number, so its last checkpoint cannot be trusted before that is explained"
    alike = "memorised examples" if not in_first_epoch(log) else "text that repeats itself"
    if steady_trend(held_out) < 0 and late(held_out) < (1 - LEAST_FALL) * early(held_out):
        evidence = f"the held-out loss falls steadily from {held_out[0]:.4f} to {held_out[-1]:.4f}"
        alike = "held-out text that stands in the training text too"
    elif not falls or loss[-1] >= loss[0] or max(loss) > 1.5 * loss[0]:
        course = f"the loss goes from {loss[0]:.4g} to {loss[-1]:.4g}, {max(loss):.4g} at its height"
        return None, f"{course}: no fall beyond its noise"
    else:
        chance = math.exp(min(-late(loss), 0))
        evidence = f"the loss falls from {loss[0]:.4f} to {loss[-1]:.4f}: {chance:.1%} for the right token"
        evidence += f"; held out it is {held_out[-1]:.4f}" if held_out else "; nothing is held out"
    return Finding(HEALTHY, f"{evidence}. This says nothing about preferences", (alike,), 0.5), ""
