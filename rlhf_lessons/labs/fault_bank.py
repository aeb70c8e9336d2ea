"""Lab of notebook 04, a clinic: name the planted fault of a small reward model from its pictures and ordered tests."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from string import ascii_uppercase
from textwrap import fill
from typing import Any

from rlhf_lessons.diagnostics.doctor.fault_bank import RECIPES, Patient, diagnose_patient, make_fault
from rlhf_lessons.diagnostics.doctor.measures import ScoredPairs, score_pairs
from rlhf_lessons.diagnostics.doctor.signs import SIGNS, advice, suspects
from rlhf_lessons.diagnostics.reward_report import RewardReport
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.clinic import ClinicPanel
from rlhf_lessons.labs.frame.gauges import TESTS
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict
from rlhf_lessons.labs.frame.patient_picture import draw_patient
from rlhf_lessons.labs.frame.wording import trend
from rlhf_lessons.stages.history import Record
from rlhf_lessons.world.tokenizer import course_tokenizer

NOT_YET, NOBODY, COLLEAGUE, DOCTOR = "none yet", "nobody", "a colleague", "the doctor"
LOG_EVERY = 5  # steps
LINE_WIDTH = 96  # characters
COLUMNS = ("step", "loss", "reward_chosen", "reward_rejected", "margin", "accuracy")


@dataclass(frozen=True)
class Case:
    """A trained patient, with what is measured of it when somebody asks."""

    patient: Patient

    @cached_property
    def test(self) -> ScoredPairs:
        """Its test pairs, scored."""
        return score_pairs(self.patient.score, self.patient.test_pairs, course_tokenizer())

    @cached_property
    def report(self) -> RewardReport:
        """All that the doctor measures, and concludes."""
        return diagnose_patient(self.patient)


@dataclass(frozen=True)
class ExaminedPatient:
    """A patient of the ward with what is planted in it, the diagnosis that was submitted, and who is consulted."""

    name: str
    planted: str
    case: Case
    diagnosis: str
    consult: str

    @property
    def is_named(self) -> bool:
        """Whether the diagnosis is what is planted."""
        return self.diagnosis == self.planted

    @property
    def log(self) -> Sequence[Record]:
        """The records of its training."""
        return self.case.patient.history.records

    @property
    def report(self) -> RewardReport:
        """The doctor's report on it."""
        return self.case.report


def compute(patient: str = "A", diagnosis: str = NOT_YET, consult: str = NOBODY) -> ExaminedPatient:
    """One patient of the ward, the diagnosis submitted for it, and who is consulted. A new patient is trained first."""
    planted = planted_in(patient)
    return ExaminedPatient(patient, planted, _case(planted, ascii_uppercase.index(patient)), diagnosis, consult)


def planted_in(patient: str) -> str:
    """The condition of a patient. Each condition, healthy included, occurs once among A to M and once among N to Z."""
    half, place = divmod(ascii_uppercase.index(patient), len(RECIPES))
    order = list(RECIPES)
    random.Random(half).shuffle(order)
    return order[place]


@cache
def _case(planted: str, seed: int) -> Case:
    return Case(make_fault(planted, seed))


def draw(result: ExaminedPatient, canvas: Canvas) -> None:
    """The training in three panels, and the rewards of test answers."""
    draw_patient(result.log, result.case.test, canvas)


def verdict(result: ExaminedPatient) -> Verdict:
    """What the log shows, or an answer to the diagnosis. Only the right one is told what is planted."""
    if result.is_named:
        evidence = next((f.evidence for f in result.report.findings if f.name == result.planted), SIGNS[result.planted])
        meaning = RECIPES[result.planted].meaning
        sentence = f"{meaning[:1].upper()}{meaning[1:]}. The evidence: {evidence.split('; ')[0]}."
        return Verdict(f"right: {result.planted}", "good", {}, sentence)
    if result.diagnosis != NOT_YET:
        return Verdict("not yet", "warn", {}, advice(result.planted, result.diagnosis).replace("*", ""))
    first, last = (record["loss"] for record in (result.log[0], result.log[-1]))
    figures = {"first loss, nats": f"{first:.3f}", "last loss, nats": f"{last:.3f}"}
    sentence = f"Patient {result.name}: the training loss {trend(first, last, 0.01)}. "
    sentence += "Order tests, then submit what ails it, if anything."
    return Verdict("open case", "open", figures, sentence)


