"""Every notebook of the course in a real JupyterLab: Run All, then each of its labs under the hand.

The tests of one notebook share one page and go on from where the last one left it.

The course promises, at the median: 150 ms from a key press to the new picture for labs that answer at once; for
those that train, 500 ms from Train to the first live point and 500 ms from Stop to standing still. A machine with other
things to do is slower, at times by half for minutes on end, so the tests ask that the fastest of all tries keeps the
promise, and the median `SLACK` times the promise. What was measured ends pytest's output.
"""

import re
from collections.abc import Iterator

import pytest

from rlhf_lessons import reruns
from tools.browser import Session

pytestmark = pytest.mark.browser

PICTURE_MS, LIVE_MS, STOP_MS = 150, 500, 500
SLACK = 2
KEYS, TRAININGS = 15, 5
FAR = 0.3  # of the main knob's way
SETTLE_MS = 700
UNNAMED = re.compile(r'^\s*- (slider|textbox|spinbutton|combobox|checkbox|button|img)(?! ")', re.MULTILINE)
# Where Tab leads in a lab: for each control its name, and the width of the ring that shows its focus.
TAB_STOPS = ".noUi-handle, button:enabled, input, select"
FOCUSED = """(lab, stops) => {
    const ring = getComputedStyle(document.activeElement);
    const place = [...lab.querySelectorAll(stops)].indexOf(document.activeElement);
    return [place, ring.outlineStyle == "none" ? 0 : parseFloat(ring.outlineWidth)];
}"""


@pytest.fixture(scope="module", params=[path.name for path in reruns.list_notebooks(reruns.NOTEBOOKS)])
def notebook(request, context, address) -> Iterator[Session]:
    session = Session(context, address, request.param)
    session.run_all()
    yield session
    session.close()


def test_run_all_ends_without_an_error(notebook):
    cells = notebook.outputs()
    assert cells and all(cell["ran"] for cell in cells)
    assert [cell["errors"] for cell in cells if cell["errors"]] == []


def test_what_a_cell_shows_is_a_lab(notebook, folder):
    """A lab that has become plain text would go unnoticed by the tests below."""
    assert sum(1 for _ in notebook.labs()) == len(
        re.findall(r"\w\.show\(", (folder / notebook.name).read_text("utf-8"))
    )


def test_pictures_and_controls_have_names(notebook):
    for lab in notebook.labs():
        assert lab.image.get_attribute("alt") == f"{lab.title}. {lab.verdict}"
        assert not UNNAMED.search(lab.root.aria_snapshot()), lab.root.aria_snapshot()


def test_every_control_is_reached_by_tab_and_shows_it(notebook):
    for lab in notebook.labs():
        stops = lab.root.locator(TAB_STOPS)
        stops.first.focus()
        for place in range(stops.count()):
            at, ring = lab.root.evaluate(FOCUSED, TAB_STOPS)
            assert at == place and ring >= 2, (lab.title, place)
            lab.page.keyboard.press("Tab")


def test_labs_answer_in_time(notebook, measured):
    for lab in notebook.labs():
        if lab.trains:
            times = [(lab.train(), lab.stop()) for _ in range(TRAININGS)]
            live, stopped = zip(*times, strict=True)
            tries = [("Train to first live point", live, LIVE_MS), ("Stop to standing still", stopped, STOP_MS)]
        else:
            tries = [("key to picture", [lab.step() for _ in range(KEYS)], PICTURE_MS)]
        for what, times, promise in tries:
            assert measured(f"{lab.title}, {what}", times) <= SLACK * promise
            assert min(times) <= promise


def test_stop_leaves_the_last_good_result(notebook):
    for lab in filter(lambda lab: lab.trains, notebook.labs()):
        lab.train()
        lab.stop()
        shown = lab.picture(), lab.verdict
        lab.page.wait_for_timeout(SETTLE_MS)
        lab.root.get_by_text("Stopped.").wait_for()
        assert (lab.picture(), lab.verdict) == shown
        lab.preset("reset")
        assert (lab.picture(), lab.verdict) != shown


def test_the_main_knob_by_keyboard(notebook):
    for lab in notebook.labs():
        first = lab.value, lab.picture()
        if lab.trains:
            lab.press()
            lab.root.get_by_text("Press Train").wait_for()
            lab.train()
            lab.stop()
        else:
            lab.step()
        assert lab.value != first[0] and lab.picture() != first[1]
        if lab.has_slider:
            spoken = lab.hand.get_attribute("aria-valuetext").split()
            unit = lab.knob.locator("small").inner_text()
            assert float(spoken[0]) == float(lab.value) and spoken[1:] == unit.split()


def test_the_main_knob_by_mouse(notebook):
    for lab in notebook.labs():
        lab.preset("reset")
        first = lab.value, lab.picture(), lab.verdict
        lab.drag(FAR)
        if lab.trains:
            lab.root.get_by_text("Press Train").wait_for()
            lab.train()
            lab.wait_until_trained()
            lab.root.get_by_text("Done in").wait_for()
        lab.page.wait_for_timeout(SETTLE_MS)
        assert all(now != then for now, then in zip((lab.value, lab.picture(), lab.verdict), first, strict=True))


def test_every_preset_leads_to_its_own_settings(notebook):
    """In the labs that answer at once; in the others a preset trains, and unit tests compute them all."""
    for lab in filter(lambda lab: not lab.trains, notebook.labs()):
        presets, found = [name for name in lab.presets if name != "surprise me"], {}
        assert len(presets) >= 3
        for name in presets * 2:
            lab.preset("surprise me")
            lab.preset(name)
            assert found.setdefault(name, lab.settings) == lab.settings
        assert len(set(map(str, found.values()))) >= 3


def test_the_page_did_not_complain(notebook):
    assert notebook.complaints == []
