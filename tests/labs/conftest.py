from collections.abc import Callable
from types import ModuleType

import pytest

from rlhf_lessons.labs.frame.controls import knobs_of


@pytest.fixture
def check_presets() -> Callable[[ModuleType], None]:
    """Holds that a lab's defaults and presets are values its knobs allow."""

    def check(lab: ModuleType) -> None:
        knobs = knobs_of(lab.compute, lab.LAB.ranges)
        for knob, default in knobs.values():
            knob.check(default)
        for changes in lab.LAB.presets.values():
            for name, value in changes.items():
                assert knobs[name][0].check(value) == value

    return check
