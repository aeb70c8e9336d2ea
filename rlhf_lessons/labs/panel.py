"""The frame all labs share: controls, a picture, a verdict in words, presets, and the same as code.

The frame computes the first state while it is made, so a failing lab fails the cell that shows it.
"""

import html
import random
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import traitlets

from rlhf_lessons.knobs import Value
from rlhf_lessons.labs.controls import Control, knobs_of
from rlhf_lessons.labs.lab import Lab

WIDTH = 980  # pixels, whatever the lab, so that nothing moves on the page


class DescribedImage(ipywidgets.Image):
    """An image whose tooltip says what it shows. The browser shows no tooltip where there is no `description`."""

    description = traitlets.Unicode("").tag(sync=True)


class Panel:
    """A lab on the screen, answering while a slider moves; `training.TrainingPanel` trains when asked.

    `initial` settings replace the defaults. Raises what `compute` raises for them, and ValueError for a
    setting the lab does not have or a value out of range.
    """

    def __init__(self, lab: Lab, initial: Mapping[str, Value] | None = None):
        self.lab = lab
        knobs = knobs_of(lab.compute, lab.ranges)
        for name in initial or {}:
            if name not in knobs:
                raise ValueError(f"{name}: {lab.title!r} has no such knob; it has {', '.join(knobs)}")
        self.start = {name: default for name, (_, default) in knobs.items()} | dict(initial or {})
        self.controls = {
            name: Control(knob, self.start[name], self.guard(self.answer), self.say)
            for name, (knob, _) in knobs.items()
        }
        self.canvas = lab.canvas()
        self._dice = random.Random(0)
        self._make_widgets()
        Panel.answer(self)

    @property
    def settings(self) -> dict[str, Value]:
        """What the controls stand at."""
        return {name: control.value for name, control in self.controls.items()}

    def answer(self) -> None:
        """Compute and show what the controls ask for. Raises what `compute` raises."""
        settings = self.settings
        self.show(self.lab.compute(**settings), settings)

    def set(self, **settings: Value) -> None:
        """Turn several controls at once and answer, as a learner would. Raises what `compute` raises."""
        for name, value in settings.items():
            self.controls[name].set(value)
        self.canvas.refit()
        self.answer()

    def reset(self) -> None:
        """Back to the first state."""
        self.set(**self.start)

    def surprise(self) -> None:
        """Turn every control to a random place."""
        self.set(**{name: control.drawn(self._dice) for name, control in self.controls.items()})

    def show(self, result: Any, settings: Mapping[str, Value]) -> None:
        """Draw a result and say what it means."""
        self.canvas.begin()
        self.lab.draw(result, self.canvas)
        self.result = result
        self.sentence = self.lab.verdict(result)
        self.canvas.alt = f"{self.lab.title}. {self.sentence}"
        self.image.value = self.canvas.render()
        self.image.tooltip = self.canvas.alt
        self.verdict.value = live(self.sentence)
        self.code.value = f'<code style="user-select:all">{html.escape(self.lab.code(settings))}</code>'
        if self.lab.text:
            self.text.value = f'<pre style="line-height:1.3">{html.escape(self.lab.text(result))}</pre>'
        self._compare()

    def guard(self, action: Callable[[], None]) -> Callable[[], None]:
        """`action` for a button or slider: what it raises appears in the lab and in its error output."""

        def guarded() -> None:
            self.say("")
            self.errors.outputs = ()
            try:
                action()
            except Exception as error:
                self.fail(error)

        return guarded

    def say(self, message: str) -> None:
        """A message in the lab, for example why a typed value was refused."""
        self.message.value = live(message, "color:var(--jp-error-color0,#a00000)")

    def fail(self, error: Exception) -> None:
        """Show an error in plain words, and keep it as an error output that a rerun of the notebook finds."""
        self.say(f"These settings do not work: {error}")
        name, trace = type(error).__name__, traceback.format_exception(error)
        record = {"output_type": "error", "ename": name, "evalue": str(error), "traceback": trace}
        self.errors.outputs = (record,)

    def _make_widgets(self) -> None:
        width = f"{min(WIDTH, self.canvas.pixels)}px"
        self.image = DescribedImage(format="png", layout={"width": width, "max_width": "100%"})
        self.verdict, self.message, self.code, self.text = (ipywidgets.HTML() for _ in range(4))
        self.verdict.layout.min_height = "60px"  # room for two lines, so that the picture stays in its place
        self.errors = ipywidgets.Output()
        title = ipywidgets.HTML(f"<b>{html.escape(self.lab.title)}</b>")
        knobs = [control.widget for control in self.controls.values()]
        parts = [
            title,
            self._question(),
            *knobs,
            *self._buttons(),
            self.message,
            self.verdict,
        ]
        parts += [self.image, self.text, ipywidgets.HTML("The same as code:"), self.code, self.errors]
        self.box = ipywidgets.VBox(
            [part for part in parts if part is not None], layout={"width": "100%", "max_width": f"{WIDTH}px"}
        )

    def _question(self) -> ipywidgets.Widget | None:
        self.prediction = ipywidgets.Text(
            placeholder="a number",
            tooltip="your prediction",
            continuous_update=False,
            layout={"width": "120px"},
        )
        self.compared = ipywidgets.HTML()
        if self.lab.question is None:
            return None
        self.prediction.observe(lambda _: self._compare(), "value")
        asked = ipywidgets.HTML(f"<b>Predict first.</b> {html.escape(self.lab.question.text)}")
        return ipywidgets.VBox([asked, ipywidgets.HBox([self.prediction, self.compared])])

    def _compare(self) -> None:
        question, typed = self.lab.question, self.prediction.value.strip()
        if question is None or not typed:
            return
        try:
            guess = question.form.format(float(typed))
            answer = question.form.format(question.answer(self.result))
            self.compared.value = live(f"You predicted {guess}; with the settings below it is {answer}.")
        except ValueError:
            self.compared.value = live(f"{typed!r} is not a number.")

    def _buttons(self) -> list[ipywidgets.Widget]:
        """Rows of buttons."""
        presets = {name: self._preset(changes) for name, changes in self.lab.presets.items()}
        actions = presets | {"surprise me": self.surprise, "reset": self.reset}
        self.presets = [button(name, self.guard(action)) for name, action in actions.items()]
        return [ipywidgets.HBox(self.presets, layout={"flex_flow": "row wrap"})]

    def _preset(self, changes: Mapping[str, Value]) -> Callable[[], None]:
        return lambda: self.set(**(self.start | dict(changes)))

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        view = self.box._repr_mimebundle_()
        data = view | {"image/png": bytes(self.image.value), "text/plain": self.sentence}
        return data, {"image/png": {"alt": self.canvas.alt}}


def button(name: str, action: Callable[[], None]) -> ipywidgets.Button:
    """A button that calls `action` when pressed."""
    made = ipywidgets.Button(description=name, layout={"width": "auto", "flex": "0 0 auto"})
    made.on_click(lambda _: action())
    return made


def live(text: str, style: str = "") -> str:
    """HTML which a screen reader reads out when it changes."""
    return f'<div role="status" aria-live="polite" style="{style}">{html.escape(text)}</div>'
