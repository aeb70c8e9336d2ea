"""A verifier as a reward function: what PPO, RLOO and GRPO climb in place of a reward model."""

from collections.abc import Callable

import torch
from torch import Tensor

from rlhf_lessons.evaluation.scorecard import texts
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.world.cases import Case, case_of


def verified(check: Callable[[Case, str], float], sequences: Sequences) -> Tensor:
    """What `check(case, answer)` gives for each of N answers, (N,).

    partial(verified, world.verifier.strict) is a reward function.
    """
    return torch.tensor([check(case_of(prompt), answer) for prompt, answer in texts(sequences)])
