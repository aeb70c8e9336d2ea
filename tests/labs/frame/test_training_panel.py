import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from rlhf_lessons.labs.frame import training
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab
from rlhf_lessons.labs.frame.training import TrainingPanel

STEPS = 10
HALFWAY = 5


@dataclass(frozen=True)
class Steps:
    done: int


@pytest.fixture(autouse=True)
def every_step_is_drawn(monkeypatch):
    monkeypatch.setattr(training, "REDRAW_SECONDS", 0.0)


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Where trainings wait halfway until it is set. It opens at the end of a test, so that none goes on waiting."""
    event = threading.Event()
    yield event
    event.set()


def make(gate: threading.Event | None = None, fail_at: int | None = None) -> Lab:
    """A lab which counts, and waits halfway at its `gate`; only a watched training waits or fails."""

    def compute(learning_rate: float = 0.01, watch=None) -> Steps:
        for step in range(STEPS if watch else 0):
            if step == fail_at:
                raise FloatingPointError("the loss is not a number")
            if step == HALFWAY and gate:
                gate.wait(30)
            watch(Steps(step), step / STEPS)
        return Steps(STEPS)

    def draw(result: Steps, canvas: Canvas) -> None:
        canvas.axis(0, "", "step", "y", (0, STEPS), (0, 1))
        canvas.curve(0, "steps", [0, result.done], [0, 1])

    presets = {"high": {"learning_rate": 1.0}}
    return Lab("Counting", compute, draw, lambda r: f"{r.done} steps", lambda: Canvas(1), presets=presets)


def wait(panel: TrainingPanel) -> None:
    panel.thread.join(30)
    assert not panel.running


def seen(panel: TrainingPanel, text: Callable[[TrainingPanel], str] = lambda panel: panel.sentence) -> list[str]:
    """A list that fills with the lab's verdicts, or with what `text` gives whenever the verdict changes."""
    values: list[str] = []
    panel.verdict.observe(lambda _: values.append(text(panel)), "value")
    return values


def wait_for(panel: TrainingPanel, widget: str, start: str) -> None:
    """Until the text of one of the lab's widgets begins with `start`."""
    reached = threading.Event()
    text = getattr(panel, widget)
    text.observe(lambda change: change["new"].startswith(start) and reached.set(), "value")
    assert text.value.startswith(start) or reached.wait(30)


def test_the_first_state_is_there_before_anyone_trains():
    panel = TrainingPanel(make())
    assert panel.sentence == "10 steps" and not panel.running
    assert panel.stop_button.disabled and not panel.train_button.disabled


def test_moving_a_control_waits_for_train():
    panel = TrainingPanel(make())
    before = panel.image.value
    panel.controls["learning_rate"].box.value = "0.5"
    assert "Press Train" in panel.status.value and panel.image.value == before and not panel.running
    panel.train_button.click()
    wait(panel)
    assert "learning_rate=0.5" in panel.code.value and panel.status.value.startswith("Done in")


def test_training_runs_in_the_background_with_live_curves(gate):
    panel = TrainingPanel(make(gate))
    verdicts = seen(panel)
    panel.train_button.click()
    assert panel.running, "the click does not wait for the training, which waits halfway"
    assert panel.train_button.disabled and not panel.stop_button.disabled
    gate.set()
    wait(panel)
    assert verdicts == [f"{step} steps" for step in range(STEPS + 1)]
    assert not panel.train_button.disabled and panel.progress.value == 0


def test_live_pictures_are_drawn_no_more_often_than_they_may_be(monkeypatch):
    monkeypatch.setattr(training, "REDRAW_SECONDS", 1e9)
    panel = TrainingPanel(make())
    verdicts = seen(panel)
    panel.train()
    wait(panel)
    assert verdicts == ["0 steps", "10 steps"]


def test_stop_keeps_what_was_reached_last(gate):
    panel = TrainingPanel(make(gate))
    panel.train_button.click()
    wait_for(panel, "verdict", f"{HALFWAY - 1} steps")
    panel.stop_button.click()
    gate.set()
    wait(panel)
    assert panel.result == Steps(HALFWAY - 1) and panel.sentence == f"{HALFWAY - 1} steps"
    assert panel.status.value == "Stopped. The picture shows what was reached last." and panel.errors.outputs == ()
    panel.reset()
    assert panel.sentence == "10 steps"


def test_live_points_are_not_read_out_but_the_end_is():
    panel = TrainingPanel(make())
    quiet = seen(panel, lambda panel: "rlhf-quiet" in panel.verdict._dom_classes)
    panel.train_button.click()
    wait(panel)
    assert quiet == [True] * STEPS + [False] and "rlhf-announced" in panel.verdict._dom_classes


def test_an_error_in_training_is_shown_and_kept():
    panel = TrainingPanel(make(fail_at=3))
    panel.train_button.click()
    wait(panel)
    assert "the loss is not a number" in panel.message.value
    assert panel.errors.outputs[0]["ename"] == "FloatingPointError"
    assert panel.result == Steps(2) and not panel.train_button.disabled


def test_a_preset_trains_and_a_second_training_is_refused(gate):
    panel = TrainingPanel(make(gate))
    panel.set(learning_rate=1.0)
    assert panel.running
    for refused in (panel.train, panel.reset, lambda: panel.set(learning_rate=0.1)):
        with pytest.raises(RuntimeError, match="under way"):
            refused()
    gate.set()
    wait(panel)
    assert panel.settings["learning_rate"] == 1.0


def test_two_labs_take_turns(gate):
    first, second = TrainingPanel(make(gate)), TrainingPanel(make())
    first.train()
    wait_for(first, "verdict", f"{HALFWAY - 1} steps")
    second.train()
    wait_for(second, "status", "Waiting")
    assert second.sentence == "10 steps" and first.running
    gate.set()
    wait(first)
    wait(second)
    assert second.status.value.startswith("Done")


def test_a_lab_that_waits_can_be_stopped(gate):
    first, second = TrainingPanel(make(gate)), TrainingPanel(make())
    first.train()
    wait_for(first, "verdict", f"{HALFWAY - 1} steps")
    second.train()
    second.stop()
    wait(second)
    assert first.running and second.status.value == "Stopped. The picture shows what was there before."
