"""What labs must keep to in a real JupyterLab, on labs that train nothing: seen again after a notebook was closed, no
scroll bars, every slider by keyboard, pictures in words, predictions, knobs that differ from the picture, bars.

The projector tests, on the course's own labs, are in test_notebooks.py.
"""

import pkgutil
import random
from collections.abc import Callable, Iterator

import nbformat
import pytest
from nbconvert import HTMLExporter

from rlhf_lessons import labs
from tests.browser.measures import HAS_FOCUS, OVERFLOWS, SCROLLS, act_at_random, picture_in_place
from tests.browser.planted_labs import HOLLOW, INSTANT, PICTURE, SLOW, TRAINING
from tools import browser
from tools.browser import Session
from tools.lab_page import Lab

pytestmark = pytest.mark.browser

ACTIONS = 50
WORDS = ("chat", "label_pairs")  # labs without a picture: test_talk.py works them
COURSE = [
    module.name for module in pkgutil.iter_modules(labs.__path__) if not module.ispkg and module.name not in WORDS
]
LIVE = "Run this cell to make it live."
SHOWN = ".rlhf-still, .rlhf-stage"
IN_A_LAB = "() => Boolean(document.activeElement.closest('.rlhf-stage'))"
WITHOUT_QUESTION = "Panel(dataclasses.replace(instant, question=None))"
TOP = "page => page.scrollTop"


@pytest.fixture(scope="module")
def write(folder) -> Callable[..., str]:
    """Writes a notebook of code cells where JupyterLab finds it; gives its name there."""

    def write_cells(name: str, *cells: str) -> str:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(notebook, folder / f"{name}.ipynb")
        return f"{name}.ipynb"

    return write_cells


@pytest.fixture(scope="module")
def stage(context, address, write) -> Iterator[Session]:
    """A notebook with one lab that answers at once, one that trains, and a plain picture, after Run All."""
    name = write(
        "80_stage", INSTANT, "panel = Panel(instant)\npanel", TRAINING, "TrainingPanel(training)", PICTURE, SLOW
    )
    session = Session(context, address, name)
    for cell in range(5):
        session.run(cell)
    yield session
    session.close()


@pytest.fixture
def instant(stage) -> Lab:
    """The lab that answers at once, at its first settings."""
    lab = Lab(stage.page, 1)
    lab.button("reset").click()
    lab.wait_until_settled()
    return lab


@pytest.fixture
def training(stage, folder) -> Iterator[Lab]:
    """The lab that trains until a file `enough` is there, at its first settings."""
    lab = Lab(stage.page, 3)
    yield lab
    (folder / "enough").touch()
    lab.wait_until_trained()
    (folder / "enough").unlink()
    lab.button("reset").click()
    lab.wait_until_settled()


@pytest.mark.parametrize("saves_state", [True, False])
def test_a_saved_lab_is_seen_when_its_notebook_is_opened_again(saves_state, context, address, folder, write):
    browser.set_option(folder, browser.WIDGET_MANAGER, saveState=saves_state)
    try:
        name = write(f"81_again_{saves_state}", INSTANT, "Panel(instant)", WITHOUT_QUESTION)
        session = Session(context, address, name)
        session.run_all()
        titles = [(lab.title, lab.verdict) for lab in session.labs(veiled=True)]
        session.save()
        session.close()
        session = Session(context, address, name)
        _check_that_labs_are_seen(session, titles)
        session.run_all()
        live = list(session.labs())
        assert [lab.root.get_by_text(LIVE).is_visible() for lab in live] == [False, False]
        for lab in live:
            lab.come_into_view()
            lab.step()
        titles = [(lab.title, lab.verdict) for lab in live]
        session.restart()
        _check_that_labs_are_seen(session, titles)
        session.close()
    finally:
        browser.set_option(folder, browser.WIDGET_MANAGER, saveState=True)


def _check_that_labs_are_seen(session: Session, titles: list[tuple[str, str]]) -> None:
    """Title, verdict and picture are there, it is said that nothing is live, and no control can be worked."""
    shown = session.page.locator(SHOWN).filter(visible=True)
    session.page.get_by_text(LIVE).filter(visible=True).nth(len(titles) - 1).wait_for()
    assert shown.count() == len(titles)
    for at, (title, verdict) in enumerate(titles):
        words = " ".join(shown.nth(at).inner_text().split())
        assert title in words and verdict.split(". ", 1)[1] in words and LIVE in words
        picture = shown.nth(at).locator("img").filter(visible=True)
        assert picture.evaluate("image => image.naturalWidth") > 100
        assert picture.get_attribute("alt") == f"{title}. {verdict}"
    assert session.page.get_by_text("Error displaying widget").filter(visible=True).count() == 0
    for control in shown.locator("input, select, button:not(.large)").filter(visible=True).all():
        control.evaluate("control => control.focus()")
        assert not session.page.evaluate(IN_A_LAB), control


