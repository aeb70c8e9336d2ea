"""Phrases and lists that the labs' verdicts and texts share."""

import math
from collections.abc import Sequence

from rlhf_lessons.diagnostics.alarms import ringing
from rlhf_lessons.evaluation.scorecard import Answer
from rlhf_lessons.plots.style import Face
from rlhf_lessons.stages.history import Record

LN_2 = math.log(2)
CHANCE = "coin"
BEST = "best"  # of what nobody can beat on new pairs, for people disagree


def trend(first: float, last: float, least_change: float = 1e-4) -> str:
    """Which way a number went: "rises from 0.693 to 0.704", or "stays near 0.693" below `least_change`."""
    if abs(last - first) < least_change:
        return f"stays near {first:z.3f}"
    return f"{'rises' if last > first else 'falls'} from {first:z.3f} to {last:z.3f}"


def answer_list(answers: Sequence[Answer]) -> str:
    """One answer a line, each with the rubric's judgement in front."""
    return "\n".join(
        f"{'safe  ' if answer.judgement.safe else 'UNSAFE'}  {answer.prompt} {answer.text}" for answer in answers
    )


def unseen(mood: Face, records: Sequence[Record]) -> str:
    """What a verdict says besides of a bad run in which no alarm rings; nothing of any other."""
    return " No alarm sees it." if mood == "bad" and not ringing(records) else ""


def alarm_list(records: Sequence[Record]) -> str:
    """The alarms that ring for a PPO run, one a line, and what no alarm can hear."""
    rings = [*map(str, ringing(records))] or ["none rings"]
    return "\n".join(["Alarms:", *rings, "They read only what a trainer can see, never the rubric."])
