"""Exercise of notebook 04: name the fault of an unknown reward model."""

from rlhf_lessons.diagnostics.doctor.fault_bank import FAULTS, Patient, diagnose_patient
from rlhf_lessons.diagnostics.doctor.signs import advice
from rlhf_lessons.diagnostics.reward_report import RewardReport
from rlhf_lessons.exercises import MADE_LATER
from rlhf_lessons.exercises.exercise import Exercise, Mistake

(NAME,) = MADE_LATER
NAMES = tuple(FAULTS)


def menu() -> str:
    """The numbered list of causes to choose from."""
    return "\n".join(f"{number:2}  {name}: {FAULTS[name].meaning}" for number, name in enumerate(NAMES, start=1))


def strongest_finding(report: RewardReport) -> int:
    # The doctor ranks its findings by evidence; the first of them names the cause.
    return NAMES.index(report.findings[0].name) + 1


def name_that_fault(patient: Patient) -> Exercise:
    """The exercise for one patient. Its one case is the doctor's report, whose findings the learner has not seen."""
    report = diagnose_patient(patient)
    truth = strongest_finding(report)
    return Exercise(
        name=NAME,
        stars=2,
        minutes=MADE_LATER[NAME],
        task="Return the number of the cause that explains the patient's table and pictures.",
        reference=strongest_finding,
        cases=[(report,)],
        mistakes=[
            Mistake(lambda report, number=number: number, advice(NAMES[truth - 1], NAMES[number - 1]))
            for number in range(1, len(NAMES) + 1)
            if number != truth
        ],
        hints=[
            "Begin with the data: identical pairs? test pairs that were trained on?",
            "Then the training loss: does it start at ln 2 = 0.693, does it leap, rise, or move at all?",
            "Then the probes: gradients, the head's spread that should reach the reward, the last token.",
        ],
    )
