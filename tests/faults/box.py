"""The files that the table of bad inputs speaks of as `BOX/...`."""

import os
from pathlib import Path

from tests.faults import box_logs

TEXTS = {
    "story.log": "once upon a time",
}


def fill(box: Path) -> None:
    """Makes them."""
    for name, text in TEXTS.items():
        (box / name).parent.mkdir(parents=True, exist_ok=True)
        (box / name).write_text(text, encoding="utf-8")
    os.mkfifo(box / "pipe")
    box_logs.fill(box / "logs")
