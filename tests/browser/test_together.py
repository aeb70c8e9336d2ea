"""What learners do besides: two labs at once, a restarted kernel, a tab closed too early, an error."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser
TRAINING = "TrainingPanel(lab)"


@pytest.fixture
def enough(folder) -> Iterator[Path]:
    """Touch this file, and the planted labs end their training."""
    path = folder / "enough"
    yield path
    path.unlink(missing_ok=True)


def test_two_labs_train_at_once_in_two_tabs(place, open_notebook, planted_lab, enough):
    sessions = [open_notebook(place(name, planted_lab, TRAINING)) for name in ("90_left", "91_right")]
    labs = []
    for session in sessions:
        session.run_all()
        labs += session.labs()
    first = [lab.look() for lab in labs]
    for lab in labs:
        lab.press()
        lab.train()
    assert [lab.button("Stop").is_enabled() for lab in labs] == [True, True], "both are under way"
    enough.touch()
    for lab, before in zip(labs, first, strict=True):
        lab.wait_until_trained()
        lab.root.get_by_text("Done in").wait_for()
        lab.wait_for_new(before, "picture", "verdict")
    assert [session.complaints for session in sessions] == [[], []]


def test_after_a_kernel_restart_run_all_brings_the_lab_back(place, open_notebook, planted_lab):
    session = open_notebook(place("92_restart", planted_lab, TRAINING))
    session.run_all()
    (lab,) = session.labs()
    lab.train()
    session.restart()
    session.run_all()
    assert [cell["errors"] for cell in session.outputs()] == [[], [], []]
    (lab,) = session.labs()
    lab.train()
    lab.stop()
    assert session.complaints == []


def test_a_tab_closed_while_a_lab_trains_leaves_a_kernel_that_works(place, open_notebook, planted_lab, enough):
    name = place("93_closed", planted_lab, TRAINING)
    session = open_notebook(name)
    session.run_all()
    (lab,) = session.labs()
    kernel = session.kernel_id()
    lab.train()
    session.page.close()
    again = open_notebook(name)
    assert again.kernel_id() == kernel
    again.run_all()
    (lab,) = again.labs()
    enough.touch()  # labs of one kernel take turns, and the one of the closed tab still trains
    lab.train()
    lab.wait_until_trained()
    lab.root.get_by_text("Done in").wait_for()
    assert again.complaints == []


def test_an_error_is_told_and_the_lab_goes_on(place, open_notebook, planted_lab):
    session = open_notebook(place("94_planted", planted_lab, "Panel(lab)"))
    session.run_all()
    (lab,) = session.labs()
    before = lab.look()
    lab.button("too many").click()
    lab.root.get_by_text("These settings do not work: 200 pairs cannot be had").wait_for()
    lab.root.get_by_text("ArithmeticError").first.wait_for()
    assert lab.picture() == before["picture"]
    lab.button("reset").click()
    lab.root.get_by_text("cannot be had").first.wait_for(state="detached")
    lab.step()
    lab.wait_for_new(before, "picture")


def test_a_bar_above_a_picture_is_no_lab(place, open_notebook):
    """As in a stage that is trained for the first time, and found finished in a warm cache ever after."""
    bar = "from tqdm.notebook import tqdm\nfor _ in tqdm(range(2)): pass"
    picture = "from IPython.display import Image\nImage(b'\\x89PNG')"
    session = open_notebook(place("95_bar", f"{bar}\n{picture}"))
    session.run_all()
    session.page.locator(".jupyter-widgets").first.wait_for()
    assert list(session.labs()) == []
