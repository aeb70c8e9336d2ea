"""The frame of labs that train: Train and Stop, a progress bar with the time left, and curves that grow live.

The lab's `compute` takes one more argument, `watch(result so far, share done)`, and calls it at every step.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from rlhf_lessons.knobs import Value
from rlhf_lessons.labs.frame.lab import Lab
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.parts import announced_text, button

REDRAW_SECONDS = 0.25
NOT_DRAWN = -math.inf  # before the first live picture; it is drawn at once
Watch = Callable[[Any, float], None]

# Two trainings that both use all threads of the processor slow one another up to tenfold, so labs take turns.
_turn = threading.Lock()


def unwatched(result: Any, done: float) -> None:
    """A `watch` for trainings that nobody follows."""


class Stopped(Exception):
    """The learner pressed Stop."""


class TrainingPanel(Panel):
    """A lab that trains in the background. When a training is stopped or fails, its last picture stays."""

    def __init__(self, lab: Lab, initial: Mapping[str, Value] | None = None):
        self.thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._began = 0.0  # when the training began
        self._drawn = NOT_DRAWN  # seconds after that: when its last live picture was drawn
        super().__init__(lab, initial)
        self.first_result = self.result

    @property
    def running(self) -> bool:
        """Whether a training is under way."""
        return self.thread is not None and self.thread.is_alive()

    def answer(self) -> None:
        """The learner has moved a control: ask for a press on Train."""
        if not self.running:
            self.status.value = "Press Train to see what these settings do."

    def set(self, **settings: Value) -> None:
        """Turn several controls at once, and train."""
        self._refuse_while_running()
        self._turn(settings)
        self.train()

    def reset(self) -> None:
        """Back to the first settings and their result, without training again."""
        self._refuse_while_running()
        self._turn(self.first_settings)
        self.show(self.first_result, self.first_settings)
        self._end("")

    def train(self) -> None:
        """Start training in the background. Raises RuntimeError if a training is under way."""
        self._refuse_while_running()
        self._stop.clear()
        self._drawn = NOT_DRAWN
        self.canvas.forget_limits()
        self._enable_buttons(running=True)
        self.status.value = "Training."
        self.thread = threading.Thread(target=self._work, args=(self.settings,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Ask a training to end at its next step."""
        self._stop.set()

    def _refuse_while_running(self) -> None:
        if self.running:
            raise RuntimeError("a training is under way; wait for it or press Stop first")

    def _work(self, settings: Mapping[str, Value]) -> None:
        try:
            self._wait_for_turn()
            try:
                self._began = time.monotonic()
                result = self.lab.compute(**settings, watch=self._watcher(settings))
                self.verdict.remove_class("rlhf-quiet")
                self.canvas.forget_limits()
                self.show(result, settings)
            finally:
                _turn.release()
            self._end(f"Done in {time.monotonic() - self._began:.1f} s.")
        except Stopped:
            shown = "what was there before" if self._drawn == NOT_DRAWN else "what was reached last"
            self._end(f"Stopped. The picture shows {shown}.")
        except Exception as error:
            self.show_error(error)
            self._end("Failed.")

    def _wait_for_turn(self) -> None:
        while not _turn.acquire(timeout=0.1):
            self.status.value = "Waiting for another lab's training to end."
            if self._stop.is_set():
                raise Stopped
        self.status.value = "Training."

    def _watcher(self, settings: Mapping[str, Value]) -> Watch:
        def watch(result: Any, done: float) -> None:
            if self._stop.is_set():
                raise Stopped
            passed = time.monotonic() - self._began
            if passed - self._drawn >= REDRAW_SECONDS:
                self._drawn = passed
                self.progress.value = done
                self.time_left.value = f"{passed * (1 / done - 1):.0f} s left" if done else ""
                self.show(result, settings)

        return watch

    def _end(self, message: str) -> None:
        self.progress.value, self.time_left.value = 0.0, ""
        self.status.value = message
        self._enable_buttons(running=False)

    def _enable_buttons(self, running: bool) -> None:
        for other in (self.train_button, *self.preset_buttons):
            other.disabled = running
        self.stop_button.disabled = not running
        if running:
            self.verdict.add_class("rlhf-quiet")  # a screen reader would read out every live verdict
        else:
            self.verdict.remove_class("rlhf-quiet")

    def _buttons(self) -> list[ipywidgets.Widget]:
        self.train_button = button("Train", self.guard(self.train))
        self.stop_button = button("Stop", self.guard(self.stop))
        self.train_button.button_style, self.stop_button.disabled = "primary", True
        self.progress = ipywidgets.FloatProgress(0.0, min=0.0, max=1.0, layout={"width": "150px"})
        self.time_left, self.status = ipywidgets.HTML(), announced_text()
        training = [self.train_button, self.stop_button, self.progress, self.time_left, self.status]
        return [ipywidgets.HBox(training), *super()._buttons()]
