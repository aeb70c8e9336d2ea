"""Sizes of the course's model: what is changed for 10 and for 100 times as many weights.

The same tokens are read at every size, so ten times the weights are also ten times the work. Notes are more, so that
fewer are read twice. What alignment learns from stays: the formulary has as many facts as it has.
"""

import os
from collections.abc import Mapping
from typing import Any

from rlhf_lessons.refusals import check_choice

VARIABLE = "RLHF_LESSONS_SCALE"
COURSE = "course"
# Size -> changes to the plan of the pretrained model, from which all other stages start. Wider models take smaller
# steps: the learning rate falls as the width grows (Yang et al. 2022, "Tensor Programs V").
SIZES: Mapping[str, Mapping[str, Any]] = {
    COURSE: {},
    "10x": {"layers": 6, "heads": 6, "width": 192, "n_notes": 100_000, "learning_rate": 1.5e-3},
    "100x": {"layers": 8, "heads": 16, "width": 512, "n_notes": 200_000, "learning_rate": 6e-4},
}


def of(size: str, field: str = "scale") -> Mapping[str, Any]:
    """What a size changes in the plan of the pretrained model. Raises ValueError for one that is none."""
    check_choice(field, size, SIZES)
    return SIZES[size]


def changes(stage: str) -> Mapping[str, Any]:
    """What the size that RLHF_LESSONS_SCALE names changes in a stage's plan; unset, or for other stages, nothing.

    Raises ValueError for a size that is none.
    """
    chosen = of(named(), VARIABLE)
    return chosen if stage == "pretrained" else {}


def named() -> str:
    """The size that RLHF_LESSONS_SCALE names; unset, the course's."""
    return os.environ.get(VARIABLE) or COURSE


def choose(size: str) -> None:
    """Set the size for this process and those that it starts. Raises ValueError for one that is none."""
    of(size)
    os.environ[VARIABLE] = size
