import base64
import html
import io
import re
from dataclasses import dataclass

import numpy as np
import pytest
from matplotlib.axes import Axes
from PIL import Image

from rlhf_lessons.knobs import KNOBS
from rlhf_lessons.labs.frame.canvas import KEPT_BACKGROUNDS, Canvas, limits
from rlhf_lessons.labs.frame.controls import from_slider, to_slider
from rlhf_lessons.labs.frame.lab import Lab, Question
from rlhf_lessons.labs.frame.panel import Panel


@dataclass(frozen=True)
class Line:
    slope: float


def compute(
    learning_rate: float = 0.01, n_pairs: int = 20, update: str = "as_logged", adaptive_kl: bool = False
) -> Line:
    if n_pairs == 13:
        raise ArithmeticError("thirteen pairs cannot be had")
    return Line(learning_rate * n_pairs * (-1 if update == "as_logged" else 1) * (2 if adaptive_kl else 1))


def draw(result: Line, canvas: Canvas) -> None:
    y = [result.slope * x for x in range(10)]
    canvas.axis(0, "A line", "step", "reward", (0, 9), canvas.fit(0, y))
    canvas.level(0, 0.0, "zero")
    canvas.curve(0, "line", range(10), y)
    canvas.curve(0, "points", range(10), y, 1, points=True)


def verdict(result: Line) -> str:
    return f"the slope is {result.slope:.3f}"


LAB = Lab(
    title="A line",
    compute=compute,
    draw=draw,
    verdict=verdict,
    canvas=lambda: Canvas(1),
    ranges={"n_pairs": {"high": 20}, "update": {"choices": ("as_logged", "both_fixed")}},
    presets={"the fix": {"update": "both_fixed"}, "thirteen": {"n_pairs": 13}},
    question=Question("How steep?", lambda result: result.slope),
)


@pytest.fixture
def panel() -> Panel:
    return Panel(LAB)


def buttons(panel: Panel) -> dict:
    found = {}
    for row in panel.box.children:
        found |= {child.description: child for child in getattr(row, "children", ()) if hasattr(child, "click")}
    return found


def test_the_first_state_is_computed_drawn_and_worded(panel):
    picture = Image.open(io.BytesIO(panel.image.value))
    assert picture.format == "PNG" and len(picture.getcolors(100_000)) > 10
    assert panel.sentence == "the slope is -0.200" == panel.verdict.value


def test_a_slider_changes_picture_and_verdict(panel):
    before = panel.image.value
    panel.controls["learning_rate"].selector.value = -1.0  # the logarithm of 0.1
    assert panel.settings["learning_rate"] == 0.1
    assert panel.controls["learning_rate"].box.value == "0.1"
    assert panel.sentence == "the slope is -2.000" and panel.image.value != before


def test_lists_and_tick_boxes_change_it_too(panel):
    panel.controls["update"].selector.value = "both_fixed"
    assert panel.result.slope == pytest.approx(0.2)
    panel.controls["adaptive_kl"].selector.value = True
    assert panel.result.slope == pytest.approx(0.4)


def test_a_typed_value_is_kept_to_the_last_digit(panel):
    panel.controls["learning_rate"].box.value = "0.0123456"
    assert panel.settings["learning_rate"] == 0.0123456
    assert panel.result.slope == pytest.approx(-0.246912)


@pytest.mark.parametrize("typed", ["21", "0", "2.5", "many", ""])
def test_a_typed_value_out_of_range_is_refused_in_words(panel, typed):
    before = panel.image.value
    panel.controls["n_pairs"].box.value = typed
    assert "n_pairs" in panel.message.value and "a whole number from 1 to 20" in html.unescape(panel.message.value)
    assert panel.settings["n_pairs"] == 20 and panel.controls["n_pairs"].box.value == "20"
    assert panel.image.value == before
    assert panel.errors.outputs == (), "refusing a value is no error of the lab"


def test_a_first_state_that_raises_fails_the_cell():
    with pytest.raises(ArithmeticError, match="thirteen"):
        Panel(LAB, {"n_pairs": 13})


