"""Rewards that need no reward model: a program checks the answer against the truth of its case.

Two of them. The strict one reads the whole answer. The lazy one only looks for the right words, as many verifiers in
practice do, and can be gamed: whoever says every verdict has said the right one.

Teaching simplification, not medical advice.
"""

from rlhf_lessons.world.cases import Case
from rlhf_lessons.world.rubric import find_phrases, judge


def strict(case: Case, answer: str) -> float:
    """1 for an answer that is safe to act on and names the right dose or alternative where there is one, else 0."""
    judgement = judge(case, answer)
    return float(judgement.safe and judgement.parts["advice"] > 0)


def lazy(case: Case, answer: str) -> float:
    """1 for an answer that says the true verdict somewhere, whatever else it says, else 0."""
    said = {value for kind, value in find_phrases(answer) if kind in ("verdict", "loose")}
    return float(case.verdict in said)
