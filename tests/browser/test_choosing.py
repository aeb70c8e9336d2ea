"""The lab of notebook 00 under the keyboard: choose, take back, choose faster than it answers."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

LAB = "from rlhf_lessons.labs import five_pairs as lab\nlab.show()"
FOCUS_IS_IN_THE_LAB = "document.activeElement.closest('.rlhf-stage') !== null"


def test_choices_by_keyboard_never_lose_the_focus(open_notebook, place):
    session = open_notebook(place("00_choosing", LAB))
    session.run_all()
    lab, keyboard = session.page.locator(".rlhf-stage"), session.page.keyboard
    cards, made, picture = lab.locator(".rounds"), lab.locator(".made"), lab.locator(".frame img")
    lab.get_by_role("button", name="1 ").focus()
    expect(picture).to_be_hidden()
    for keys, then in (("1", "1"), ("2", "1 2"), (["Backspace"], "1"), ("2212", "1 2 2 1 2")):
        for key in keys:
            keyboard.press(key)
        expect(made).to_have_text(then)
        assert session.page.evaluate(FOCUS_IS_IN_THE_LAB)
    expect(cards).to_be_hidden()
    expect(picture).to_be_visible()
    expect(lab.locator(".verdict")).to_contain_text("chosen as the rubric")
    assert lab.get_by_role("button", name="undo the last choice").evaluate("e => e === document.activeElement")
    keyboard.press("Backspace")
    expect(cards).to_be_visible()
    expect(lab.get_by_role("group", name="Choose the better answer")).to_contain_text("Pair 5 of 5")
    keyboard.press("3")
    expect(made).to_have_text("1 2 2 1")
    assert session.page.evaluate(FOCUS_IS_IN_THE_LAB)
    assert session.complaints == [] and session.outputs()[-1]["errors"] == []
