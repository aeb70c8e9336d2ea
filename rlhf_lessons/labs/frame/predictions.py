"""What learners predict before a picture is unveiled, and how near they were."""

import json
import math
from collections.abc import Sequence
from typing import Literal

from rlhf_lessons import progress
from rlhf_lessons.labs.frame.controls import read_typed
from rlhf_lessons.labs.frame.lab import POINTS, Guess, Question
from rlhf_lessons.refusals import check_choice

Mark = Literal["right", "close", "wrong"]
CLOSE = 3  # times what counts as right


def score() -> str:
    """How all predictions went that are kept, of labs and in the notebooks' text; nothing where there are none."""
    marks = [found["mark"] for found in progress.kept("prediction").values() if found["mark"]]
    if not marks:
        return ""
    right, close = (marks.count(mark) for mark in ("right", "close"))
    return f"Your predictions so far: {right} right, {close} close, {len(marks) - right - close} wrong."


def read_guess(question: Question, text: str) -> Guess:
    """What a learner has typed, chosen or drawn. Raises ValueError, with what is allowed, for anything else."""
    text = text.strip()
    if question.sketch:
        return _read_sketch(text)
    if question.choices:
        check_choice("your prediction", text, question.choices)
        return text
    return read_typed(text, _read_number)


def _read_number(text: str) -> float:
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"your prediction: {text!r} is not allowed; it must be a number, such as 0.7 or 70%")
    return number


def _read_sketch(text: str) -> tuple[float, ...]:
    try:
        drawn = tuple(float(value) for value in json.loads(text))
    except (ValueError, TypeError):
        drawn = ()
    if len(drawn) != POINTS or not all(map(math.isfinite, drawn)):
        raise ValueError("your curve: it is not whole; draw it from the left edge to the right one")
    return drawn


def judge(question: Question, guess: Guess, truth: Guess) -> Mark:
    """How near a prediction was to what was measured."""
    if question.choices:
        return "right" if guess == truth else "wrong"
    off = distance(guess, truth)
    return "right" if off <= question.within else "close" if off <= CLOSE * question.within else "wrong"


def distance(guess: Guess, truth: Guess) -> float:
    """How far two numbers are apart, or two curves on average."""
    pairs = zip(_values(guess), _values(truth), strict=True)
    gaps = [abs(one - other) for one, other in pairs]
    return sum(gaps) / len(gaps)


def _values(guess: Guess) -> Sequence[float]:
    return guess if isinstance(guess, tuple) else (float(guess),)


def told(question: Question, guess: Guess, truth: Guess, mark: Mark) -> str:
    """Guess and truth in one sentence."""
    if question.sketch:
        return f"Your curve is off by {question.number_format.format(distance(guess, truth))} on average: {mark}."
    said, was = (value if question.choices else question.number_format.format(value) for value in (guess, truth))
    return f"You said {said}, it is {was}: {mark}."
