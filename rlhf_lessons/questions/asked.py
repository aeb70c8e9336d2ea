"""Questions on the screen: one panel for predictions and quizzes, live in JupyterLab and folded on a page."""

import html
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from rlhf_lessons import progress
from rlhf_lessons.labs.frame.lab import Guess
from rlhf_lessons.labs.frame.predictions import judge, read_guess, told
from rlhf_lessons.labs.frame.stage import DOM, STILL, Shown
from rlhf_lessons.questions.bank import Prediction, QuizQuestion
from rlhf_lessons.refusals import check_choice

SCRIPT, STYLE = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("asked.js", "asked.css"))
HIDES = STILL.replace("rlhf-stage", "rlhf-ask").replace("rlhf-still", "rlhf-asked")


class PredictionAsked:
    """A prediction and what was measured. `mark` and `told` are empty until both are there."""

    def __init__(self, name: str, prediction: Prediction):
        self.name, self.prediction = name, prediction
        self.text, self.choices, self.unit = prediction.text, prediction.choices, prediction.unit
        self.truth: Guess | None = None
        self.given = self.mark = self.told = ""
        with suppress(ValueError):  # kept of a question that has changed since
            self._commit((progress.find("prediction", name) or {}).get("given", ""))

    def take(self, text: str) -> None:
        """Commit to an answer. Raises ValueError, with what is allowed, for none, and once the truth is known."""
        if self.given and self.truth is not None:
            raise ValueError("your prediction: it stands; the answer is known")
        self._commit(text)
        self._keep()

    def answer(self, truth: float | str) -> str:
        """The truth is known: what to say. Raises ValueError for one that is none of the choices."""
        if self.choices:
            check_choice(f"the answer to {self.name}", truth, self.choices)
        self.truth = 100 * float(truth) if self.unit == "%" else truth
        self._judge()
        self._keep()
        return self.told

    @property
    def folded(self) -> str:
        """The answer as HTML, for a page."""
        return html.escape(self.told or "A cell further down measures it.")

    def _commit(self, text: str) -> None:
        self._read(text)
        self.given = text.strip()
        self._judge()

    def _keep(self) -> None:
        if self.given:
            found = {"given": self.given, "mark": self.mark, "told": self.told}
            progress.keep("prediction", self.name, text=self.text, **found)

    def _read(self, text: str) -> Guess:
        return read_guess(self.prediction.question, text.removesuffix("%") if self.unit == "%" else text)

    def _judge(self) -> None:
        question = self.prediction.question
        if self.truth is None:
            self.told = "Kept. A cell further down measures it."
        elif self.given:
            guess = self._read(self.given)
            self.mark = judge(question, guess, self.truth)
            self.told = f"{told(question, guess, self.truth, self.mark)} {self.prediction.why}".strip()
        else:
            was = self.truth if self.choices else question.number_format.format(self.truth)
            self.told = f"Predict first, answered: {was}. {self.prediction.why}".strip()


class QuizAsked:
    """A question of a quiz. It may be answered again."""

    unit = ""

    def __init__(self, name: str, question: QuizQuestion):
        self.name, self.question = name, question
        self.text, self.choices = question.text, tuple(question.explained)
        self.given = (progress.find("quiz", name) or {}).get("given", "")
        self.mark = self.told = ""
        if self.given in self.choices:
            self._judge()

    def take(self, text: str) -> None:
        """Choose an answer. Raises ValueError for one that is none."""
        check_choice("your answer", text, self.choices)
        self.given = text
        self._judge()
        progress.keep("quiz", self.name, text=self.text, given=text, mark=self.mark)

    @property
    def folded(self) -> str:
        """All answers with their explanations as HTML, for a page."""
        lines = [
            f"<li><i>{html.escape(answer)}</i> {_verdict(answer == self.question.right)}. {html.escape(why)}</li>"
            for answer, why in self.question.explained.items()
        ]
        return f"<ul>{''.join(lines)}</ul>"

    def _judge(self) -> None:
        verdict = _verdict(self.given == self.question.right)
        self.mark, self.told = verdict.lower(), f"{verdict}. {self.question.explained[self.given]}"


class Asking(Shown):
    """A panel with one question or several. What the learner does is answered at once; nothing waits for it."""

    def __init__(self, title: str, button: str, asked: Sequence[PredictionAsked] | Sequence[QuizAsked]):
        self.title, self.asked = title, asked
        items = [{"text": each.text, "choices": each.choices, "unit": each.unit} for each in asked]
        self.view = View(spec={"title": title, "button": button, "items": items})
        self.view.on_msg(lambda _, content, __: self.receive(content))
        self._tell()

    def receive(self, content: Any) -> None:
        """A learner's answer: `item`, its place, and `text`. What is refused is told in the panel."""
        place, refused = 0, ""
        try:
            place = int(content["item"])
            self.asked[place].take(str(content["text"]))
        except ValueError as error:
            refused = str(error)
        self._tell(place, refused)

    def answer(self, truth: float | str) -> str:
        """What the one prediction of this panel turned out to be."""
        (asked,) = self.asked
        assert isinstance(asked, PredictionAsked)
        said = asked.answer(truth)
        self._tell()
        return said

    @property
    def page(self) -> str:
        """The panel where nothing is live: each question and, folded, its answer."""
        items = [
            f"<p>{html.escape(each.text)}</p>{_list(each.choices)}"
            f"<details><summary>Answer</summary>{each.folded}</details>"
            for each in self.asked
        ]
        inside = f"<b>{self.title}</b>{''.join(items)}"
        return f'<style>{HIDES}</style><section class="rlhf-asked" aria-label="{self.title}">{inside}</section>'

    def _tell(self, refused_at: int = 0, refused: str = "") -> None:
        said = [{"given": each.given, "mark": each.mark, "told": each.told, "refused": ""} for each in self.asked]
        said[refused_at]["refused"] = refused
        self.view.state = {"items": said, "count": self.view.state.get("count", 0) + 1}
        self.keep_page()

    @property
    def _bundle(self) -> dict[str, str]:
        """The page, and the questions as plain text."""
        text = "\n".join(f"{self.title}: {each.text}" for each in self.asked)
        return {"text/html": self.page, "text/plain": text}


class View(anywidget.AnyWidget):
    """The panel in the browser. spec: the questions. state: for each what was `given`, its `mark`, and the words."""

    _esm = DOM + SCRIPT
    _css = STYLE
    spec = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)


def _list(choices: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{html.escape(choice)}</li>' for choice in choices)}</ul>" if choices else ""


def _verdict(is_right: bool) -> str:
    return "Right" if is_right else "Wrong"
