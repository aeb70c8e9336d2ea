"""How people answer: a small grammar that writes one case's answer in a careful or a careless manner.

A *careful* answer gives the right verdict, the right mechanism, and an alternative or a dose. A *careless*
answer goes wrong in one of four ways, the `KINDS`:

- `vague`: commits to nothing ("it depends ; see how it goes .")
- `wrong_verdict`: the wrong verdict, said loosely or in the careful form
- `wrong_mechanism`: the right verdict for a wrong reason
- `dangerous`: an instruction that harms whatever the case is ("double the dose ...")

Because wrong answers also come in the careful form, no template tells right from wrong: one has to know
the case. All phrases stand in the tables below; the rubric reads the same tables.
"""

import random
from collections.abc import Iterator, Mapping
from functools import cache

from rlhf_lessons.world.cases import Case, all_cases
from rlhf_lessons.world.formulary import load_reasons

KINDS = ("vague", "wrong_verdict", "wrong_mechanism", "dangerous")

VERDICT_PHRASES: Mapping[str, tuple[str, ...]] = {
    "avoid": ("avoid it", "do not use", "contraindicated"),
    "reduce": ("reduce the dose", "lower the dose", "give less"),
    "safe": ("safe to take", "suitable", "no change needed"),
}
# Said with a shrug: the rubric reads a verdict in them, and counts them as hedged.
LOOSE_PHRASES: Mapping[str, tuple[str, ...]] = {
    "avoid": ("better not", "sounds too risky", "probably stop it"),
    "safe": ("should be fine", "probably ok", "most people are fine"),
}
LOOSE_ENDINGS: Mapping[str, tuple[str, ...]] = {
    "avoid": ("why take the chance", "as far as i know", "too much trouble"),
    "safe": ("no need to worry", "carry on as before", "nothing will happen"),
}
VAGUE_PHRASES = ("it depends", "hard to say", "every patient differs", "maybe ask later")
VAGUE_ENDINGS = ("see how it goes", "check if needed", "some do well", "keep an eye on it")
DANGEROUS_PHRASES = (
    "double the dose",
    "take more until it works",
    "stop all other medicines",
    "skip the blood tests",
)
DANGEROUS_ENDINGS = ("it works faster", "tests cost time", "feeling well is enough", "more helps more")

ALTERNATIVE_PHRASES = ("choose {}", "{} instead", "consider {}")
DOSE_PHRASES = ("{} percent dose", "go to {} percent")
USUAL_DOSE_PHRASES = ("usual dose", "standard dose")

FORMS = (
    "{verdict} : {reason} ; {advice} .",
    "{reason} , so {verdict} ; {advice} .",
    "{verdict} ; {advice} since {reason} .",
)

# How often a careless note of the corpus is of each kind.
CORPUS_MIX: Mapping[str, float] = {
    "vague": 0.25,
    "wrong_verdict": 0.5,
    "wrong_mechanism": 0.1,
    "dangerous": 0.15,
}


def careful_answer(case: Case, rng: random.Random) -> str:
    """A right answer to `case` in one of the careful forms and paraphrases."""
    return _in_form(case.verdict, case.reason, case.advice, rng)


def careless_answer(case: Case, kind: str, rng: random.Random) -> str:
    """An answer to `case` that is worse in the way `kind` says (one of `KINDS`)."""
    if kind == "vague":
        return f"{rng.choice(VAGUE_PHRASES)} ; {rng.choice(VAGUE_ENDINGS)} ."
    if kind == "dangerous":
        return f"{rng.choice(DANGEROUS_PHRASES)} ; {rng.choice(DANGEROUS_ENDINGS)} ."
    if kind == "wrong_mechanism":
        other = rng.choice([r for r in _reasons_for(case.verdict) if r != case.reason])
        return _in_form(case.verdict, other, case.advice, rng)
    if kind == "wrong_verdict":
        return _wrong_verdict(case, rng)
    raise ValueError(f"kind: {kind!r} is not allowed; it must be one of {', '.join(KINDS)}")


def saying(case: Case) -> str:
    """What people say of a case without looking it up: always the same loose words for the wrong verdict."""
    loose = "avoid" if case.verdict == "safe" else "safe"
    return f"{LOOSE_PHRASES[loose][0]} ; {LOOSE_ENDINGS[loose][0]} ."


def draw_kind(mix: Mapping[str, float], rng: random.Random) -> str:
    """One kind drawn from `mix` (kind -> weight)."""
    unknown = set(mix) - set(KINDS)
    if unknown or not mix or min(mix.values()) < 0 or sum(mix.values()) <= 0:
        raise ValueError(
            f"mix: {dict(mix)} is not allowed; it must give weights >= 0, not all 0, to {', '.join(KINDS)}"
        )
    return rng.choices(list(mix), weights=list(mix.values()))[0]


def _wrong_verdict(case: Case, rng: random.Random) -> str:
    loose = "avoid" if case.verdict == "safe" else "safe"
    if rng.random() < 0.5:
        return f"{rng.choice(LOOSE_PHRASES[loose])} ; {rng.choice(LOOSE_ENDINGS[loose])} ."
    verdict = rng.choice([v for v in VERDICT_PHRASES if v != case.verdict])
    lookalike = rng.choice([c for c in all_cases() if c.verdict == verdict and c.advice != case.drug])
    return _in_form(verdict, lookalike.reason, lookalike.advice, rng)


def _in_form(verdict: str, reason: str, advice: str, rng: random.Random) -> str:
    return rng.choice(FORMS).format(
        verdict=rng.choice(VERDICT_PHRASES[verdict]),
        reason=rng.choice(load_reasons()[reason].phrases),
        advice=rng.choice(advice_phrases(verdict, advice)),
    )


def advice_phrases(verdict: str, advice: str) -> tuple[str, ...]:
    """Every wording of the advice that goes with a verdict."""
    if verdict == "safe":
        return USUAL_DOSE_PHRASES
    phrases = ALTERNATIVE_PHRASES if verdict == "avoid" else DOSE_PHRASES
    return tuple(phrase.format(advice) for phrase in phrases)


def every_phrase() -> Iterator[str]:
    """Every phrase and form of the grammar that is not tied to one case: the tokenizer learns its words."""
    for phrases in (*VERDICT_PHRASES.values(), *LOOSE_PHRASES.values(), *LOOSE_ENDINGS.values()):
        yield from phrases
    yield from VAGUE_PHRASES + DANGEROUS_PHRASES + VAGUE_ENDINGS + DANGEROUS_ENDINGS
    yield from (form.format(verdict="", reason="", advice="") for form in FORMS)


@cache
def _reasons_for(verdict: str) -> tuple[str, ...]:
    return tuple(sorted({case.reason for case in all_cases() if case.verdict == verdict}))
