"""The frame all labs share: controls, a picture, a verdict in words, presets, and the same as code.

A panel computes its first result while it is made, so a lab that fails makes the cell fail which shows it.
"""

import html
import math
import random
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from rlhf_lessons.knobs import Value
from rlhf_lessons.labs.frame.controls import NAME_WIDTH, Control, knobs_of
from rlhf_lessons.labs.frame.lab import Lab
from rlhf_lessons.labs.frame.parts import DescribedImage, announced_text, button, page_script, title

WIDTH = 980  # pixels, whatever the lab, so that nothing moves on the page


class Panel:
    """A lab on the screen which answers while a slider moves. `training.TrainingPanel` waits for a button instead.

    `initial` settings replace the defaults. Raises what `compute` raises for them, and ValueError for a
    setting the lab does not have or a value out of range.
    """

    def __init__(self, lab: Lab, initial: Mapping[str, Value] | None = None):
        self.lab = lab
        knobs = knobs_of(lab.compute, lab.ranges)
        for name in initial or {}:
            if name not in knobs:
                raise ValueError(f"{name}: {lab.title!r} has no such knob; it has {', '.join(knobs)}")
        self.first_settings = {name: default for name, (_, default) in knobs.items()} | dict(initial or {})
        self.controls = {
            name: Control(knob, self.first_settings[name], self.guard(self.answer), self.show_message)
            for name, (knob, _) in knobs.items()
        }
        self.canvas = lab.canvas()
        self._random = random.Random(0)
        self._make_widgets()
        self._compute_and_show()

    @property
    def settings(self) -> dict[str, Value]:
        """What the controls stand at."""
        return {name: control.value for name, control in self.controls.items()}

    def answer(self) -> None:
        """The learner has moved a control: show the new result. Raises what `compute` raises."""
        self._compute_and_show()

    def set(self, **settings: Value) -> None:
        """Turn several controls at once and show the new result. Raises what `compute` raises."""
        self._turn(settings)
        self._compute_and_show()

    def reset(self) -> None:
        """Back to the first settings and their result."""
        self.set(**self.first_settings)

    def surprise(self) -> None:
        """Turn every control to a random place."""
        self.set(**{name: control.random_value(self._random) for name, control in self.controls.items()})

    def show(self, result: Any, settings: Mapping[str, Value]) -> None:
        """Draw a result and say what it means."""
        self.canvas.begin()
        self.lab.draw(result, self.canvas)
        self.result = result
        self.sentence = self.lab.verdict(result)
        self.canvas.alt = f"{self.lab.title}. {self.sentence}"
        with self.image.hold_sync():  # the browser loads the picture anew for every message about it
            self.image.value, self.image.tooltip = self.canvas.render(), self.canvas.alt
        self.verdict.value = html.escape(self.sentence)
        self.code.value = f'<code style="user-select:all">{html.escape(self.lab.code(settings))}</code>'
        if self.lab.text:
            self.text.value = f'<pre style="line-height:1.3">{html.escape(self.lab.text(result))}</pre>'
        self._compare()

    def guard(self, action: Callable[[], None]) -> Callable[[], None]:
        """`action` for a button or slider: what it raises appears in the lab and in its error output.

        The error is also raised again, so that a cell which turns a knob fails. When a learner turned it, the
        error raised again only reaches the kernel's own log.
        """

        def guarded() -> None:
            self.show_message("")
            self.errors.outputs = ()
            try:
                action()
            except Exception as error:
                self.show_error(error)
                raise

        return guarded

    def show_message(self, message: str) -> None:
        """A message in the lab, for example why a typed value was refused."""
        self.message.value = f'<span style="color:var(--jp-error-color0,#a00000)">{html.escape(message)}</span>'

    def show_error(self, error: Exception) -> None:
        """Show an error in plain words, and keep it as an error output that a rerun of the notebook finds."""
        self.show_message(f"These settings do not work: {error}")
        name, trace = type(error).__name__, "".join(traceback.format_exception(error)).splitlines()
        record = {"output_type": "error", "ename": name, "evalue": str(error), "traceback": trace}
        self.errors.outputs = (record,)

    def _turn(self, settings: Mapping[str, Value]) -> None:
        for name, value in settings.items():
            self.controls[name].set(value)
        self.canvas.forget_limits()

    def _compute_and_show(self) -> None:
        settings = self.settings
        self.show(self.lab.compute(**settings), settings)

    def _make_widgets(self) -> None:
        width = f"{min(WIDTH, self.canvas.pixels)}px"
        self.image = DescribedImage(format="png", layout={"width": width, "max_width": "100%"})
        self.verdict, self.comparison, self.message = announced_text(), announced_text(), announced_text()
        self.code, self.text = ipywidgets.HTML(), ipywidgets.HTML()
        self.verdict.layout.min_height = "60px"  # room for two lines, so that the picture stays in its place
        self.errors = ipywidgets.Output()
        knobs = [control.widget for control in self.controls.values()]
        controls = [title(self.lab.title), *self._question(), *knobs, *self._buttons()]
        answers = [self.message, self.verdict, self.comparison, self.image, *([self.text] if self.lab.text else [])]
        self.box = ipywidgets.VBox(
            [*controls, *answers, ipywidgets.HTML("The same as code:"), self.code, self.errors, page_script()],
            layout={"width": "100%", "max_width": f"{WIDTH}px"},
        )
        self.box.add_class("rlhf-lab")
        self.verdict.add_class("rlhf-verdict")

    def _question(self) -> list[ipywidgets.Widget]:
        self.prediction = ipywidgets.Text(
            description="Your prediction", placeholder="a number", continuous_update=False,
            layout={"width": "250px"}, style={"description_width": NAME_WIDTH},
        )  # fmt: skip
        if self.lab.question is None:
            return []
        self.prediction.observe(lambda _: self._compare(), "value")
        question = f"<b>Predict first.</b> {html.escape(self.lab.question.text)}"
        return [ipywidgets.HTML(question), self.prediction]

    def _compare(self) -> None:
        question, typed = self.lab.question, self.prediction.value.strip()
        if question is None or not typed:
            return
        try:
            guess = question.number_format.format(as_number(typed))
        except ValueError:
            self.comparison.value = html.escape(f"{typed!r} is not a number.")
            return
        answer = question.number_format.format(question.answer(self.result))
        self.comparison.value = html.escape(f"You predicted {guess}; with these settings it is {answer}.")

    def _buttons(self) -> list[ipywidgets.Widget]:
        """Rows of buttons."""
        presets = {name: self._preset(changes) for name, changes in self.lab.presets.items()}
        actions = presets | {"surprise me": self.surprise, "reset": self.reset}
        self.preset_buttons = [button(name, self.guard(action)) for name, action in actions.items()]
        return [ipywidgets.HBox(self.preset_buttons, layout={"flex_flow": "row wrap"})]

    def _preset(self, changes: Mapping[str, Value]) -> Callable[[], None]:
        return lambda: self.set(**(self.first_settings | dict(changes)))

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        view = self.box._repr_mimebundle_()
        data = view | {"image/png": bytes(self.image.value), "text/plain": self.sentence}
        return data, {"image/png": {"alt": self.canvas.alt}}


def as_number(text: str) -> float:
    """A typed number, where 70% is 0.7. Raises ValueError for anything else."""
    number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a number")
    return number
