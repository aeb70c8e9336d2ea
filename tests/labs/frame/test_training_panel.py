import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from rlhf_lessons.labs.frame import training
from rlhf_lessons.labs.frame.canvas import Canvas, Screen
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict
from rlhf_lessons.labs.frame.training import TrainingPanel
from tests.labs.frame.a_line import marks, pixels

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


def counting(gate: threading.Event | None = None, fail_at: int | None = None) -> Callable[..., Steps]:
    """A training which counts, waits halfway at its `gate`, and may fail."""

    def compute(learning_rate: float = 0.01, watch=None) -> Steps:
        for step in range(STEPS):
            if step == fail_at:
                raise FloatingPointError("the loss is not a number")
            if step == HALFWAY and gate:
                gate.wait(30)
            watch(Steps(step), step / STEPS)
        return Steps(STEPS)

    return compute


def draw(result: Steps, canvas: Canvas) -> None:
    canvas.axis(0, "", "step", "y", (0, STEPS), (0, 1))
    canvas.curve(0, "steps", [0, result.done], [0, 1], "own")


LAB = Lab(
    title="Counting",
    compute=counting(),
    draw=draw,
    verdict=lambda result: Verdict("counted", "open", {}, f"{result.done} steps."),
    canvas=lambda: Canvas(1),
    presets={"high": {"learning_rate": 1.0}},
    question=Question("How many steps?", lambda result: result.done, {"learning_rate": 1.0}, within=1),
)


def make(gate: threading.Event | None = None, fail_at: int | None = None) -> TrainingPanel:
    """A lab whose first training has gone well; the next ones wait or fail."""
    panel = TrainingPanel(LAB)
    panel.lab = replace(LAB, compute=counting(gate, fail_at))
    return panel


def do(panel: TrainingPanel, action: str, **given) -> dict:
    """What the page is told after the learner has done something."""
    panel.receive({"do": action, **given})
    return panel.stage.state


def wait(panel: TrainingPanel) -> dict:
    """What the page is told when a training has ended."""
    panel.thread.join(30)
    assert not panel.running
    return panel.stage.state


def wait_for(panel: TrainingPanel, word: str, start: str) -> None:
    """Until what the page is told of `word` begins with `start`."""

    def is_there(_: object = None) -> bool:
        text = panel.stage.state[word]
        return (text["sentence"] if word == "verdict" else text).startswith(start)

    reached = threading.Event()
    panel.stage.observe(lambda change: is_there() and reached.set(), "state")
    assert is_there() or reached.wait(30)


def wait_at_gate(panel: TrainingPanel) -> None:
    """Until a training has drawn all that it can before its gate."""
    wait_for(panel, "verdict", f"{HALFWAY - 1} steps")


def seen(panel: TrainingPanel, read: Callable[[dict], object]) -> list:
    """A list that fills with what `read` finds in the page's words, whenever that changes."""
    values = [read(panel.stage.state)]

    def note(_: object) -> None:
        if (found := read(panel.stage.state)) != values[-1]:
            values.append(found)

    panel.stage.observe(note, "state")
    return values


def test_the_first_state_is_there_before_anyone_trains():
    state = make().stage.state
    assert state["verdict"]["sentence"] == "10 steps." and state["alt"] == "Counting. Counted. 10 steps."
    assert not state["running"] and state["progress"] is None and state["status"] == ""


def test_a_first_training_that_raises_fails_the_cell():
    with pytest.raises(FloatingPointError, match="not a number"):
        TrainingPanel(replace(LAB, compute=counting(fail_at=3)))


def test_moving_a_knob_waits_for_train_and_is_marked_until_then():
    panel = make()
    before = panel.stage.picture
    state = do(panel, "type", knob="learning_rate", text="0.5")
    assert state["status"].startswith("Press Train") and panel.stage.picture == before and not panel.running
    assert state["knobs"]["learning_rate"]["shown"] == "0.01", "the picture shows other settings"
    do(panel, "train")
    state = wait(panel)
    assert "learning_rate=0.5" in state["code"] and state["status"].startswith("Done in")
    assert state["knobs"]["learning_rate"] | {"place": 0} == {"text": "0.5", "place": 0, "was": "0.01", "shown": ""}


def test_a_knob_turned_while_it_trains_is_marked_at_the_end(gate):
    panel = make(gate)
    do(panel, "train")
    wait_at_gate(panel)
    state = do(panel, "type", knob="learning_rate", text="0.3")
    assert state["running"] and state["status"] == "Training."
    gate.set()
    state = wait(panel)
    assert "learning_rate=0.01" in state["code"] and state["status"].startswith("Done in")
    assert (state["knobs"]["learning_rate"]["text"], state["knobs"]["learning_rate"]["shown"]) == ("0.3", "0.01")


def test_training_runs_in_the_background_with_live_curves(gate):
    panel = make(gate)
    live = seen(panel, lambda state: (state["verdict"]["sentence"], state["running"]))
    progress = seen(panel, lambda state: state["progress"])
    state = do(panel, "train")
    assert panel.running and state["running"], "the click does not wait for the training, which waits halfway"
    gate.set()
    state = wait(panel)
    begin, *steps, end = live
    assert begin == ("10 steps.", False) and steps[1:] == [(f"{step} steps.", True) for step in range(STEPS)]
    assert end == ("10 steps.", False), "a screen reader is told the verdict at the end and no live one"
    assert progress == [None, *(step / STEPS for step in range(STEPS)), 1.0], "a bar that has filled stays full"


def test_live_pictures_are_drawn_no_more_often_than_they_may_be(monkeypatch):
    monkeypatch.setattr(training, "REDRAW_SECONDS", 1e9)
    panel = make()
    verdicts = seen(panel, lambda state: state["verdict"]["sentence"])
    panel.train()
    wait(panel)
    assert verdicts == ["10 steps.", "0 steps.", "10 steps."]


