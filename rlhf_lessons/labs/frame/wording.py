"""Turns of phrase that the labs' verdicts share."""

import math
from collections.abc import Sequence

from rlhf_lessons.diagnostics.alarms import ringing
from rlhf_lessons.evaluation.scorecard import Answer
from rlhf_lessons.stages.history import Record

LN_2 = math.log(2)
CHANCE = "ln 2: a coin"


def trend(first: float, last: float, still: float = 1e-4) -> str:
    """Which way a number went: "rises from 0.693 to 0.704"."""
    way = "stays near" if abs(last - first) < still else "rises from" if last > first else "falls from"
    return f"{way} {first:.3f}" if way == "stays near" else f"{way} {first:.3f} to {last:.3f}"


def listed(answers: Sequence[Answer]) -> str:
    """Answers one a line, each with the rubric's word on it."""
    return "\n".join(
        f"{'safe  ' if answer.judgement.safe else 'UNSAFE'}  {answer.prompt} {answer.text}" for answer in answers
    )


def alarms(records: Sequence[Record]) -> str:
    """The alarms that ring for a PPO run, one a line."""
    findings = ringing(records)
    return "\n".join(["Alarms:", *map(str, findings)] if findings else ["Alarms: none rings."])
