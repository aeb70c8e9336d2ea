"""Lab of notebook 10: label pairs of answers yourself, for a reward model or DPO of your own.

`show(model)` also makes new pairs with a model of `rlhf_lessons.real.model.load()`; `show()` shows kept ones.
`file` names the training file (`rlhf_lessons.real.labels`), `colleague` that of somebody else, or their journal.
"""

import html
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from rlhf_lessons import devices
from rlhf_lessons.labs.frame.talk import Speaker, TalkPanel
from rlhf_lessons.labs.frame.turns import turn
from rlhf_lessons.real import labels
from rlhf_lessons.real.deck import Shown, next_shown
from rlhf_lessons.real.kept_answers import WARNING, AnswerPair, answer_pairs
from rlhf_lessons.refusals import check_choice, shown
from rlhf_lessons.statistics.kappa import Opinion, agreement

LONGEST = 500  # characters of a prompt
MAX_NEW_TOKENS, TEMPERATURE = 80, 0.9
TRIES = 3  # to get two answers that differ
SAID = {"1": "Answer 1 is better", "2": "Answer 2 is better", "tie": "A tie", "skip": "Skipped"}


class LabelPanel(TalkPanel):
    """Shows one pair after another and keeps each press. The next pair is made while the learner reads.

    Raises as `show` does.
    """

    def __init__(self, model: Speaker | None, path: Path, colleague: Path | None, seed: int):
        self.model, self.path, self.seed = model, path, seed
        self.window = uuid.uuid4().hex
        self.labels = labels.refresh(path)
        self.made: list[AnswerPair] = []  # by the model, the learner's own prompts first
        self.shown: Shown | None = None
        self.thread: threading.Thread | None = None
        self._colleague = _opinions_of(colleague) if colleague else {}
        self._theirs = [AnswerPair(pair[0], pair[1:], "a colleague's file") for pair in self._colleague]
        self._asked: list[str] = []  # prompts of the learner's that wait for answers
        self._n_drawn = 0
        spec = {"live": model is not None, "note": WARNING, "compares": colleague is not None}
        words = {"number": 0, "status": "", "making": ""}
        super().__init__("label_pairs", "Label your own pairs", spec, words)
        self._show_next()

    @property
    def actions(self) -> Mapping[str, Callable[..., None]]:
        """What the page may ask for, by name."""
        return {"label": self.label, "undo": self.undo, **({"ask": self.ask} if self.model else {})}

    def label(self, choice: labels.Choice, number: int) -> None:
        """Keep what the learner says of the pair with this number, and show the next one.

        A press for a pair that is not on the screen any more counts for nothing. Raises what `labels.append` raises;
        the pair then stays.
        """
        check_choice("choice", choice, get_args(labels.Choice))
        if self.shown is None or number != self.state["number"]:
            return
        pair = self.shown
        label = labels.Label(
            window=self.window, question=pair.question, answers=pair.answers, choice=choice, source=pair.source
        )
        self._keep(lambda: labels.append(self.path, label))
        self._show_next(f"{SAID[choice]}. Kept.")
        self._prepare()

    def undo(self) -> None:
        """Take back the last press of this lab. Raises what `labels.undo` raises."""
        self._keep(lambda: labels.undo(self.path, self.window))
        self._show_next("Taken back.")

    def ask(self, text: str) -> None:
        """Have the model answer a prompt of the learner's twice; the pair comes next. Raises ValueError for none."""
        text = text.strip()
        if not 0 < len(text) <= LONGEST:
            raise ValueError(f"your prompt: {len(text)} characters are not allowed; it must have 1 to {LONGEST}")
        self._asked.append(text)
        self.tell(making="Two answers to your prompt are being made; they come next.")
        self._prepare()

    @property
    def page(self) -> str:
        """The pair on the screen as HTML."""
        if self.shown is None:
            return f"<p>{self.state['status']}</p>"
        first, second = map(html.escape, self.shown.answers)
        return (
            f"<p>{html.escape(self.shown.question)}</p><p><b>1</b> {first}</p><p><b>2</b> {second}</p>"
            f"<p>{self.state['progress']}. Which answer is better?</p><p><small>{WARNING}</small></p>"
        )

    def _keep(self, change: Callable[[], list[labels.Label]]) -> None:
        try:
            self.labels = change()
        except OSError as error:
            raise OSError(f"This press is not kept: {error.strerror or error} ({str(self.path)!r})") from None

    def _show_next(self, status: str = "") -> None:
        with self._pen:
            self.shown = next_shown(self.labels, [*self.made, *self._theirs, *answer_pairs()], self.seed)
            question, answers = (self.shown.question, self.shown.answers) if self.shown else ("", ("", ""))
            if self.shown is None:
                status = f"{status} All pairs are labelled.".strip()
            number = self.state["number"] + 1
            self.tell(number=number, question=question, answers=answers, status=status, **self._summary())
        self.keep_page()

    def _summary(self) -> dict[str, Any]:
        """How many labels there are, where they are, and how far they agree."""
        first, second = labels.opinions(self.labels), labels.opinions(self.labels, time=1)
        told = {"with yourself": agreement(first, second)}
        if self._colleague:
            told["with your colleague"] = agreement(first, self._colleague)
        return {
            "progress": f"{len(first)} labelled, {len(second)} repeated",
            "agreement": [f"Agreement {who}: {found}." for who, found in told.items()],
            "place": str(self.path),
            "can_undo": any(label.window == self.window for label in self.labels),
        }

    def _prepare(self) -> None:
        """Make the next pair in the background, if there is a model, and no pair of its own waits to be seen."""
        known = {label.pair for label in self.labels} | ({self.shown.pair} if self.shown else set())
        waits = any(labels.pair_of(pair.question, *pair.answers) not in known for pair in self.made)
        if self.model and (self._asked or not waits) and not (self.thread and self.thread.is_alive()):
            self.thread = threading.Thread(target=self._make, args=(self.model,), daemon=True)
            self.thread.start()

    def _make(self, model: Speaker) -> None:
        devices.use()
        try:
            with turn(threading.Event(), lambda: None):
                self._make_pair(model)
                while self._asked:
                    self._make_pair(model)
        except Exception as error:
            self._asked.clear()
            self.show_error(error)
        self.tell(making="")
        if self.shown is None:
            self._show_next()

    def _make_pair(self, model: Speaker) -> None:
        """One pair of answers that differ, to the learner's own prompt or else to the next of the kept questions."""
        own, kept = bool(self._asked), answer_pairs()
        question = self._asked[0] if own else kept[self._n_drawn % len(kept)].question
        for _ in range(TRIES):
            seed = self.seed + len(self.labels) + self._n_drawn
            first, second = model.answers(question, 2, MAX_NEW_TOKENS, TEMPERATURE, seed)
            self._n_drawn += 1
            if first and second and first != second:
                with self._pen:
                    self.made.insert(0 if own else len(self.made), AnswerPair(question, (first, second), model.name))
                break
        else:
            self.tell(message=f"The model has no two answers to {shown(question)}.")
        if own:
            self._asked.pop(0)


def _opinions_of(colleague: Path) -> dict[labels.PairKey, Opinion]:
    try:
        return labels.read_opinions(colleague)
    except OSError as error:
        raise ValueError(f"colleague: {str(colleague)!r} cannot be read ({error.strerror})") from None


def show(model: Speaker | None = None, file: str | Path = "", colleague: str | Path = "", seed: int = 0) -> LabelPanel:
    """The lab on the screen; it goes on where it was left.

    file: the training file, `labels.default_path()` if empty. colleague: the training file or the journal of somebody
    whose labels are compared with these; their pairs come first. seed: of the sides and of new answers.
    Raises ValueError for a file that is not one of labels, OSError if the learner's own cannot be used.
    """
    path = Path(file).expanduser().absolute() if file else labels.default_path()
    return LabelPanel(model, path, Path(colleague).expanduser() if colleague else None, seed)