def test_no_lab_has_scroll_bars_and_the_wheel_scrolls_the_notebook(stage):
    for lab in (Lab(stage.page, 1), Lab(stage.page, 3)):
        assert lab.root.evaluate(SCROLLS) == []
    page = stage.page.locator(".jp-WindowedPanel-outer")
    lab = Lab(stage.page, 1)
    for part in (".frame", ".verdict", ".controls"):
        lab.come_into_view()
        lab.root.locator(part).hover()
        before = page.evaluate(TOP)
        stage.page.mouse.wheel(0, 100)
        stage.page.wait_for_function(
            "before => document.querySelector('.jp-WindowedPanel-outer').scrollTop > before", arg=before, timeout=5000
        )


def _walk(lab: Lab) -> None:
    """Every slider by arrow keys, as fast as they come, to both ends; the last answer then agrees with the slider."""
    for slider in lab.root.locator("input[type=range]").all():
        last, box = int(slider.get_attribute("max") or 0), slider.locator("xpath=..").locator(".exact")
        slider.press("Home")
        lab.wait_until_settled()
        seen = [box.input_value()]
        for key, end in (("ArrowRight", last), ("ArrowLeft", 0)):
            for _ in range(last):
                lab.page.keyboard.press(key)
            lab.wait_until_settled()
            assert int(slider.input_value()) == end
            seen.append(box.input_value())
        assert seen[0] == seen[2] != seen[1]


def test_arrow_keys_move_a_slider_to_each_of_its_stops_and_back(instant):
    """Nothing on the way is left out, and each stop has a value of its own."""
    slider, box = instant.hand, instant.knob.locator(".exact")
    last = int(slider.get_attribute("max"))
    slider.press("Home")
    instant.wait_until_settled()
    up, down = [float(box.input_value())], []
    for key, values in (("ArrowRight", up), ("ArrowLeft", down)):
        for _ in range(last):
            slider.press(key)
            instant.wait_until_settled()
            values.append(float(box.input_value()))
            spoken, unit = slider.get_attribute("aria-valuetext"), instant.knob.locator(".unit").inner_text()
            assert spoken == f"{box.input_value()} {unit}"
    assert up == sorted(set(up)) and down == up[-2::-1] and (up[0], up[-1]) == (1, 100)


@pytest.fixture(scope="module")
def hollow(context, address, write) -> Iterator[Session]:
    """The controls of all the course's labs, with nothing to compute behind them, a cell each."""
    session = Session(context, address, write("82_hollow", INSTANT, *(HOLLOW.format(name=name) for name in COURSE)))
    session.run(0)
    yield session
    session.close()


@pytest.mark.parametrize("name", COURSE)
def test_every_slider_of_the_course_goes_both_ways_by_keyboard(name, hollow):
    cell = 1 + COURSE.index(name)
    hollow.run(cell)
    assert [found["errors"] for found in hollow.outputs() if found["index"] == cell] == [[]]
    _walk(Lab(hollow.page, cell, veiled=True))


def test_pictures_are_described_where_no_kernel_runs_too(stage, folder):
    words = "Words for those who do not see it."
    Lab(stage.page, 3)  # the plain picture stands below it
    assert stage.page.locator(f'img[alt="{words}"]').is_visible()
    stage.save()
    page, _ = HTMLExporter().from_filename(str(folder / stage.name))
    assert "No description has been provided" not in page
    assert f'alt="{words}"' in page and page.count('alt="Counting. Counted. There are') == 1


def test_a_refused_prediction_says_why_and_goes_with_what_was_typed(instant):
    instant.button("predict again").click()
    guess, refusal = instant.veil.locator("input"), instant.root.locator(".refused")
    with picture_in_place(instant):
        guess.fill("many")
        guess.press("Enter")
        refusal.get_by_text("'many' is not allowed; it must be a number").wait_for()
        guess.fill("")
        assert refusal.inner_text() == ""
        guess.press("Enter")
        refusal.get_by_text("'' is not allowed").wait_for()
        guess.fill("0,5")
        guess.press("Enter")
        refusal.get_by_text("write 0.5").wait_for()
        guess.fill("19")
        guess.press("Enter")
        instant.veil.wait_for(state="hidden")
        instant.root.get_by_text("You said 19, it is 20: right.").wait_for()
        instant.wait_until_settled()
    assert instant.value == "20", "what was asked about is what was run"
    assert instant.root.locator(".message").inner_text() == ""


