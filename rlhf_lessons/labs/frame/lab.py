"""What a lab is made of: a pure `compute(**knobs) -> result`, and ways to draw the result and put it into words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rlhf_lessons.knobs import Knob, Value
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.plots.style import Face, Meaning


@dataclass(frozen=True)
class Verdict:
    """What a result means: a word on a coloured badge, up to three large figures (name -> value), and a sentence.

    mood: the badge's colour: as it should be, harmful, take care, or too early to say.
    """

    word: str
    mood: Face
    figures: Mapping[str, str]
    sentence: str

    def __str__(self) -> str:
        return f"{self.word[:1].upper()}{self.word[1:]}. {self.sentence}"


def too_early(figures: Mapping[str, str], sentence: str) -> Verdict:
    """A verdict on what has too few numbers yet."""
    return Verdict("too early to say", "open", figures, sentence)


Guess = float | str | tuple[float, ...]


@dataclass(frozen=True)
class Sketch:
    """A curve that the learner draws: `POINTS` values at even steps along x, each within `y`.

    panel: where it is shown beside the truth afterwards.
    """

    panel: int
    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str
    y_label: str


POINTS = 21  # of a sketch


@dataclass(frozen=True)
class Question:
    """What the learner predicts before the picture is unveiled.

    text: the question, with its unit. answer: reads the truth off a result: a number, one of `choices`, or the
    `POINTS` values of a `sketch`.
    settings: what the question asks about, as changes to the lab's first settings; the lab then runs them.
    within: a number this near the truth, or a curve on average, counts as right, three times as far as close.
    """

    text: str
    answer: Callable[[Any], Guess]
    settings: Mapping[str, Value]
    within: float = 0.05
    number_format: str = "{:.2f}"
    choices: tuple[str, ...] = ()
    sketch: Sketch | None = None


@dataclass(frozen=True)
class Bar:
    """One bar of a card: `share` of its length (0 to 1), and `text`, its value in figures."""

    name: str
    share: float
    text: str
    meaning: Meaning


@dataclass(frozen=True)
class Card:
    """One prompt with the answer before training and the one now, for those who want to read what is said."""

    prompt: str
    before: str
    after: str
    bars: Sequence[Bar] = ()


@dataclass(frozen=True)
class Round:
    """Two answers to one prompt, between which the learner chooses."""

    prompt: str
    first: str
    second: str


@dataclass(frozen=True)
class Lab:
    """All that makes one lab different from the others.

    `ranges` narrows knobs (name -> `low`, `high` or `choices`); knobs that only this lab has are declared there, by
    `choices` and `meaning`, or as a Knob. `presets` maps a button's name to the settings that it changes. `text` gives
    lines that are folded under the picture, `cards` what a policy says, and `rounds` the answers between which the
    learner chooses before the picture is seen; a knob of the kind `controls.Choices` keeps the choices.
    """

    title: str
    compute: Callable[..., Any]
    draw: Callable[[Any, Canvas], None]
    verdict: Callable[[Any], Verdict]
    canvas: Callable[[], Canvas]
    ranges: Mapping[str, Mapping[str, Any] | Knob] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    text: Callable[[Any], str] | None = None
    cards: Callable[[Any], Sequence[Card]] | None = None
    rounds: Callable[[Any], Sequence[Round]] | None = None
    question: Question | None = None

    @property
    def name(self) -> str:
        """The module that it stands in."""
        return self.compute.__module__.rpartition(".")[2]

    def code(self, settings: Mapping[str, Value]) -> str:
        """Python that computes the same result without widgets."""
        package = self.compute.__module__.rpartition(".")[0]
        given = ", ".join(f"{knob}={value!r}" for knob, value in settings.items())
        return f"from {package} import {self.name} as lab\nresult = lab.compute({given})"
