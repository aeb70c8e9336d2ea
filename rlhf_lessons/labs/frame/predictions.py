"""What learners predict before a picture is unveiled, and how near they were."""

import math
from dataclasses import dataclass, field
from typing import Literal

from rlhf_lessons.labs.frame.lab import Question

Mark = Literal["right", "close", "wrong"]
CLOSE = 3  # times what counts as right


@dataclass
class Score:
    """How the predictions of one session went, over all labs of a notebook."""

    marks: list[Mark] = field(default_factory=list)

    def __str__(self) -> str:
        if not self.marks:
            return ""
        right, close = (self.marks.count(mark) for mark in ("right", "close"))
        return f"Your predictions so far: {right} right, {close} close, {len(self.marks) - right - close} wrong."


SCORE = Score()


def read_guess(question: Question, text: str) -> float | str:
    """What a learner has typed or chosen. Raises ValueError, with what is allowed, for anything else."""
    text = text.strip()
    if question.choices:
        if text not in question.choices:
            raise ValueError(
                f"your prediction: {text!r} is not allowed; it must be one of {', '.join(question.choices)}"
            )
        return text
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        hint = f"; write {text.replace(',', '.')}" if text.count(",") == 1 else ""
        raise ValueError(f"your prediction: {text!r} is not allowed; it must be a number, such as 0.7 or 70%{hint}")
    return number


def judge(question: Question, guess: float | str, truth: float | str) -> Mark:
    """How near a prediction was to what was measured."""
    if isinstance(guess, str) or isinstance(truth, str):
        return "right" if guess == truth else "wrong"
    off = abs(guess - truth)
    return "right" if off <= question.within else "close" if off <= CLOSE * question.within else "wrong"


def told(question: Question, guess: float | str, truth: float | str, mark: Mark) -> str:
    """Guess and truth in one sentence."""
    said, was = (value if isinstance(value, str) else question.number_format.format(value) for value in (guess, truth))
    return f"You said {said}, it is {was}: {mark}."
