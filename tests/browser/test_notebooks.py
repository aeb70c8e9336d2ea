"""Every notebook of the course in a real JupyterLab: Run All, then each of its labs under the hand.

The tests of one notebook share one page and go on from where the last one left it. They hold on any machine, however
slow; how quickly labs answer is measured by benchmarks/test_lab_times.py.
"""

import random
import re
from itertools import chain, product

import nbformat
import pytest

from rlhf_lessons import reruns
from rlhf_lessons.questions.bank import bank
from tests.browser import measures
from tools.run_faults import run_faults

pytestmark = pytest.mark.browser

FAR = 0.3  # of the main knob's way
QUIET_MS = 700  # in which a stopped training must not show anything more
ACTIONS = 50
SIZES = ((1366, 768), (1920, 1080), (390, 844))
USUAL = (1280, 1400)
# Where Tab leads in a lab: for each control its place, and the width of the ring that shows its focus.
TAB_STOPS = "button, input:not([type=radio]), input:checked, select, summary, [tabindex='0']"
FOCUSED = """(lab, stops) => {
    const ring = getComputedStyle(document.activeElement);
    const places = [...lab.querySelectorAll(stops)].filter(stop => stop.checkVisibility({visibilityProperty: true}));
    const place = places.indexOf(document.activeElement);
    return [place, ring.outlineStyle == "none" ? 0 : parseFloat(ring.outlineWidth)];
}"""


def test_run_all_ends_without_a_fault(notebook, folder):
    """All that nbval would find, and errors in widgets besides."""
    notebook.save()
    ran, kept = (nbformat.read(place / notebook.name, as_version=4) for place in (folder, reruns.NOTEBOOKS))
    assert run_faults(ran, kept) == []


def test_what_a_cell_shows_is_a_lab(notebook, folder):
    """A lab that has become plain text would go unnoticed by the tests below."""
    shown = [cell for cell in notebook.outputs() if cell["lab"] or cell["talks"]]
    assert len(shown) == len(re.findall(r"\w\.show\(", (folder / notebook.name).read_text("utf-8")))


def test_questions_have_names_fit_a_phone_and_are_answered_by_keyboard(notebook):
    asked = 0
    for panel in notebook.questions():
        assert not measures.UNNAMED.search(panel.aria_snapshot()), panel.aria_snapshot()
        for form in panel.locator("form").all():
            hand = form.locator("input").first
            hand.press("Space" if hand.get_attribute("type") == "radio" else "1")
            hand.press("Enter")
            form.locator(".told.right, .told.close, .told.wrong").wait_for()
            asked += 1
        panel.evaluate("panel => { panel.style.width = '340px'; }")
        assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    questions = bank(notebook.name[:2])
    assert asked == len(questions.predictions) + len(questions.quiz)


def test_pictures_and_controls_have_names(notebook):
    for lab in notebook.labs():
        assert lab.image.get_attribute("alt") == f"{lab.title}. {lab.verdict}"
        assert not measures.UNNAMED.search(lab.root.aria_snapshot()), lab.root.aria_snapshot()


def test_every_control_is_reached_by_tab_and_shows_it(notebook):
    for lab in notebook.labs():
        stops = lab.root.locator(TAB_STOPS).filter(visible=True)
        stops.first.focus()
        for key in ("Tab", "Shift+Tab"):  # the ring is for those who use keys
            lab.page.keyboard.press(key)
        for place in range(stops.count()):
            at, ring = lab.root.evaluate(FOCUSED, TAB_STOPS)
            assert at == place and ring >= 2, (lab.title, place)
            lab.page.keyboard.press("Tab")


def test_stop_leaves_the_last_good_result(notebook):
    for lab in filter(lambda lab: lab.trains, notebook.labs()):
        lab.train()
        lab.stop()
        lab.root.get_by_text("Stopped.").wait_for()
        notebook.wait_for_kernel()
        stopped = lab.look()
        lab.page.wait_for_timeout(QUIET_MS)
        assert lab.look() == stopped
        lab.preset("reset")
        lab.wait_for_new(stopped, "picture")


