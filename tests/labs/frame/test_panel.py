import pytest

from rlhf_lessons.labs.frame.canvas import Screen
from rlhf_lessons.labs.frame.panel import Panel
from tests.labs.frame.a_line import LAB, SILENT, pixels


@pytest.fixture
def panel() -> Panel:
    return Panel(SILENT)


def do(panel: Panel, action: str, **given) -> dict:
    """What the page is told after the learner has done something."""
    panel.receive({"do": action, **given})
    return panel.stage.state


def marks(panel: Panel, word: str) -> dict[str, str]:
    """The knobs that stand elsewhere than they "was" or are "shown"."""
    return {name: knob[word] for name, knob in panel.stage.state["knobs"].items() if knob[word]}


def test_the_first_state_is_computed_drawn_and_worded(panel):
    assert len(set(map(tuple, pixels(panel.stage.picture).reshape(-1, 3)))) > 10
    assert panel.sentence == "Straight. The slope is -0.200."
    assert panel.stage.state["alt"] == "A line. Straight. The slope is -0.200."
    assert panel.stage.state["verdict"] == {
        "word": "straight", "mood": "bad", "figures": {"slope": "-0.200"}, "sentence": "The slope is -0.200.",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("knob", "to", "slope"), [("learning_rate", 0.1, -2.0), ("update", "both_fixed", 0.2), ("adaptive_kl", True, -0.4)]
)
def test_a_moved_knob_changes_picture_and_verdict(panel, knob, to, slope):
    before = panel.stage.picture
    state = do(panel, "move", knob=knob, place=panel.controls[knob].stops.index(to), n=7)
    assert panel.settings[knob] == to and panel.result.slope == pytest.approx(slope)
    assert f"{slope:.3f}" in state["verdict"]["sentence"] and panel.stage.picture != before
    assert state["answered"] == 7, "the page sends the next message when this one is answered"


def test_a_typed_value_is_kept_to_the_last_digit(panel):
    assert do(panel, "type", knob="learning_rate", text=" 0.0123456 ")["knobs"]["learning_rate"]["text"] == "0.0123456"
    assert panel.result.slope == pytest.approx(-0.246912)


@pytest.mark.parametrize("typed", ["21", "0", "2.5", "many", ""])
def test_a_refused_value_is_told_in_the_labels_words_and_changes_nothing_else(panel, typed):
    do(panel, "move", knob="update", place=1)
    before, picture = panel.stage.state, panel.stage.picture
    state = do(panel, "type", knob="n_pairs", text=typed)
    assert state["message"].startswith("training pairs: ") and "a whole number from 1 to 20" in state["message"]
    assert state == before | {"message": state["message"]} and panel.stage.picture == picture
    assert panel.stage.errors == [], "refusing a value is no error of the lab"


def test_a_first_state_that_raises_fails_the_cell():
    with pytest.raises(ArithmeticError, match="thirteen"):
        Panel(SILENT, {"n_pairs": 13})


@pytest.mark.parametrize(
    "asked", [{"do": "type", "knob": "n_pairs", "text": "13"}, {"do": "preset", "name": "thirteen"}]
)
def test_an_error_later_is_shown_and_kept(panel, asked):
    before = panel.stage.picture
    panel.receive(asked)
    assert panel.stage.state["message"] == "These settings do not work: thirteen pairs cannot be had (ArithmeticError)"
    (output,) = panel.stage.errors
    assert output["output_type"] == "error" and output["ename"] == "ArithmeticError"
    assert any("thirteen" in line for line in output["traceback"])
    assert panel.stage.picture == before and marks(panel, "shown") == {"n_pairs": "20"}, "the last good picture stays"
    do(panel, "place", width=300, height=300)
    assert panel.stage.errors, "a window that changes its size does not take the error away"
    do(panel, "type", knob="n_pairs", text="14")
    assert panel.stage.errors == [] and panel.stage.state["message"] == "" and not marks(panel, "shown")


def test_set_in_a_cell_raises_and_turns_all_knobs_or_none(panel):
    with pytest.raises(ArithmeticError):
        panel.set(n_pairs=13)
    panel.reset()
    with pytest.raises(ValueError, match="learning_rate: 7"):
        panel.set(update="both_fixed", learning_rate=7.0)
    with pytest.raises(ValueError, match="gamma: 'A line' has no such knob; it has learning_rate, n_pairs"):
        panel.set(update="both_fixed", gamma=1.0)
    assert panel.settings == panel.first_settings


def test_presets_reset_and_surprise(panel):
    do(panel, "preset", name="the fix")
    assert panel.settings == panel.first_settings | {"update": "both_fixed"}
    assert panel.result.slope == pytest.approx(0.2)
    do(panel, "reset")
    assert panel.settings == panel.first_settings and panel.sentence == Panel(SILENT).sentence
    do(panel, "surprise")
    assert panel.settings != panel.first_settings
    for name, control in panel.controls.items():
        assert panel.settings[name] in control.stops


