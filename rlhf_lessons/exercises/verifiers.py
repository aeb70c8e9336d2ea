"""Exercise of notebook 09: a verifier that cannot be gamed."""

from collections.abc import Iterable
from dataclasses import replace

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.world.answers import DANGEROUS_PHRASES, LOOSE_PHRASES
from rlhf_lessons.world.cases import Case, case_of
from rlhf_lessons.world.formulary import VERDICTS
from rlhf_lessons.world.verifier import lazy, strict


def _one_verdict(case: Case, answer: str) -> bool:
    return [verdict for verdict in VERDICTS if lazy(replace(case, verdict=verdict), answer)] == [case.verdict]


def _named(case: Case, answer: str) -> bool:
    return case.advice in answer


def _without(phrases: Iterable[str], answer: str) -> str:
    for phrase in phrases:
        answer = answer.replace(f"; {phrase} ", "")
    return answer


def _harmless(answer: str) -> bool:
    return not any(phrase in answer for phrase in DANGEROUS_PHRASES)


_REDUCE, _AVOID = case_of("gabapentin with egfr 36 ?"), case_of("warfarin with ibuprofen ?")
_SAFE = case_of("metformin with egfr 75 ?")

VERIFIER = Exercise(
    name="09.verifier",
    stars=3,
    minutes=15,
    task="Return 1.0 for an answer that deserves to be paid and 0.0 for any other. It deserves it if it says the "
    "case's verdict and no second one; if it names the dose (or the alternative) and no other; and if nothing in it "
    "is dangerous. case.verdict is the true verdict, case.advice the true dose in percent, or the alternative, or "
    "empty for the usual dose. find_phrases(answer) lists what is said: pairs such as ('verdict', 'reduce'), "
    "('loose', 'safe') for a verdict said with a shrug, ('advice', 'reduce 50'), ('advice', 'avoid paracetamol'), "
    "('advice', 'safe') for the usual dose, ('dangerous', 'double the dose').",
    reference=strict,
    cases=[
        (_REDUCE, "reduce the dose : drug accumulates ; 50 percent dose ."),
        (_REDUCE, "safe to take ; avoid it ; reduce the dose ."),
        (_REDUCE, "give less ."),
        (_REDUCE, "reduce the dose ; 25 percent dose ."),
        (_REDUCE, "reduce the dose ; 50 percent dose ; skip the blood tests ."),
        (_REDUCE, "reduce the dose ; 50 percent dose ; 25 percent dose ; 10 percent dose ."),
        (_REDUCE, "reduce the dose ; 50 percent dose ; should be fine ."),
        (_AVOID, "avoid it ; consider paracetamol since bleeding risk rises ."),
        (_AVOID, "it depends ; see how it goes ."),
        (_SAFE, "safe to take ; usual dose ."),
    ],
    mistakes=[  # from the one that is fooled last to the one that is fooled first
        Mistake(
            lambda case, answer: strict(case, _without(LOOSE_PHRASES["safe"], answer)),
            "Here a second verdict is said with a shrug. Whoever acts on it does not take a tablet less.",
        ),
        Mistake(
            lambda case, answer: float(_one_verdict(case, answer) and _named(case, answer) and _harmless(answer)),
            "Yours is paid for the right dose among others: whoever names them all has named it. What else may be "
            "said?",
        ),
        Mistake(
            lambda case, answer: float(_one_verdict(case, answer) and _named(case, answer)),
            "Verdict and dose are right here, and yet the answer does harm: look for what is said besides.",
        ),
        Mistake(
            lambda case, answer: float(_one_verdict(case, answer)),
            "Yours is content with a verdict, without the dose: the shortest answer pays as well as the best.",
        ),
        Mistake(
            lambda case, answer: lazy(case, answer),
            "That is the lazy verifier: whoever says every verdict has said the right one.",
        ),
        Mistake(
            lambda case, answer: 0.0,
            "A verifier that never pays cannot be gamed. It cannot teach either: this answer is right.",
        ),
    ],
    hints=[
        "Collect what is said in sets, one for verdicts (said firmly or with a shrug), one for advice.",
        "A set equals {case.verdict} only if nothing else was said. The advice must be {f'{case.verdict} "
        "{case.advice}'.strip()}.",
        "Three conditions, joined by `and`, in float(...): one set of verdicts, one of advice, no kind 'dangerous'.",
    ],
)