def test_the_main_knob_by_keyboard(notebook):
    for lab in notebook.labs():
        before = lab.look()
        if lab.trains:
            lab.press()
            lab.root.get_by_text("Press Train").wait_for()
            lab.train()
            lab.stop()
        else:
            lab.step()
        lab.wait_for_new(before, "value", "picture")
        if lab.has_slider:
            spoken, unit = lab.hand.get_attribute("aria-valuetext"), lab.knob.locator(".unit").text_content()
            assert spoken == f"{lab.value} {unit}".strip()


def test_the_main_knob_by_mouse(notebook):
    for lab in notebook.labs():
        lab.preset("reset")
        before = lab.look()
        lab.drag(FAR)
        if lab.trains:
            lab.root.get_by_text("Press Train").wait_for()
            lab.train()
            lab.wait_until_trained()
            lab.root.get_by_text("Done in").wait_for()
        lab.wait_for_new(before, "value", "picture", "verdict")


def test_two_updates_are_too_few_for_a_verdict(notebook):
    for lab in notebook.labs():
        updates = lab.root.locator("[data-knob=updates] .exact")
        if updates.count():
            updates.fill("2")
            updates.press("Enter")
            lab.train()
            lab.wait_until_trained()
            lab.root.get_by_text("Done in").wait_for()
            assert lab.root.locator(".badge").inner_text() == "too early to say"
            lab.preset("reset")


def test_every_preset_leads_to_its_own_settings(notebook):
    """In the labs that answer at once; in the others a preset trains, and unit tests compute them all."""
    for lab in filter(lambda lab: not lab.trains, notebook.labs()):
        presets, found = [name for name in lab.presets if name != "surprise me"], {}
        assert len(presets) >= 3
        for name in presets:
            lab.preset(name)
            found[name] = lab.settings
        for name in presets:
            lab.button("surprise me").click()  # from anywhere, and without waiting
            lab.preset(name)
            assert lab.settings == found[name], name
        assert len(set(found.values())) >= 3


def test_each_lab_on_a_projector_a_large_screen_and_a_phone(notebook):
    """Light and dark: what belongs together is in view together, nothing is cut off, all stands out from its ground."""
    found = []
    for size, dark in chain(product(SIZES, (False,)), product(SIZES[::-1], (True,))):  # the fewest pictures
        parts = [".verdict", ".frame"] if size[0] < 700 else [".controls", ".verdict", ".frame"]
        for lab in notebook.labs():
            measures.resize(lab, size, dark)
            faults = lab.root.evaluate(measures.OUT_OF_VIEW, parts) + lab.root.evaluate(measures.OVERFLOWS)
            faults += measures.pale_parts(lab) + [f"scrolls: {name}" for name in lab.root.evaluate(measures.SCROLLS)]
            found += [f"{lab.title} at {size}, {'dark' if dark else 'light'}: {fault}" for fault in faults]
    for lab in notebook.labs():
        measures.resize(lab, USUAL)
    assert not found, "\n".join(found)


def test_the_picture_stays_in_its_place(notebook):
    """In labs that answer at once; test_stage.py tries one that trains. Here that would train any judge there is."""
    for lab in filter(lambda lab: not lab.trains, notebook.labs()):
        dice = random.Random(0)
        with measures.picture_in_place(lab):
            for _ in range(ACTIONS):
                measures.act_at_random(lab, dice)
            lab.wait_until_settled()


def test_the_focus_stays_in_the_lab_whatever_is_pressed(notebook):
    for lab in filter(lambda lab: not lab.trains, notebook.labs()):
        buttons = lab.root.locator("button, summary").filter(visible=True)
        for place in range(buttons.count()):
            if place < buttons.count():  # some hide others
                buttons.nth(place).press("Enter")
                lab.wait_until_settled()
                assert lab.root.evaluate(measures.HAS_FOCUS), (lab.title, place)


def test_the_page_did_not_complain(notebook):
    assert notebook.complaints == []
