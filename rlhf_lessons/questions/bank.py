"""The words of all questions: one TOML file a notebook, read and checked here."""

import random
import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from rlhf_lessons.labs.frame.lab import Question
from rlhf_lessons.refusals import check_choice

Words = Annotated[str, Field(min_length=2)]


class _Words(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Prediction(_Words):
    """What the learner predicts: one of `choices`, or a number in `unit` that is right if it is `within` of the truth.

    why: what to learn from the answer, told with it.
    """

    text: Words
    choices: tuple[Words, ...] = ()
    unit: str = ""
    within: float = 0.0
    why: str = ""

    @model_validator(mode="after")
    def _has_one_kind_of_answer(self) -> Self:
        if bool(self.choices) == (self.within > 0):
            raise ValueError("a prediction has choices, or a number that is right `within` so much")
        return self

    @property
    def question(self) -> Question:
        """The same as a lab asks it; a share is a number of per cent."""
        number_format = f"{{:.3g}} {self.unit}".rstrip()
        return Question(self.text, lambda truth: truth, {}, self.within, number_format, self.choices)


class Wrong(_Words):
    """A wrong answer of a quiz, and why it is wrong."""

    answer: Words
    why: Words


class QuizQuestion(_Words):
    """A question with its right answer and the wrong ones, each explained."""

    text: Words
    right: Words
    why: Words
    wrong: tuple[Wrong, ...] = Field(min_length=2)

    @property
    def explained(self) -> dict[str, str]:
        """Answer -> explanation, in an order that does not give the right one away and is always the same."""
        answers = [(self.right, self.why), *((each.answer, each.why) for each in self.wrong)]
        random.Random(self.text).shuffle(answers)
        return dict(answers)


class Bank(_Words):
    """All questions of one notebook."""

    predictions: dict[str, Prediction]
    quiz: tuple[QuizQuestion, ...] = Field(min_length=3, max_length=5)

    def prediction(self, name: str) -> Prediction:
        """The prediction of this name. Raises ValueError if there is none."""
        check_choice("prediction", name, self.predictions)
        return self.predictions[name]


@cache
def bank(notebook: str) -> Bank:
    """The questions of a notebook, which is given by its two digits. Raises ValueError if it has none."""
    folder = files(__package__)
    names = sorted(path.name.removesuffix(".toml") for path in folder.iterdir() if path.name.endswith(".toml"))
    check_choice("notebook", notebook, names)
    return Bank.model_validate(tomllib.loads((folder / f"{notebook}.toml").read_text(encoding="utf-8")))