def test_stop_keeps_what_was_reached_last(gate):
    panel = make(gate)
    do(panel, "train")
    wait_at_gate(panel)
    do(panel, "stop")
    gate.set()
    state = wait(panel)
    assert panel.result == Steps(HALFWAY - 1) and state["verdict"]["sentence"] == f"{HALFWAY - 1} steps."
    assert state["status"] == "Stopped. The picture shows what was reached last." and panel.stage.errors == []
    assert not state["running"]
    state = do(panel, "reset")
    assert state["verdict"]["sentence"] == "10 steps." and state["status"] == ""


def test_an_error_in_training_is_shown_and_kept():
    panel = make(fail_at=3)
    do(panel, "train")
    state = wait(panel)
    assert state["message"] == "These settings do not work: the loss is not a number (FloatingPointError)"
    assert panel.stage.errors[0]["ename"] == "FloatingPointError"
    assert panel.result == Steps(2) and not state["running"] and state["status"] == "Failed."


def test_a_preset_trains_and_a_second_training_is_refused(gate):
    panel = make(gate)
    do(panel, "preset", name="high")
    assert panel.running
    for refused in (panel.train, panel.reset, panel.surprise, lambda: panel.set(learning_rate=0.1)):
        with pytest.raises(RuntimeError, match="under way"):
            refused()
    state = do(panel, "preset", name="high")
    assert state["message"] == "a training is under way; wait for it or press Stop first"
    assert panel.stage.errors == [], "an impatient click is no error of the lab"
    gate.set()
    wait(panel)
    assert panel.settings["learning_rate"] == 1.0


def test_two_labs_take_turns(gate):
    first, second = make(gate), make()
    first.train()
    wait_at_gate(first)
    second.train()
    wait_for(second, "status", "Waiting")
    assert second.sentence == "Counted. 10 steps." and first.running
    gate.set()
    wait(first)
    assert wait(second)["status"].startswith("Done")


def test_a_lab_that_waits_can_be_stopped(gate):
    first, second = make(gate), make()
    first.train()
    wait_at_gate(first)
    second.train()
    second.stop()
    assert wait(second)["status"] == "Stopped. The picture shows what was there before." and first.running


def test_a_prediction_is_judged_when_what_was_asked_about_has_been_trained(gate):
    panel = make(gate)
    state = do(panel, "commit", guess="9")
    assert not state["question"]["veiled"] and marks() == [], "not yet"
    gate.set()
    state = wait(panel)
    assert state["question"]["told"] == "You said 9.00, it is 10.00: right." and marks() == ["right"]
    assert panel.settings["learning_rate"] == 1.0


def test_a_training_that_was_stopped_judges_nothing_and_nor_does_the_next(gate):
    panel = make(gate)
    do(panel, "commit", guess="4")
    wait_at_gate(panel)
    do(panel, "stop")
    gate.set()
    wait(panel)
    panel.train()
    assert wait(panel)["question"]["told"] == "" and marks() == []


def test_a_prediction_while_another_training_is_under_way_is_refused_and_never_judged(gate):
    panel = make(gate)
    do(panel, "train")
    wait_at_gate(panel)
    state = do(panel, "commit", guess="9")
    assert "under way" in state["message"] and state["question"]["veiled"]
    gate.set()
    assert wait(panel)["question"]["veiled"] and marks() == []


def test_asking_again_while_it_trains_lets_the_last_prediction_go(gate):
    panel = make(gate)
    do(panel, "commit", guess="9")
    do(panel, "ask")
    gate.set()
    assert wait(panel)["question"]["veiled"] and marks() == []


class Watched(Canvas):
    """A canvas that counts how often it is put on another screen in the middle of a drawing."""

    drawing, disturbed, begun = False, 0, threading.Event()

    def begin(self) -> None:
        self.drawing = True
        self.begun.set()
        super().begin()

    def render(self) -> bytes:
        png = super().render()
        self.drawing = False
        return png

    def place(self, screen: Screen) -> None:
        self.disturbed += self.drawing
        super().place(screen)


def test_a_screen_that_changes_while_it_trains_is_drawn_for(gate):
    """The page's messages come in one thread and the training draws in another; each picture fits one screen."""

    def until_told(learning_rate: float = 0.01, watch=None) -> Steps:
        while not gate.is_set():
            watch(Steps(HALFWAY), 0.5)
        return Steps(STEPS)

    panel = TrainingPanel(replace(LAB, canvas=lambda: Watched(1)))
    panel.lab = replace(LAB, compute=until_told)
    shapes, answers = set(), []
    panel.stage.observe(lambda change: shapes.add(pixels(change["new"]).shape), "picture")
    panel.stage.observe(lambda change: answers.append(change["new"]["answered"]), "state")
    do(panel, "train")
    for n in range(1, 13):
        Watched.begun.clear()
        assert Watched.begun.wait(30)  # the training has begun to draw
        do(panel, "place", width=300 + 40 * (n % 2), height=200, dark=n % 3 == 0, n=n)
        assert panel.stage.state["message"] == ""
    gate.set()
    assert wait(panel)["status"].startswith("Done") and panel.stage.errors == []
    assert panel.canvas.disturbed == 0 and answers == sorted(answers) and answers[-1] == 12
    assert {(200, 300, 3), (200, 340, 3)} <= shapes <= {(200, 300, 3), (200, 340, 3), (470, 660, 3)}
    fresh = Canvas(1, panel.canvas.screen)
    panel.lab.draw(panel.result, fresh)
    panel.canvas.drop_ghost()
    assert panel.canvas.render() == fresh.render()
