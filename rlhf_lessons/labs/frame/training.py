"""The frame of labs that train: Train and Stop, a progress bar with time left, and curves that grow live.

The lab's `compute` takes one more argument, `watch(result so far, share done)`, and calls it at every step.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets

from rlhf_lessons.knobs import Value
from rlhf_lessons.labs.frame.lab import Lab
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.parts import button, live

REDRAW_SECONDS = 0.25
Watch = Callable[[Any, float], None]

# Two trainings with all of the processor's threads each slow one another up to tenfold, so labs take turns.
_turn = threading.Lock()


class Stopped(Exception):
    """The learner pressed Stop."""


class TrainingPanel(Panel):
    """A lab that trains in the background. A training that is stopped or fails leaves its last picture."""

    def __init__(self, lab: Lab, initial: Mapping[str, Value] | None = None):
        self.thread: threading.Thread | None = None
        self._stop = threading.Event()
        super().__init__(lab, initial)
        self.first = self.result

    @property
    def running(self) -> bool:
        """Whether a training is under way."""
        return self.thread is not None and self.thread.is_alive()

    def answer(self) -> None:
        """The controls moved: say so, and wait for Train."""
        if not self.running:
            self.state.value = "Press Train to see what these settings do."

    def set(self, **settings: Value) -> None:
        """Turn several controls at once, and train."""
        self._refuse_while_running()
        super().set(**settings)
        self.train()

    def reset(self) -> None:
        """Back to the first state, which needs no training."""
        self._refuse_while_running()
        for name, value in self.start.items():
            self.controls[name].set(value)
        self.canvas.refit()
        self.show(self.first, self.start)
        self._idle("")

    def train(self) -> None:
        """Start training in the background. Raises RuntimeError if a training is under way."""
        self._refuse_while_running()
        self._stop.clear()
        self._redrawn = -REDRAW_SECONDS
        self.canvas.refit()
        self._enable(running=True)
        self.state.value = "Training."
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
                watch = self._watcher(settings)
                result = self.lab.compute(**settings, watch=watch)
                self.verdict.remove_class("rlhf-quiet")
                self.canvas.refit()
                self.show(result, settings)
            finally:
                _turn.release()
            self._idle(f"Done in {time.monotonic() - self._began:.1f} s.")
        except Stopped:
            shown = "what was reached last" if self._redrawn >= 0 else "what was there before"
            self._idle(f"Stopped. The picture shows {shown}.")
        except Exception as error:
            self.fail(error)
            self._idle("Failed.")

    def _wait_for_turn(self) -> None:
        while not _turn.acquire(timeout=0.1):
            self.state.value = "Waiting for another lab's training to end."
            if self._stop.is_set():
                raise Stopped
        self.state.value = "Training."

    def _watcher(self, settings: Mapping[str, Value]) -> Watch:
        def watch(result: Any, done: float) -> None:
            if self._stop.is_set():
                raise Stopped
            passed = time.monotonic() - self._began
            if passed - self._redrawn >= REDRAW_SECONDS:
                self._redrawn = passed
                self.progress.value = done
                self.left.value = f"{passed * (1 / done - 1):.0f} s left" if done else ""
                self.show(result, settings)

        return watch

    def _idle(self, message: str) -> None:
        self.progress.value, self.left.value = 0.0, ""
        self.state.value = message
        self._enable(running=False)

    def _enable(self, running: bool) -> None:
        for other in (self.train_button, *self.presets):
            other.disabled = running
        self.stop_button.disabled = not running
        if running:
            self.verdict.add_class("rlhf-quiet")  # not read out anew with each live point
        else:
            self.verdict.remove_class("rlhf-quiet")

    def _buttons(self) -> list[ipywidgets.Widget]:
        self.train_button = button("Train", self.guard(self.train))
        self.stop_button = button("Stop", self.guard(self.stop))
        self.train_button.button_style, self.stop_button.disabled = "primary", True
        self.progress = ipywidgets.FloatProgress(0.0, min=0.0, max=1.0, layout={"width": "150px"})
        self.left, self.state = ipywidgets.HTML(), live()
        training = [self.train_button, self.stop_button, self.progress, self.left, self.state]
        return [ipywidgets.HBox(training), *super()._buttons()]
