"""Questions in the notebooks: *Predict first*, answered by what a cell then measures, and the quiz at the end.

The words stand in a file for each notebook, such as `06.toml`. A question never stops *Run All*; what is answered is
kept with the learner's progress (`rlhf_lessons.progress`).
"""

from rlhf_lessons.questions.asked import Asking, PredictionAsked, QuizAsked
from rlhf_lessons.questions.bank import bank

__all__ = ["measured", "predict", "quiz"]

_ASKED: dict[str, Asking] = {}  # of this session, so that a cell further down can answer them


def predict(name: str) -> Asking:
    """The panel of one prediction, such as "06.safe". Raises ValueError if there is none of that name."""
    notebook, _, word = name.partition(".")
    _ASKED[name] = Asking("Predict first", "Commit", [PredictionAsked(name, bank(notebook).prediction(word))])
    return _ASKED[name]


def measured(name: str, truth: float | str) -> None:
    """Answer a prediction: print what was measured beside what the learner said, and tell its panel.

    `truth` is a number (a share where the unit is %), or one of the choices. Raises ValueError for another one.
    """
    print((_ASKED.get(name) or predict(name)).answer(truth))


def quiz(notebook: str) -> Asking:
    """The quiz of a notebook, such as "06". Raises ValueError if there is none."""
    questions = enumerate(bank(notebook).quiz, start=1)
    return Asking("Quiz", "Check", [QuizAsked(f"{notebook}.{number}", each) for number, each in questions])
