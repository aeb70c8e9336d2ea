"""Lab of notebook 04: name the planted fault of a small reward model from its log, its pictures and measurements."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from string import ascii_uppercase
from textwrap import fill
from typing import Any

from rlhf_lessons.diagnostics.doctor.fault_bank import RECIPES, diagnose_patient, make_fault
from rlhf_lessons.diagnostics.doctor.signs import SIGNS, advice, suspects
from rlhf_lessons.diagnostics.reward_report import RewardReport
from rlhf_lessons.knobs import Value
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab, Question
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.patient_picture import draw_patient
from rlhf_lessons.labs.frame.wording import trend
from rlhf_lessons.stages.history import Record

NOT_YET, NOBODY = "not yet", "nobody"
EVERY = 5  # steps of the log are shown
LINE = 96  # characters that fit under the picture
WIDE = "400px"  # for a list of long names
COLUMNS = ("step", "loss", "reward_chosen", "reward_rejected", "margin", "accuracy")


@dataclass(frozen=True)
class Case:
    """A patient with all that was measured, what is planted in it, and what the learner says and asks."""

    patient: str
    planted: str
    log: Sequence[Record]
    report: RewardReport
    guess: str
    consult: str

    @property
    def right(self) -> bool:
        return self.guess == self.planted


def compute(patient: str = "A", guess: str = NOT_YET, consult: str = NOBODY) -> Case:
    """One patient of the bank, a guess at what ails it, and who helps. A new patient takes about a second."""
    planted = planted_in(patient)
    log, report = _examined(planted, ascii_uppercase.index(patient))
    return Case(patient, planted, log, report, guess, consult)


def planted_in(patient: str) -> str:
    """What ails a patient. Of A to M every one has another condition, healthy included; so of N to Z."""
    half, place = divmod(ascii_uppercase.index(patient), len(RECIPES))
    order = list(RECIPES)
    random.Random(half).shuffle(order)
    return order[place]


@cache
def _examined(planted: str, seed: int) -> tuple[Sequence[Record], RewardReport]:
    patient = make_fault(planted, seed)
    return patient.history.records, diagnose_patient(patient)


def draw(result: Case, canvas: Canvas) -> None:
    """The training in three panels, and the rewards of test pairs in three more."""
    draw_patient(result.log, result.report.examination, canvas)


def verdict(result: Case) -> str:
    """What the numbers are, and what there is to say to the guess. The cause is told to nobody who has not named it."""
    if result.right:
        found = next((f.evidence for f in result.report.findings if f.name == result.planted), SIGNS[result.planted])
        return f"Right: {result.planted}; {RECIPES[result.planted].meaning}. The evidence: {found}."
    if result.guess != NOT_YET:
        return f"Not yet. {advice(result.planted, result.guess)}"
    e = result.report.examination
    return (
        f"Patient {result.patient}: the training loss {trend(result.log[0]['loss'], result.log[-1]['loss'], 0.01)}; "
        f"it ranks {e.train.accuracy.value:.0%} of its training pairs and {e.pairs.accuracy.value:.0%} of the test "
        "pairs right. Is it ill, and with what? Make a guess."
    )


def text(result: Case) -> str:
    """The patient's log, and the word of whoever was consulted."""
    rows = [record for record in result.log if record["step"] == 1 or record["step"] % EVERY == 0]
    lines = ["".join(f"{name.replace('reward_', ''):>10}" for name in COLUMNS)]
    lines += ["".join(f"{record[name]:>10.{0 if name == 'step' else 3}f}" for name in COLUMNS) for record in rows]
    log = "\n".join(lines)
    said = CONSULTANTS[result.consult](result)
    return f"Training log of patient {result.patient}\n{log}" + (f"\n\n{said}" if said else "")


def _colleague(result: Case) -> str:
    three = suspects(result.planted, ascii_uppercase.index(result.patient))
    return "\n".join(
        ["A colleague suspects one of three.", *(_wrapped(f"{n}: it would show {SIGNS[n]}") for n in three)]
    )


def _laboratory(result: Case) -> str:
    table = result.report.table().reset_index()
    rows = [tuple(table.columns), *table.itertuples(index=False, name=None)]
    return "\n".join(["The laboratory measured", *(f"  {what:<41}{value:<27}{fine}" for what, value, fine in rows)])


def _doctor(result: Case) -> str:
    if result.guess == NOT_YET:
        return "The doctor speaks once you have made a guess."
    return "\n".join(["The doctor concludes", *map(_wrapped, str(result.report).splitlines())])


CONSULTANTS: Mapping[str, Callable[[Case], str]] = {
    NOBODY: lambda _: "",
    "a colleague": _colleague,
    "the laboratory": _laboratory,
    "the doctor": _doctor,
}


def _wrapped(line: str) -> str:
    return fill(line, LINE, initial_indent="  ", subsequent_indent="    ")


LAB = Lab(
    module=__name__,
    title="Name that fault",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    canvas=lambda: Canvas(6, rows=2),
    ranges={
        "patient": {"choices": tuple(ascii_uppercase), "meaning": "Which reward model of the fault bank."},
        "guess": {"choices": (NOT_YET, *RECIPES), "meaning": "What ails this reward model."},
        "consult": {
            "choices": tuple(CONSULTANTS),
            "meaning": "Who helps: a colleague names three suspects, the laboratory measures, the doctor concludes "
            "after a guess.",
        },
    },
    presets={
        "the logged failure, solved": {"patient": "K", "guess": "wrong-way update", "consult": "the doctor"},
        "a healthy one, solved": {"patient": "L", "guess": "healthy", "consult": "the doctor"},
    },
    question=Question(
        "A fresh reward model knows nothing. What should its very first loss be, in nats?",
        lambda result: result.log[0]["loss"],
    ),
)


class BankPanel(Panel):
    """Ends a guess and a consultation with their patient, and counts the patients named at the first guess."""

    def __init__(self, initial: Mapping[str, Value]):
        self.first_guesses: dict[str, bool] = {}
        self._by_hand = True
        super().__init__(replace(LAB, verdict=self._verdict), initial)
        self.controls["guess"].selector.layout.width = WIDE

    def answer(self) -> None:
        """Show what the controls ask for."""
        now, before = self.settings, self.result
        if self._by_hand and now["patient"] != before.patient:
            self.controls["guess"].set(NOT_YET)
            self.controls["consult"].set(NOBODY)
        elif self._by_hand and now["guess"] != NOT_YET:
            self.first_guesses.setdefault(before.patient, now["guess"] == before.planted)
        super().answer()

    def set(self, **settings: Value) -> None:
        """Turn several controls at once: a guess given here is meant for the patient named here, and not counted."""
        self._by_hand = False
        try:
            super().set(**settings)
        finally:
            self._by_hand = True

    def surprise(self) -> None:
        """Another patient, with nothing said yet."""
        self.set(patient=self.controls["patient"].random_value(self._dice), guess=NOT_YET, consult=NOBODY)

    def _verdict(self, result: Case) -> str:
        guesses = self.first_guesses.values()
        score = f" Named at your first guess: {sum(guesses)} of {len(guesses)}." if guesses else ""
        return verdict(result) + score


def show(**initial: Any) -> Panel:
    """The lab on the screen. Settings given here replace the defaults."""
    return BankPanel(initial)
