"""The frame of labs that train: Train and Stop, a progress bar with the time left, and curves that grow live.

The lab's `compute` takes one more argument, `watch(result so far, share done)`, and calls it at every step.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from tqdm.auto import tqdm

from rlhf_lessons.knobs import Value
from rlhf_lessons.labs.frame.lab import Lab
from rlhf_lessons.labs.frame.panel import Busy, Panel
from rlhf_lessons.labs.frame.turns import Stopped, turn

REDRAW_SECONDS = 0.25
NOT_DRAWN = -math.inf  # before the first live picture; it is drawn at once
SILENT_SECONDS = 2.0  # a first training that takes longer shows a bar
Watch = Callable[[Any, float], None]


def unwatched(result: Any, done: float) -> None:
    """A `watch` for trainings that nobody follows."""


def time_left(began: float, done_then: float, now: float, done: float) -> str:
    """How long it goes on, in words, at the pace since the first report; what came before that is not training."""
    return f"{(now - began) * (1 - done) / (done - done_then):.0f} s left" if done > done_then else ""


class TrainingPanel(Panel):
    """A lab that trains in the background. When a training is stopped or fails, its last picture stays."""

    trains = True

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

    @property
    def actions(self) -> tuple[str, ...]:
        """What the page may ask for by name alone."""
        return (*super().actions, "train", "stop")

    def answer(self) -> None:
        """The learner has turned a knob: say that the picture shows other settings until Train is pressed."""
        if not self.running:
            differs = self.settings != self.shown
            self.tell(status="Press Train to see what these settings do." if differs else "")

    def set(self, **settings: Value) -> None:
        """Turn several knobs at once, and train."""
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
        """Start training in the background. Raises Busy if a training is under way."""
        self._refuse_while_running()
        self._stop.clear()
        self._drawn = NOT_DRAWN
        self._begin_comparison()
        self.canvas.forget_limits()
        self.tell(running=True, progress=0.0, left="", status="Training.")
        self.thread = threading.Thread(target=self._work, args=(self.settings,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Ask a training to end at its next step."""
        self._stop.set()

    def _begin_comparison(self, knob: str = "") -> None:
        """The last result goes grey when the next training begins, not when a knob is turned."""
        if not knob:
            super()._begin_comparison()

    def _refuse_while_running(self) -> None:
        if self.running:
            raise Busy("a training is under way; wait for it or press Stop first")

    def _show_first(self) -> None:
        settings = self.settings
        self._words |= {"running": False, "progress": None, "left": "", "status": ""}
        with tqdm(
            total=1.0,
            desc=self.lab.title,
            delay=SILENT_SECONDS,
            leave=False,
            bar_format="{desc}: {percentage:.0f}% {bar} {remaining} left",
        ) as bar:

            def watch(_: Any, done: float) -> None:
                bar.update(done - bar.n)

            self.show(self.lab.compute(**settings, watch=watch), settings)

    def _work(self, settings: Mapping[str, Value]) -> None:
        try:
            with turn(self._stop, lambda: self.tell(status="Waiting for another lab's training to end.")):
                self.tell(status="Training.")
                self._began = time.monotonic()
                result = self.lab.compute(**settings, watch=self._watcher(settings))
                self.canvas.forget_limits()
                self._words["running"] = False  # a screen reader is told the last verdict, and no live one
                self.show(result, settings)
            self._compare_guess()
            self._end(f"Done in {time.monotonic() - self._began:.1f} s.", progress=1.0)
        except Stopped:
            shown = "what was there before" if self._drawn == NOT_DRAWN else "what was reached last"
            self._end(f"Stopped. The picture shows {shown}.")
        except Exception as error:
            self._end("Failed.")
            self.show_error(error)

    def _watcher(self, settings: Mapping[str, Value]) -> Watch:
        first: tuple[float, float] | None = None  # when the first report came, and how much was done by then

        def watch(result: Any, done: float) -> None:
            nonlocal first
            if self._stop.is_set():
                raise Stopped
            passed = time.monotonic() - self._began
            first = first or (passed, done)
            if passed - self._drawn >= REDRAW_SECONDS:
                self._drawn = passed
                self._words["progress"] = done
                self._words["left"] = time_left(*first, passed, done)
                self.show(result, settings)

        return watch

    def _end(self, message: str, progress: float | None = None) -> None:
        self._guess = None
        self.tell(running=False, progress=progress, left="", status=message)
