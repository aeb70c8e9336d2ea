"""The labs of words under the keyboard, in a real JupyterLab, with a stand-in for the model."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from rlhf_lessons.real import labels
from tests.browser.measures import CLOSE_SIDEBAR, HAS_FOCUS, OVERFLOWS, THEME, THEME_IS_SET, UNNAMED
from tests.browser.planted_models import STAND_IN
from tools.browser import WINDOW
from tools.lab_page import bring_into_view

pytestmark = pytest.mark.browser

CHAT, PAIRS = 3, 4  # their cells
PHONE = {"width": 390, "height": 844}  # its lab is 268 pixels wide


@pytest.fixture
def session(open_notebook, place, folder):
    session = open_notebook(place("96_talk", STAND_IN, "chat.show(model)", "label_pairs.show(file='own.jsonl')"))
    session.run_all()
    yield session
    for path in folder.glob("own*"):
        path.unlink()


def test_talk_and_label_by_keyboard(session, folder: Path):
    page, keyboard = session.page, session.page.keyboard
    chat = bring_into_view(page, CHAT, ".rlhf-talk")
    log, box = chat.get_by_role("log", name="Conversation"), chat.get_by_label("Your message")
    box.focus()
    keyboard.type("Hello")
    keyboard.press("Enter")
    expect(log).to_contain_text("You: HelloModel: word0 word1 word2")
    expect(chat.get_by_role("status").filter(has_text="Answered in")).to_be_visible()
    expect(box).to_have_value("")
    keyboard.type("Go on")
    keyboard.press("Enter")
    expect(log).to_contain_text("word9")
    expect(log).to_have_attribute("aria-busy", "true")
    keyboard.press("Escape")
    expect(chat.get_by_role("status").filter(has_text="Stopped.")).to_be_visible()
    expect(log).to_have_attribute("aria-busy", "false")
    assert chat.evaluate(HAS_FOCUS) and log.get_attribute("aria-live") == "polite"
    chat.get_by_label("temperature").fill("0,5")
    box.focus()
    keyboard.type("Hello")
    keyboard.press("Enter")
    expect(chat.get_by_role("alert")).to_contain_text("write 0.5")
    expect(box).to_have_value("Hello")

    lab = bring_into_view(page, PAIRS, ".rlhf-talk")
    path, count = folder / "own.jsonl", lab.locator(".count")
    lab.locator(".question").click()  # anywhere in the lab
    answers = [lab.get_by_role("group", name=f"Answer {digit}").inner_text() for digit in "12"]
    question = lab.locator(".question")
    for key in "12ts1u":
        asked = question.inner_text()
        keyboard.press(key)
        expect(question).not_to_have_text(asked)
    expect(count).to_have_text("3 labelled, 0 repeated")
    expect(lab.get_by_role("status").filter(has_text="Taken back.")).to_be_visible()
    assert [label.choice for label in labels.read(path)] == ["1", "2", "tie", "skip"] and lab.evaluate(HAS_FOCUS)
    assert json.loads(path.read_text().splitlines()[0])["chosen"][0]["content"] in answers[0]
    asked = question.inner_text()
    session.restart()
    session.run_all()
    lab = bring_into_view(page, PAIRS, ".rlhf-talk")
    expect(lab.locator(".count")).to_have_text("3 labelled, 0 repeated")
    expect(lab.locator(".question")).to_have_text(asked)
    lab.get_by_role("button", name="Answer 2 is better").press("Enter")
    expect(lab.locator(".count")).to_have_text("4 labelled, 0 repeated")
    assert len(labels.read(path)) == 5
    assert session.complaints == [] and not any(found["errors"] for found in session.outputs())
    _check_looks(session)


def _check_looks(session) -> None:
    """Nothing is cut off on a telephone, in either theme; every control has a name."""
    page = session.page
    page.set_viewport_size(PHONE)
    page.evaluate(CLOSE_SIDEBAR)
    for dark in (False, True):
        page.evaluate(THEME, f"JupyterLab {'Dark' if dark else 'Light'}")
        page.wait_for_function(THEME_IS_SET, arg=str(not dark).lower())
        for cell in (CHAT, PAIRS):
            lab = bring_into_view(page, cell, ".rlhf-talk")
            assert not UNNAMED.search(lab.aria_snapshot()), lab.aria_snapshot()
            assert lab.evaluate(OVERFLOWS) == []
    page.evaluate(THEME, "JupyterLab Light")
    page.set_viewport_size(WINDOW)
