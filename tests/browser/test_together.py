"""What learners do besides: two labs at once, a restarted kernel, a tab closed too early, an error."""

from pathlib import Path

import pytest

from tools import browser

pytestmark = pytest.mark.browser


@pytest.fixture
def place(write_notebook, folder, planted_lab):
    """Writes a notebook with the planted lab where JupyterLab finds it; gives its name there."""

    def write(name: str, shown: str = "TrainingPanel(lab)") -> str:
        path: Path = write_notebook(name, planted_lab, shown)
        browser.copy(path, folder)
        return path.name

    return write


def test_two_labs_train_at_once_in_two_tabs(place, open_notebook):
    sessions = [open_notebook(place(name)) for name in ("90_left", "91_right")]
    labs = []
    for session in sessions:
        session.run_all()
        labs += session.labs()
    first = [(lab.picture(), lab.verdict) for lab in labs]
    for lab in labs:
        lab.press()
        lab.train()
    assert [lab.button("Stop").is_enabled() for lab in labs] == [True, True], "both are under way"
    for lab, before in zip(labs, first, strict=True):
        lab.wait_until_trained()
        lab.root.get_by_text("Done in").wait_for()
        assert (lab.picture(), lab.verdict) != before
    assert [session.complaints for session in sessions] == [[], []]


def test_after_a_kernel_restart_run_all_brings_the_lab_back(place, open_notebook):
    session = open_notebook(place("92_restart"))
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


def test_a_tab_closed_while_a_lab_trains_leaves_a_kernel_that_works(place, open_notebook):
    name = place("93_closed")
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
    lab.train()
    lab.wait_until_trained()
    lab.root.get_by_text("Done in").wait_for()
    assert again.complaints == []


def test_an_error_is_told_and_the_lab_goes_on(place, open_notebook):
    session = open_notebook(place("94_planted", "Panel(lab)"))
    session.run_all()
    (lab,) = session.labs()
    before = lab.picture()
    lab.button("too many").click()
    lab.root.get_by_text("These settings do not work: 200 pairs cannot be had").wait_for()
    lab.root.get_by_text("ArithmeticError").first.wait_for()
    assert lab.picture() == before
    lab.button("reset").click()
    lab.root.get_by_text("cannot be had").first.wait_for(state="detached")
    lab.step()
    assert lab.picture() != before
