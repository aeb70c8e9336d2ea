"""What `labs/` holds: labs of one shape and their frame. A lab's file is short and knows no widgets."""

from importlib import import_module
from pathlib import Path

import pytest

from rlhf_lessons import labs
from rlhf_lessons.labs.frame.panel import Panel
from tests.test_architecture import names_imported

ROOM = Path(labs.__file__).parent
NAMES = (
    "dpo", "fault_bank", "five_pairs", "groups", "over_optimisation", "ppo", "ppo_update", "pretraining", "program_one",
    "reward_fix", "reward_model", "sft",
)  # fmt: skip
WORDS = ("chat", "label_pairs")  # labs without a picture
LONGEST, MOST_PANELS = 200, 4


def test_the_room_holds_labs_and_the_frame():
    assert {path.stem for path in ROOM.iterdir() if not path.name.startswith("__")} == {*NAMES, *WORDS, "frame"}


@pytest.mark.parametrize("name", NAMES)
def test_a_lab_has_one_shape(name):
    module = import_module(f"rlhf_lessons.labs.{name}")
    lab = module.LAB
    assert (lab.compute, lab.draw, lab.verdict) == (module.compute, module.draw, module.verdict)
    assert issubclass(module.show.__annotations__["return"], Panel)
    assert lab.code({}) == f"from rlhf_lessons.labs import {name} as lab\nresult = lab.compute()"
    assert len(lab.canvas().panels) <= MOST_PANELS


@pytest.mark.parametrize("name", [*NAMES, *WORDS])
def test_it_is_short_and_only_the_frame_knows_widgets(name):
    path = ROOM / f"{name}.py"
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
    imported = names_imported(path, f"rlhf_lessons.labs.{name}")
    assert not {library for library in imported if library.startswith(("ipywidgets", "IPython", "matplotlib.pyplot"))}