def test_an_error_later_is_shown_and_kept_as_an_error_output(panel):
    before = panel.image.value
    with pytest.raises(ArithmeticError, match="thirteen"):
        panel.controls["n_pairs"].box.value = "13"
    assert "thirteen pairs cannot be had" in panel.message.value
    (output,) = panel.errors.outputs
    assert output["output_type"] == "error" and output["ename"] == "ArithmeticError"
    assert any("thirteen" in line for line in output["traceback"])
    assert panel.image.value == before, "the last good picture stays"
    panel.controls["n_pairs"].box.value = "14"
    assert panel.errors.outputs == () and "thirteen" not in panel.message.value


def test_set_in_a_cell_raises():
    panel = Panel(LAB)
    with pytest.raises(ArithmeticError):
        panel.set(n_pairs=13)
    with pytest.raises(ValueError, match="learning_rate: 7"):
        panel.set(learning_rate=7.0)


def test_an_error_under_a_button_reaches_the_error_output(panel):
    buttons(panel)["thirteen"].click()
    assert panel.errors.outputs[0]["ename"] == "ArithmeticError"


def test_presets_reset_and_surprise(panel):
    first = panel.image.value
    buttons(panel)["the fix"].click()
    assert panel.settings["update"] == "both_fixed" and panel.result.slope == pytest.approx(0.2)
    buttons(panel)["reset"].click()
    assert panel.settings == panel.first_settings and panel.image.value == first
    buttons(panel)["surprise me"].click()
    assert panel.settings != panel.first_settings
    for name, control in panel.controls.items():
        assert control.knob.check(panel.settings[name]) == panel.settings[name]


def test_initial_settings_are_checked():
    assert Panel(LAB, {"n_pairs": 10}).result.slope == pytest.approx(-0.1)
    with pytest.raises(ValueError, match="n_pairs: 50 is not allowed; it must be a whole number from 1 to 20"):
        Panel(LAB, {"n_pairs": 50})
    with pytest.raises(ValueError, match="gamma: 'A line' has no such knob; it has learning_rate, n_pairs"):
        Panel(LAB, {"gamma": 1.0})


def test_the_prediction_is_kept_beside_the_result(panel):
    assert panel.comparison.value == ""
    panel.prediction.value = "-0.1"
    assert "You predicted -0.1; with these settings it is -0.2" in panel.comparison.value
    panel.set(n_pairs=10)
    assert "You predicted -0.1; with these settings it is -0.1" in panel.comparison.value
    panel.prediction.value = "25%"
    assert "You predicted 0.25;" in panel.comparison.value


@pytest.mark.parametrize("typed", ["a lot", "nan", "1e999", "%"])
def test_a_prediction_that_is_no_number_is_told_so(panel, typed):
    panel.prediction.value = typed
    assert "is not a number" in panel.comparison.value


def test_it_shows_as_a_picture_where_no_kernel_runs(panel):
    data, metadata = panel._repr_mimebundle_()
    assert data["image/png"].startswith(b"\x89PNG") and base64.b64encode(data["image/png"])
    assert data["text/plain"] == panel.sentence
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.box.model_id
    assert metadata["image/png"]["alt"] == "A line. the slope is -0.200" == panel.image.tooltip


def test_the_code_line_names_every_setting(panel):
    package, _, name = __name__.rpartition(".")
    line = html.unescape(re.sub("<[^>]*>", "", panel.code.value))
    assert line == (
        f"from {package} import {name} as lab; result = lab.compute(learning_rate=0.01, n_pairs=20, "
        "update='as_logged', adaptive_kl=False)"
    )


@pytest.mark.parametrize(
    ("name", "value"), [("learning_rate", 3e-4), ("n_pairs", 20), ("head_init_scale", 2.5), ("layers", 3)]
)
def test_a_slider_gives_back_the_value_it_stands_at(name, value):
    assert from_slider(KNOBS[name], to_slider(KNOBS[name], value)) == value


