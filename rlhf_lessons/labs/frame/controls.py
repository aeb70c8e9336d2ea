"""A control for each knob: a slider, list or tick box, and beside a slider a box for typing an exact value."""

import html
import inspect
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import ipywidgets

from rlhf_lessons.knobs import KNOBS, Knob, Value
from rlhf_lessons.labs.frame.parts import DescribedRow

SLIDER_STEPS = 100
NAME_WIDTH, BOX_WIDTH, SLIDER_WIDTH = "130px", "250px", "300px"


def knobs_of(compute: Callable[..., Any], ranges: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Knob, Value]]:
    """The knobs among `compute`'s parameters, with their defaults.

    `ranges` narrows bounds or choices, and declares the knobs that are this lab's alone.
    """
    parameters = inspect.signature(compute).parameters.values()
    return {
        p.name: (replace(KNOBS.get(p.name, Knob(p.name)), **ranges.get(p.name, {})), p.default)
        for p in parameters
        if p.name in KNOBS or p.name in ranges
    }


class Control:
    """One knob on the screen. `value` is exact; a slider may only come near a typed value.

    `selector` is the slider, list or tick box. `box` is the text box of a number, None for any other knob.
    """

    def __init__(self, knob: Knob, value: Value, on_change: Callable[[], None], on_refused: Callable[[str], None]):
        self.knob = knob
        self.value = knob.check(value)
        self._on_change = on_change
        self._on_refused = on_refused
        self._quiet = False
        self.selector = _selector(knob, self.value)
        self.box = _box(knob, self.value) if knob.kind in (int, float) else None
        self.selector.observe(self._moved, "value")
        if self.box:
            self.box.observe(self._typed, "value")
        unit = ipywidgets.HTML(f"<small>{html.escape(knob.unit)}</small>")
        parts = [self.box, self.selector, unit] if self.box else [self.selector]
        self.widget = DescribedRow(
            parts, tooltip=f"{knob.meaning} It must be {knob.allowed}.", layout={"align_items": "center"}
        )
        for name in ("knob", *["log"] * knob.log, *["whole"] * (knob.kind is int)):
            self.widget.add_class(f"rlhf-{name}")

    def set(self, value: Value) -> None:
        """Show another value without telling the lab. Raises ValueError if the knob refuses it."""
        self.value = self.knob.check(value)
        self._quiet = True
        self.selector.value = to_slider(self.knob, self.value)
        if self.box:
            self.box.value = as_text(self.value)
        self._quiet = False

    def random_value(self, dice: random.Random) -> Value:
        """A random value of this knob, spread as its slider is."""
        if self.box is None:
            return dice.choice(self.knob.choices or (False, True))
        slider = self.selector
        step = (slider.max - slider.min) / SLIDER_STEPS
        return from_slider(self.knob, slider.min + step * dice.randint(0, SLIDER_STEPS))

    def _moved(self, change: Mapping[str, Any]) -> None:
        if not self._quiet and not self._snapped(change["new"]):
            self.set(from_slider(self.knob, change["new"]))
            self._on_change()

    def _snapped(self, position: Value) -> bool:
        """Whether a slider, when it appeared in the browser, only went to the mark nearest to the exact value."""
        if self.box is None:
            return False
        return abs(float(position) - float(to_slider(self.knob, self.value))) < 0.49 * self.selector.step

    def _typed(self, change: Mapping[str, Any]) -> None:
        if self._quiet:
            return
        try:
            value = self.knob.parse(change["new"].strip())
        except ValueError as error:
            self.set(self.value)
            self._on_refused(str(error))
            return
        self.set(value)
        self._on_change()


def as_text(value: Value) -> str:
    """A value as one types it: 0.0001 as 0.0001, 1e-06 as 1e-06."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def to_slider(knob: Knob, value: Value) -> Value:
    """Where a slider stands for a value: on its logarithm, for knobs with a logarithmic scale."""
    return math.log10(float(value)) if knob.log else value


def from_slider(knob: Knob, position: Value) -> Value:
    """The value of a slider's position, rounded to three figures and kept within the knob's bounds."""
    if knob.kind not in (int, float):
        return position
    rounded = float(f"{10 ** float(position) if knob.log else float(position):.3g}")
    value = min(max(rounded, knob.low), knob.high)
    return round(value) if knob.kind is int else value


def _selector(knob: Knob, value: Value) -> ipywidgets.Widget:
    if knob.kind not in (int, float):
        if knob.kind is bool:
            return ipywidgets.Checkbox(value, **_named(knob))
        options = [(choice.replace("_", " "), choice) for choice in knob.choices]
        return ipywidgets.Dropdown(options=options, value=value, **_named(knob))
    low, high = (float(to_slider(knob, end)) for end in (knob.low, knob.high))
    whole = knob.kind is int and not knob.log
    return ipywidgets.FloatSlider(
        value=to_slider(knob, value), min=low, max=high, step=1 if whole else (high - low) / SLIDER_STEPS,
        readout=False, layout={"width": SLIDER_WIDTH},
    )  # fmt: skip


def _box(knob: Knob, value: Value) -> ipywidgets.Text:
    return ipywidgets.Text(value=as_text(value), continuous_update=False, **_named(knob))


def _named(knob: Knob) -> dict[str, Any]:
    """What every widget with the knob's name before it has in common."""
    return {
        "description": knob.name.replace("_", " "),
        "layout": {"width": BOX_WIDTH},
        "style": {"description_width": NAME_WIDTH},
    }
