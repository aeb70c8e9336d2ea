"""Training logs from mechanisms: small models are trained, healthy or with a planted fault, and print what trainers do.

The yardstick for `rlhf_lessons.diagnostics.log_reader`. Nothing here knows the reader's rules or thresholds.
"""

from tools.simulated_logs import policy_faults, preference_faults, reward_faults, sft
from tools.simulated_logs.planted import Planted

KINDS: dict[str, Planted] = {
    planted.name: planted
    for planted in (*reward_faults.KINDS, *preference_faults.KINDS, *policy_faults.KINDS, *sft.KINDS)
}