def test_initial_settings_are_checked():
    assert Panel(SILENT, {"n_pairs": 10}).result.slope == pytest.approx(-0.1)
    with pytest.raises(ValueError, match="n_pairs: 50 is not allowed; it must be a whole number from 1 to 20"):
        Panel(SILENT, {"n_pairs": 50})
    with pytest.raises(ValueError, match="gamma: 'A line' has no such knob; it has learning_rate, n_pairs"):
        Panel(SILENT, {"gamma": 1.0})


def test_the_last_result_stays_in_grey_until_another_knob_is_turned(panel):
    for place in (2, 3):
        do(panel, "move", knob="n_pairs", place=place)
        assert marks(panel, "was") == {"n_pairs": "20"}, "a slider on its way leaves no trail"
    turned = panel.settings["n_pairs"]
    with_ghost = panel.stage.picture
    panel.canvas.drop_ghost()
    assert panel.canvas.render() != with_ghost
    do(panel, "move", knob="update", place=1)
    assert marks(panel, "was") == {"update": "as logged"} and panel.settings["n_pairs"] == turned


def test_a_pinned_result_stays_in_grey_until_it_is_let_go(panel):
    assert do(panel, "pin")["pinned"]
    do(panel, "preset", name="the fix")
    do(panel, "type", knob="n_pairs", text="5")
    assert marks(panel, "was") == {"update": "as logged", "n_pairs": "20"}
    with_ghost = panel.stage.picture
    assert not do(panel, "pin")["pinned"]
    assert not marks(panel, "was") and panel.stage.picture != with_ghost


@pytest.mark.parametrize(
    ("asked", "screen"),
    [
        ({"width": 650.4, "height": 480}, Screen(650, 480)),
        ({"width": 270, "height": 540, "ratio": 3.5, "dark": True}, Screen(270, 540, 2.0, dark=True)),
        ({"width": 1, "height": 1e6, "ratio": 0.5, "large": True}, Screen(100, 4000, 1.0, large=True)),
    ],
)
def test_it_draws_for_the_screen_within_limits(panel, asked, screen):
    do(panel, "place", **asked)
    assert panel.canvas.screen == screen
    height, width, _ = pixels(panel.stage.picture).shape
    assert (width, height) == (screen.width * screen.ratio, screen.height * screen.ratio)


RUBBISH = [
    None, [], "reset", {}, {"do": None}, {"do": []}, {"do": "dance"}, {"do": "receive"}, {"do": "_turn"},
    {"do": "move"}, {"do": "move", "knob": "gamma", "place": 0}, {"do": "move", "knob": [], "place": 0},
    *({"do": "move", "knob": "n_pairs", "place": place} for place in (-1, 10**9, 2.0, "2", None, [], float("nan"))),
    *({"do": "type", "knob": "n_pairs", "text": text} for text in (3, None, ["3"], "3\n4")),
    {"do": "preset", "name": "the moon"}, {"do": "reset", "now": True}, {"do": "commit", "guess": 3}, {"do": "ask"},
    *({"do": "place", "width": width, "height": 300} for width in ("wide", None, float("nan"), float("inf"))),
    {"do": "place", "width": 300, "height": 300, "ratio": "2"},
]  # fmt: skip


@pytest.mark.parametrize("message", RUBBISH, ids=repr)
def test_a_message_that_makes_no_sense_is_told_in_one_line_and_changes_nothing(panel, message):
    before, picture = panel.stage.state, panel.stage.picture
    panel.receive(message)
    told = panel.stage.state["message"]
    assert told and "\n" not in told
    assert panel.stage.state == before | {"message": told} and panel.stage.picture == picture
    assert do(panel, "preset", name="the fix")["message"] == "", "it goes on working"


def test_odd_words_for_a_dark_page_are_read_as_yes_or_no(panel):
    assert do(panel, "place", width=300, height=300, dark="yes", large=[])["message"] == ""
    assert panel.canvas.screen == Screen(300, 300, dark=True)


def test_the_code_gives_the_same_result():
    panel = Panel(LAB, {"n_pairs": 5})
    scope: dict = {}
    exec(panel.stage.state["code"], scope)
    assert scope["result"] == panel.result
    assert "learning_rate=0.01, n_pairs=5, update='as_logged', adaptive_kl=False" in panel.stage.state["code"]


def test_a_new_answer_reaches_the_browser_as_one_message(panel, monkeypatch):
    """It loads the picture anew for each message about it."""
    sent = []
    monkeypatch.setattr(panel.stage, "send_state", lambda names: sent.append({*names}) if names else None)
    do(panel, "move", knob="learning_rate", place=3)
    assert sent == [{"picture", "state"}]
