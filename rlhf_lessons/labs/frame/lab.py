"""What a lab is made of: a pure `compute(**knobs) -> result`, and ways to draw the result and put it into words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rlhf_lessons.knobs import Value
from rlhf_lessons.labs.frame.canvas import Canvas


@dataclass(frozen=True)
class Question:
    """What the learner predicts before moving a knob, and how to read the answer off a result."""

    text: str
    answer: Callable[[Any], float]
    number_format: str = "{:.3g}"


@dataclass(frozen=True)
class Lab:
    """All that makes one lab different from the others.

    `ranges` narrows knobs (name -> `low`, `high` or `choices`); knobs that only this lab has are declared there, by
    `choices` and `meaning`. `presets` maps a button's name to the settings that it changes. `text` gives lines to
    show under the picture.
    """

    title: str
    compute: Callable[..., Any]
    draw: Callable[[Any, Canvas], None]
    verdict: Callable[[Any], str]
    canvas: Callable[[], Canvas]
    ranges: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    text: Callable[[Any], str] | None = None
    question: Question | None = None

    def code(self, settings: Mapping[str, Value]) -> str:
        """Python that computes the same result without widgets."""
        package, _, name = self.compute.__module__.rpartition(".")
        given = ", ".join(f"{knob}={value!r}" for knob, value in settings.items())
        return f"from {package} import {name} as lab; result = lab.compute({given})"