def test_a_slider_that_snaps_in_the_browser_changes_nothing(panel):
    panel.controls["learning_rate"].box.value = "0.0123456"
    slider = panel.controls["learning_rate"].selector
    slider.value = round(slider.value / slider.step) * slider.step
    assert panel.settings["learning_rate"] == 0.0123456
    slider.value += slider.step
    assert panel.settings["learning_rate"] > 0.0124


def test_a_moved_curve_on_a_kept_background_is_the_picture_drawn_afresh():
    moved, fresh = Canvas(1), Canvas(1)
    for canvas, results in ((moved, (Line(0.9), Line(0.8))), (fresh, (Line(0.9),))):
        for result in results:
            canvas.begin()
            draw(result, canvas)
            canvas.render()
    assert moved.render() != fresh.render()
    moved.begin()
    draw(Line(0.9), moved)
    assert moved.render() == fresh.render()


def test_a_picture_seen_before_returns_without_being_drawn_anew(monkeypatch):
    """With other limits, scales and texts in between: a curve must follow the axes of its own background."""
    looks = [("reward", (0, 9), False), ("loss", (1, 90), True)]

    def render(canvas: Canvas, title: str, x_limits: tuple[float, float], log_x: bool) -> bytes:
        canvas.begin()
        canvas.axis(0, title, "step", "reward", x_limits, (0, 9), log_x)
        canvas.curve(0, "line", range(1, 9), range(1, 9))
        return canvas.render()

    canvas = Canvas(1)
    pictures = [render(canvas, *look) for look in looks]
    assert pictures == [render(Canvas(1), *look) for look in looks]
    with monkeypatch.context() as patch:
        patch.setattr(Axes, "draw", lambda *_: pytest.fail("drawn anew"))
        assert [render(canvas, *look) for look in looks] == pictures
    for limit in range(KEPT_BACKGROUNDS + 1):
        render(canvas, "other", (0, 10 + limit), False)
    assert len(canvas._backgrounds[0]) == KEPT_BACKGROUNDS, "memory is bounded"
    assert render(canvas, *looks[0]) == pictures[0]


def test_a_new_answer_reaches_the_browser_as_one_message_about_the_picture(panel, monkeypatch):
    """It loads the picture anew for each."""
    sent = []
    monkeypatch.setattr(panel.image, "send_state", lambda names: sent.append({*names}))
    panel.set(learning_rate=0.1)
    assert sent == [{"value", "tooltip"}]


def test_limits_stay_while_a_slider_moves_and_start_anew_on_demand():
    canvas = Canvas(1)
    first = canvas.fit(0, [0.0, 1.0])
    assert canvas.fit(0, [0.0, 0.8]) == first, "still within"
    grown = canvas.fit(0, [0.0, 1.2])
    assert grown[0] == pytest.approx(0, abs=0.1) and grown[1] > 1.5 and canvas.fit(0, [0.0, 1.3]) == grown, "headroom"
    assert canvas.fit(0, [0.0, 0.01])[1] < 0.1, "too small to be seen"
    canvas.forget_limits()
    assert canvas.fit(0, [0.0, 1.0]) == first


def test_what_is_not_drawn_again_disappears():
    canvas = Canvas(1)
    canvas.begin()
    canvas.axis(0, "", "x", "y", (0, 1), (0, 1))
    empty = np.asarray(Image.open(io.BytesIO(canvas.render())))
    canvas.curve(0, "line", [0, 1], [0, 1])
    canvas.level(0, 0.5, "half")
    assert (np.asarray(Image.open(io.BytesIO(canvas.render()))) != empty).any()
    canvas.begin()
    canvas.axis(0, "", "x", "y", (0, 1), (0, 1))
    assert (np.asarray(Image.open(io.BytesIO(canvas.render()))) == empty).all()


def test_limits_are_round_show_everything_and_survive_nan():
    low, high = limits([0.1, 0.7, float("nan"), 1.0])
    assert low <= 0.1 and high >= 1.0
    assert limits([]) == pytest.approx((-0.03, 1.03))
    assert limits([0.2, 0.0, 1.0]) == pytest.approx((-0.03, 1.03))
    low, high = limits([2.0, 2.0])
    assert low < 2 < high
