import threading
import time
from dataclasses import dataclass

import pytest

from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab
from rlhf_lessons.labs.frame.training import TrainingPanel

STEPS = 10


@dataclass(frozen=True)
class Steps:
    done: int


def make(pause: float, fail_at: int | None = None) -> Lab:
    """A lab which counts, taking `pause` seconds a step; only a watched training fails."""

    def compute(learning_rate: float = 0.01, watch=None) -> Steps:
        for step in range(STEPS if watch else 0):
            if step == fail_at:
                raise FloatingPointError("the loss is not a number")
            watch(Steps(step), step / STEPS)
            time.sleep(pause)
        return Steps(STEPS)

    def draw(result: Steps, canvas: Canvas) -> None:
        canvas.axis(0, "", "step", "y", (0, STEPS), (0, 1))
        canvas.curve(0, "steps", [0, result.done], [0, 1])

    presets = {"high": {"learning_rate": 1.0}}
    return Lab(
        "Counting",
        compute,
        draw,
        lambda r: f"{r.done} steps",
        lambda: Canvas(1),
        presets=presets,
    )


def wait(panel: TrainingPanel) -> None:
    panel.thread.join(10)
    assert not panel.running


def test_the_first_state_is_there_before_anyone_trains():
    panel = TrainingPanel(make(0))
    assert panel.sentence == "10 steps" and not panel.running
    assert panel.stop_button.disabled and not panel.train_button.disabled


def test_moving_a_control_waits_for_train():
    panel = TrainingPanel(make(0))
    before = panel.image.value
    panel.controls["learning_rate"].box.value = "0.5"
    assert "Press Train" in panel.status.value and panel.image.value == before and not panel.running
    panel.train_button.click()
    wait(panel)
    assert "learning_rate=0.5" in panel.code.value and panel.status.value.startswith("Done in")


def test_training_runs_in_the_background_with_live_curves():
    panel = TrainingPanel(make(0.05))
    pictures, sentences = set(), set()
    panel.image.observe(lambda change: pictures.add(change["new"]), "value")
    panel.verdict.observe(lambda change: sentences.add(change["new"]), "value")
    start = time.monotonic()
    panel.train_button.click()
    assert time.monotonic() - start < 0.2, "the click returns at once"
    assert panel.train_button.disabled and not panel.stop_button.disabled
    wait(panel)
    assert len(sentences) >= 2 and panel.sentence == "10 steps"
    assert not panel.train_button.disabled and panel.progress.value == 0


def test_stop_keeps_the_last_good_result():
    panel = TrainingPanel(make(0.05))
    drawn = threading.Event()
    panel.verdict.observe(lambda _: drawn.set(), "value")
    panel.train_button.click()
    assert drawn.wait(5)
    panel.stop_button.click()
    wait(panel)
    assert panel.result.done < STEPS and f"{panel.result.done} steps" == panel.sentence
    assert panel.status.value == "Stopped. The picture shows what was reached last." and panel.errors.outputs == ()
    panel.reset()
    assert panel.sentence == "10 steps"


def test_live_points_are_not_read_out_but_the_end_is():
    panel = TrainingPanel(make(0.05))
    quiet = []
    panel.verdict.observe(lambda _: quiet.append("rlhf-quiet" in panel.verdict._dom_classes), "value")
    panel.train_button.click()
    wait(panel)
    assert quiet[0] and not quiet[-1] and "rlhf-announced" in panel.verdict._dom_classes


def test_an_error_in_training_is_shown_and_kept():
    panel = TrainingPanel(make(0, fail_at=3))
    panel.train_button.click()
    wait(panel)
    assert "the loss is not a number" in panel.message.value
    assert panel.errors.outputs[0]["ename"] == "FloatingPointError"
    assert panel.result.done < STEPS and not panel.train_button.disabled


def test_a_preset_trains_and_a_second_training_is_refused():
    panel = TrainingPanel(make(0.05))
    panel.set(learning_rate=1.0)
    assert panel.running
    with pytest.raises(RuntimeError, match="under way"):
        panel.train()
    panel.stop()
    wait(panel)
    assert panel.settings["learning_rate"] == 1.0


def test_two_labs_take_turns():
    first, second = TrainingPanel(make(0.05)), TrainingPanel(make(0))
    first.train()
    second.train()
    second.thread.join(0.3)
    assert second.running and "Waiting" in second.status.value
    wait(first)
    wait(second)
    assert second.status.value.startswith("Done")


def test_a_lab_that_waits_can_be_stopped():
    first, second = TrainingPanel(make(0.05)), TrainingPanel(make(0))
    first.train()
    second.train()
    second.stop()
    wait(second)
    assert first.running and second.status.value == "Stopped. The picture shows what was there before."
    first.stop()
    wait(first)
