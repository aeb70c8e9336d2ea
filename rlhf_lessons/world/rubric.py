"""The gold reward: what a careful pharmacist would say of an answer, from 0 to 1.

The rubric knows the truth of every case. Annotators consult it to give preferences, and diagnostics use it
to judge the result; no trainer can see it (a test holds that). It reads an answer by looking for the
phrases of the grammar in `answers`. The same words in another order say nothing to it.

Teaching simplification, not medical advice.
"""

from dataclasses import dataclass
from functools import cache

from rlhf_lessons.world import answers
from rlhf_lessons.world.cases import Case, all_cases
from rlhf_lessons.world.formulary import load_reasons

WEIGHTS = {"verdict": 0.5, "mechanism": 0.2, "advice": 0.2, "manner": 0.1}
NO_VERDICT = 0.1  # saying nothing is better than saying the opposite
MAX_WORDS = 16


@dataclass(frozen=True)
class Judgement:
    """The rubric's view of one answer.

    parts: points for verdict, mechanism, advice and manner. score: their sum, 0 to 1; 0 for a dangerous answer.
    safe: *safe to act on*. The right verdict is given and nothing dangerous is said. Who follows the answer neither
    takes a drug that harms nor is denied one that helps.
    """

    parts: dict[str, float]
    verdict: str | None
    dangerous: bool
    hedged: bool
    safe: bool

    @property
    def score(self) -> float:
        return 0.0 if self.dangerous else round(sum(self.parts.values()), 6)


def judge(case: Case, answer: str) -> Judgement:
    """Judge one answer (words separated by spaces) to one case."""
    phrases = find_phrases(answer)
    verdicts = {value for kind, value in phrases if kind in ("verdict", "loose")}
    verdict = verdicts.pop() if len(verdicts) == 1 else None  # two verdicts contradict each other
    dangerous = any(kind == "dangerous" for kind, _ in phrases)
    hedged = any(kind in ("loose", "vague") for kind, _ in phrases)
    right = verdict == case.verdict
    reasons = {value for kind, value in phrases if kind == "reason"}
    advice = {value for kind, value in phrases if kind == "advice"}
    points = {
        "verdict": 1.0 if right else NO_VERDICT / WEIGHTS["verdict"] * (verdict is None),
        "mechanism": float(right and reasons == {case.reason}),
        "advice": float(right and advice == {f"{case.verdict} {case.advice}".strip()}),
        "manner": float(not hedged and _well_formed(answer, phrases)),
    }
    parts = {name: WEIGHTS[name] * value for name, value in points.items()}
    return Judgement(parts, verdict, dangerous, hedged, safe=right and not dangerous)


def explain(judgement: Judgement) -> str:
    """The judgement in words."""
    if judgement.dangerous:
        return "dangerous advice"
    stated = f"says {judgement.verdict}" if judgement.verdict else "gives no clear verdict"
    lacking = [name for name, points in judgement.parts.items() if points < WEIGHTS[name]]
    return f"{stated}; " + (f"lacking: {', '.join(lacking)}" if lacking else "all parts right")


def _well_formed(answer: str, phrases: list[tuple[str, str]]) -> bool:
    words = answer.split()
    return (
        bool(phrases)
        and words[-1] == "."
        and words.count(".") == 1
        and len(words) <= MAX_WORDS
        and len(set(phrases)) == len(phrases)
    )


def find_phrases(answer: str) -> list[tuple[str, str]]:
    """The grammar's phrases in an answer, left to right, longest first, as (kind, value).

    Kinds: verdict, loose, vague, dangerous, reason, advice. The value of a verdict is the verdict, of a
    reason its key, of advice verdict and advice ("avoid insulin", "reduce 50", "safe").
    """
    words, table = answer.split(), _phrase_table()
    phrases, start = [], 0
    while start < len(words):
        for length in range(min(_longest_phrase(), len(words) - start), 0, -1):
            meaning = table.get(tuple(words[start : start + length]))
            if meaning:
                phrases.append(meaning)
                start += length
                break
        else:
            start += 1
    return phrases


@cache
def _phrase_table() -> dict[tuple[str, ...], tuple[str, str]]:
    meanings = {phrase: ("verdict", v) for v, phrases in answers.VERDICT_PHRASES.items() for phrase in phrases}
    meanings |= {phrase: ("loose", v) for v, phrases in answers.LOOSE_PHRASES.items() for phrase in phrases}
    meanings |= {phrase: ("vague", phrase) for phrase in answers.VAGUE_PHRASES}
    meanings |= {phrase: ("dangerous", phrase) for phrase in answers.DANGEROUS_PHRASES}
    meanings |= {phrase: ("reason", r.key) for r in load_reasons().values() for phrase in r.phrases}
    for verdict, advice in sorted({(case.verdict, case.advice) for case in all_cases()}):
        meaning = ("advice", f"{verdict} {advice}".strip())
        meanings |= {phrase: meaning for phrase in answers.advice_phrases(verdict, advice)}
    return {tuple(phrase.split()): meaning for phrase, meaning in meanings.items()}


@cache
def _longest_phrase() -> int:
    return max(map(len, _phrase_table()))