def test_a_knob_turned_while_it_trains_differs_from_the_picture_and_both_say_so(training, folder):
    before = training.look()
    stale, differs = training.root.locator(".stale"), training.root.locator(".knob.differs")
    training.train()
    training.press()
    training.wait_until_settled()
    (folder / "enough").touch()
    training.wait_until_trained()
    training.root.get_by_text("Done in").wait_for()
    assert training.value != before["value"]
    assert stale.is_visible() and differs.count() == 1
    assert differs.locator(".was").inner_text() == f"shown: {before['value']}"
    assert training.root.locator("progress").evaluate("bar => bar.value") == 1, "a finished bar stays full"
    training.button("Train").click()
    stale.wait_for(state="hidden")
    training.wait_until_trained()
    assert not stale.is_visible() and differs.count() == 0


def test_what_is_being_typed_stays_while_it_trains(training):
    box = training.knob.locator(".exact")
    training.train()
    box.fill("17")
    training.wait_for_new(training.look(), "picture")
    assert box.input_value() == "17"
    box.press("Enter")
    training.root.locator(".knob.differs").wait_for()


def test_a_cell_that_takes_more_than_two_seconds_shows_a_bar(stage):
    stage.start(5)
    bar = stage.page.locator('.jp-Notebook-cell[data-windowed-list-index="5"] .jp-OutputArea')
    bar.get_by_text("left").first.wait_for(timeout=30_000)
    lab = Lab(stage.page, 5)
    assert bar.get_by_text("left", exact=False).filter(visible=True).count() == 0
    assert lab.verdict.startswith("Counted.")
    stage.wait_for_kernel()


def test_the_picture_stays_in_its_place(instant):
    dice = random.Random(0)
    with picture_in_place(instant):
        for _ in range(ACTIONS):
            act_at_random(instant, dice)
        instant.wait_until_settled()


def test_the_focus_stays_in_the_lab(instant, training):
    for lab in (instant, training):
        lab.come_into_view()
        for button in lab.root.locator("button, summary").filter(visible=True).all():
            button.press("Enter")
            lab.wait_until_settled()
            assert lab.root.evaluate(HAS_FOCUS), button


def test_a_refused_value_is_told_in_the_words_of_its_label_and_nothing_is_cut_off(instant):
    box = instant.root.get_by_label("learning rate, exact value")
    with picture_in_place(instant):
        box.fill("0,01")
        box.press("Enter")
        instant.root.get_by_text("learning rate: '0,01' is not allowed").wait_for()
        assert instant.root.locator(".message").inner_text().endswith("write 0.01")
        box.fill("0.02")
        box.press("Enter")
        instant.wait_until_settled()
        assert instant.root.locator(".message").inner_text() == "" and box.input_value() == "0.02"
    instant.root.get_by_text("as code").click()
    code = instant.root.locator("details code")
    assert "n_pairs=12" in code.inner_text() and instant.root.evaluate(OVERFLOWS) == []
    instant.root.get_by_text("as code").click()


def test_a_diagnosis_counts_once_and_only_when_it_is_submitted(context, address, write):
    session = Session(
        context, address, write("83_clinic", "from rlhf_lessons.labs import fault_bank\nfault_bank.show()")
    )
    session.run(0)
    lab = Lab(session.page, 0)
    diagnosis, score = lab.root.locator(".knob.submit select"), lab.root.get_by_text("Named at first submission")
    with picture_in_place(lab):
        for _ in range(3):
            diagnosis.press("ArrowDown")
        lab.wait_until_settled()
        assert score.count() == 0, "going through the list says nothing"
        for times in (1, 2):
            lab.button("Submit this diagnosis").press("Enter")
            lab.wait_until_settled()
            assert " of 1, with 0.0 tests each." in score.inner_text(), times
            diagnosis.press("ArrowDown")
        lab.root.get_by_role("radio", name="a colleague").check()
        lab.wait_until_settled()
    assert lab.root.evaluate(OVERFLOWS) == [] and session.complaints == []
    session.close()


def test_no_lab_complains(stage):
    assert stage.complaints == []
