import inspect
import math
import random
from importlib import import_module

import pytest

from rlhf_lessons.knobs import KNOBS
from rlhf_lessons.labs.frame.controls import LABELS, Control, as_text
from rlhf_lessons.labs.frame.panel import Panel
from tests.labs.test_lab_files import NAMES

ROUND = {1, 2, 5}
RATE, PAIRS = KNOBS["learning_rate"], KNOBS["n_pairs"]


@pytest.fixture(params=NAMES)
def panel(request, monkeypatch) -> Panel:
    """Each lab, with nothing computed."""
    monkeypatch.setattr(Panel, "_show_first", lambda self: None)
    return Panel(import_module(f"rlhf_lessons.labs.{request.param}").LAB)


def digits(value: float) -> float:
    """A number without its power of ten: 1 to 10."""
    return round(value / 10 ** math.floor(math.log10(value) + 1e-9), 6)


def given(panel: Panel, name: str) -> set:
    """The values of a knob that a learner is sent to by name."""
    lab = panel.lab
    changes = [panel.first_settings, *lab.presets.values(), lab.question.settings if lab.question else {}]
    return {each[name] for each in changes if name in each}


def test_every_slider_goes_both_ways_from_every_stop(panel):
    for control in panel.controls.values():
        for place, stop in enumerate(control.stops):
            control.move(place)
            assert (control.place, control.value) == (place, stop), control.knob.name
        texts = [as_text(stop) for stop in control.stops]
        assert len({*texts}) == len(texts), f"{control.knob.name}: a step that shows no other value"


def test_sliders_stop_at_both_ends_and_wherever_a_button_sends_them(panel):
    for name, control in panel.controls.items():
        if control.knob.kind in (int, float):
            assert given(panel, name) <= {*control.stops}
            assert (control.stops[0], control.stops[-1]) == (control.knob.low, control.knob.high)
            assert all(one < next_one for one, next_one in zip(control.stops, control.stops[1:], strict=False))
            assert {type(stop) for stop in control.stops} == {control.knob.kind}


def test_sliders_stop_at_round_values(panel):
    for name, control in panel.controls.items():
        if control.knob.kind not in (int, float):
            continue
        free = {*control.stops} - given(panel, name) - {control.knob.low, control.knob.high}
        if control.knob.log:
            assert {digits(stop) for stop in free} <= ROUND, name
        else:
            step = max(high - low for low, high in zip(control.stops, control.stops[1:], strict=False))
            assert digits(step) in ROUND, name
            assert all(abs(stop / step - round(stop / step)) < 1e-6 for stop in free), name


def test_every_knob_is_named_and_explained(panel):
    words = [control.spec["words"] for control in panel.controls.values()]
    assert len({*words}) == len(words)
    for control in panel.controls.values():
        assert "_" not in control.spec["words"] and control.spec["about"][0].isupper(), control.knob.name
        assert control.spec["about"].endswith(".") and not any("_" in stop for stop in control.spec["stops"])


def test_a_number_says_where_its_range_ends():
    spec = Control(PAIRS, 20).spec
    assert spec["about"] == "How many comparisons the reward model learns from. From 1 to 50000."
    assert (spec["words"], spec["symbol"], spec["unit"], spec["kind"]) == ("training pairs", "N", "pairs", "number")


def test_every_label_is_of_a_knob():
    labs = [import_module(f"rlhf_lessons.labs.{name}").compute for name in NAMES]
    assert LABELS.keys() <= KNOBS.keys() | {name for lab in labs for name in inspect.signature(lab).parameters}


@pytest.mark.parametrize(
    ("knob", "typed", "told"),
    [
        (RATE, "0,01", "learning rate: '0,01' is not allowed; it must be a number from 1e-07 to 1; write 0.01"),
        (RATE, "50", "learning rate: 50.0 is not allowed; it must be a number from 1e-07 to 1"),
        (RATE, "5,0", "learning rate: '5,0' is not allowed; it must be a number from 1e-07 to 1"),
        (RATE, "a,b", "learning rate: 'a,b' is not allowed; it must be a number from 1e-07 to 1"),
        (PAIRS, "1,000", "training pairs: '1,000' is not allowed; it must be a whole number from 1 to 50000"),
        (KNOBS["head_init"], "no", "head init: 'no' is not allowed; it must be one of normal, xavier, he"),
    ],
)
def test_a_typed_value_is_refused_in_the_labels_words_with_a_hint_where_one_helps(knob, typed, told):
    control = Control(knob, knob.choices[0] if knob.choices else 1)
    with pytest.raises(ValueError) as refusal:
        control.type(typed)
    assert str(refusal.value) == told and control.value == (knob.choices[0] if knob.choices else 1)


@pytest.mark.parametrize(("value", "nearest"), [(0.013, 0.01), (0.018, 0.02), (0.05, 0.05)])
def test_a_value_between_stops_is_kept_and_the_slider_stands_near(value, nearest):
    control = Control(RATE, 0.01)
    control.set(value)
    assert control.value == value and control.stops[control.place] == nearest


@pytest.mark.parametrize("place", [-1, 10**9, 1.0, "1", None])
def test_there_are_no_other_stops(place):
    with pytest.raises(ValueError, match=r"^learning rate: .* is not allowed; it must be a stop from 0 to 21$"):
        Control(RATE, 0.01).move(place)


def test_surprises_are_stops_and_repeat_with_their_seed():
    values = []
    for _ in range(2):
        dice, control = random.Random(0), Control(RATE, 0.0123)
        values.append([control.random_stop(dice) for _ in range(20)])
    assert values[0] == values[1] and {*values[0]} <= {*Control(RATE, 0.0123).stops} and len({*values[0]}) > 5


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-4, "0.0001"), (1e-6, "1e-06"), (0.1 + 0.2, "0.3"), (20, "20"), (True, "yes"), ("pairs_2000", "2,000 pairs"),
     ("as_logged", "as logged"), (-0.0, "0")],
)  # fmt: skip
def test_values_are_written_as_people_write_them(value, text):
    assert as_text(value) == text
