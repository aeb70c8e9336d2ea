"""What a lab's file may be: short, and apart from the frame, free of widgets."""

from pathlib import Path

import pytest

from rlhf_lessons import labs
from tests.test_architecture import names_imported

FILES = sorted(Path(labs.__file__).parent.glob("*.py"))
FRAME = {"panel", "training", "controls", "parts"}
LONGEST = 200


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_is_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("path", [path for path in FILES if path.stem not in FRAME], ids=lambda path: path.stem)
def test_only_the_frame_knows_widgets_and_nobody_pyplot(path):
    names = names_imported(path, f"rlhf_lessons.labs.{path.stem}")
    assert not {name for name in names if name.startswith(("ipywidgets", "IPython", "matplotlib.pyplot"))}
