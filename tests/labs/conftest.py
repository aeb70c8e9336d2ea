import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from rlhf_lessons.labs.frame.canvas import Canvas, Screen
from rlhf_lessons.labs.frame.controls import Control, knobs_of
from rlhf_lessons.labs.frame.lab import Verdict
from rlhf_lessons.labs.frame.panel import Panel

WIDTH, HEIGHT = 300, 230  # pixels of a panel
LONGEST_SENTENCE = 120  # characters, which a telephone shows in three lines
LONGEST_WORD = 20


@pytest.fixture
def check_lab() -> Callable[[ModuleType], None]:
    """Holds that defaults, presets and what the question asks about are values the knobs allow, and can be reached."""

    def check(lab: ModuleType) -> None:
        controls = {n: Control(knob, default) for n, (knob, default) in knobs_of(lab.compute, lab.LAB.ranges).items()}
        question = lab.LAB.question
        for changes in (*lab.LAB.presets.values(), question.settings if question else {}):
            for name, value in changes.items():
                controls[name].set(value)
                assert controls[name].value == value
        assert not question or (question.settings and question.text.endswith(("?", ")", ".")))

    return check


@pytest.fixture
def check_verdict() -> Callable[[Verdict], Verdict]:
    """Holds that a verdict fits into its place and shows no number that is none."""

    def check(verdict: Verdict) -> Verdict:
        assert len(verdict.word) <= LONGEST_WORD and len(verdict.figures) <= 3
        assert len(verdict.sentence) <= LONGEST_SENTENCE and verdict.sentence.endswith((".", ".)"))
        words = " ".join([*verdict.figures.values(), verdict.sentence])
        assert not re.search(r"nan|inf\b|-0(\.0*)?(?![.\d])", words), words
        return verdict

    return check


@pytest.fixture
def draw_small() -> Callable[[ModuleType, Any], Canvas]:
    """Draws a result with 300 x 230 pixels for each panel, two side by side, and holds that every text is there."""

    def draw(lab: ModuleType, result: Any) -> Canvas:
        canvas = lab.LAB.canvas()
        rows = -(-len(canvas.panels) // 2)
        canvas.place(Screen(2 * WIDTH, rows * HEIGHT))
        assert canvas.screen.columns(len(canvas.panels)) == 2
        canvas.begin()
        lab.draw(result, canvas)
        assert canvas.render().startswith(b"\x89PNG")
        for number, ax in enumerate(canvas.panels):
            named = {line.get_label() for line in ax.lines if line.get_visible() and line.get_label()[0] != "_"}
            legend = ax.get_legend()
            told = {text.get_text() for text in legend.get_texts()} if legend else set()
            assert (
                ax.get_xlabel() and ax.get_title(loc="left") and named and told == (named if len(named) > 1 else set())
            )
            left, top = WIDTH * (number % 2), HEIGHT * (rows - number // 2)
            low, high = ax.get_xlim()
            ticks = [
                label for at, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True) if low <= at <= high
            ]
            texts = [ax._left_title, ax.xaxis.label, *ticks, *(legend.get_texts() if legend else [])]
            for box in (text.get_window_extent() for text in texts if text.get_text()):
                assert left - 1 <= box.x0 and box.x1 <= left + WIDTH + 1 and top - HEIGHT <= box.y0 and box.y1 <= top
        return canvas

    return draw


@pytest.fixture
def run_code() -> Callable[[Panel], Any]:
    """The result of a panel's line of code."""

    def run(panel: Panel) -> Any:
        scope: dict[str, Any] = {}
        exec(panel.stage.state["code"], scope)
        return scope["result"]

    return run