def counsel(result: ExaminedPatient) -> str:
    """What the one who is consulted says, in short."""
    if result.consult == COLLEAGUE:
        first, second, third = _suspects(result)
        return f"A colleague suspects {first}, {second} or {third}. The details say what each would show."
    if result.consult == DOCTOR:
        if result.diagnosis == NOT_YET:
            return "The doctor speaks once you have submitted a diagnosis."
        found, ready = ", ".join(result.report.names), "ready" if result.report.ready_for_ppo else "not ready"
        return f"The doctor finds: {found}; {ready} for PPO. The whole report is in the details."
    return ""


def text(result: ExaminedPatient) -> str:
    """What the one who is consulted says, at length, and the patient's log."""
    rows = [record for record in result.log if record["step"] == 1 or record["step"] % LOG_EVERY == 0]
    lines = ["".join(f"{name.replace('reward_', ''):>10}" for name in COLUMNS)]
    lines += ["".join(f"{record[name]:>10.{0 if name == 'step' else 3}f}" for name in COLUMNS) for record in rows]
    log = "\n".join([f"Training log of patient {result.name}", *lines])
    return "\n\n".join([*AT_LENGTH[result.consult](result), log])


def _suspects(result: ExaminedPatient) -> list[str]:
    return suspects(result.planted, ascii_uppercase.index(result.name))


def _colleague(result: ExaminedPatient) -> list[str]:
    signs = [_wrapped(f"{name}: it would show {SIGNS[name]}") for name in _suspects(result)]
    return ["\n".join(["A colleague suspects one of three.", *signs])]


def _doctor(result: ExaminedPatient) -> list[str]:
    if result.diagnosis == NOT_YET:
        return []
    table = result.report.table().reset_index().itertuples(index=False, name=None)
    measured = [f"  {what:<41}{value:<27}{healthy}" for what, value, healthy in [("", "value", "healthy"), *table]]
    concluded = map(_wrapped, str(result.report).splitlines())
    return ["\n".join(["The doctor concludes", *concluded]), "\n".join(["The doctor measured", *measured])]


def _wrapped(line: str) -> str:
    return fill(line, LINE_WIDTH, initial_indent="  ", subsequent_indent="    ")


AT_LENGTH: Mapping[str, Callable[[ExaminedPatient], list[str]]] = {
    NOBODY: lambda _: [],
    COLLEAGUE: _colleague,
    DOCTOR: _doctor,
}
LAB = Lab(
    title="Name that fault",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    canvas=lambda: Canvas(4),
    ranges={
        "patient": {"choices": tuple(ascii_uppercase), "meaning": "Which reward model of the fault bank."},
        "diagnosis": {
            "choices": (NOT_YET, *RECIPES),
            "meaning": "What ails it. Choose, then submit; only the first submission counts.",
        },
        "consult": {
            "choices": tuple(AT_LENGTH),
            "meaning": "A colleague names three suspects; the doctor concludes after a submission.",
        },
    },
    presets={
        "the logged failure, solved": {"patient": "K", "diagnosis": "wrong-way update", "consult": DOCTOR},
        "a healthy one, solved": {"patient": "L", "diagnosis": "healthy", "consult": DOCTOR},
    },
    question=Question(
        "A fresh reward model knows nothing. What should its very first loss be, in nats?",
        lambda result: result.log[0]["loss"],
        {},
        number_format="{:.3f}",
    ),
)


def show(**initial: Any) -> ClinicPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return ClinicPanel(LAB, TESTS, counsel, initial)
