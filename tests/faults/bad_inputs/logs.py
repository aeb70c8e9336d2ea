"""Files that are no training log: `rlhf-lessons diagnose`, and `diagnose` itself."""

from tests.faults.bad_inputs import Bad

ROWS = [
    Bad("diagnose BOX/story.log", 2, "log: nothing to read; it must hold some of loss, ..., as key=value, CSV or JSON"),
]
