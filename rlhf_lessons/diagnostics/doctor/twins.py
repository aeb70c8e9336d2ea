"""Near twins: held-out prompts that training has asked in other words' order or with other numbers."""

import re
from collections import defaultdict
from collections.abc import Sequence

from rlhf_lessons.diagnostics.doctor.measures import TextPair

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
WORD = re.compile(r"#|\w+")
# The share of their words that two preferred answers have in common (Jaccard) if the same answer is right. Measured on
# 500 curated pairs beside 2,000 training pairs, as long as 76 of 154 held-out cases shared drug and eGFR band with a
# training case or were the same interaction the other way round: 98 % of those were found, 85 % of what was found were
# those. (The prompt alone: 100 and 76 %. Numbers within 35 % of each other instead: 91 and 86 %.)
ALIKE = 0.3


def has_twin(texts: Sequence[TextPair], train: Sequence[TextPair]) -> list[bool]:
    """For each held-out pair: has training asked this?

    It has if it asked the prompt word for word, or in the same words, whatever their order, their case and the numbers
    among them, and preferred an answer there which shares many words with the one preferred here.
    """
    prompts = {prompt for prompt, _, _ in train}
    known: defaultdict[tuple[str, ...], set[frozenset[str]]] = defaultdict(set)
    for prompt, chosen, _ in train:
        known[_question(prompt)].add(_words(chosen))
    return [
        prompt in prompts or any(_overlap(_words(chosen), other) >= ALIKE for other in known.get(_question(prompt), ()))
        for prompt, chosen, _ in texts
    ]


def _question(prompt: str) -> tuple[str, ...]:
    """The words of a prompt, sorted, with `#` for each number."""
    return tuple(sorted(WORD.findall(NUMBER.sub("#", prompt.replace("#", " ").casefold()))))


def _words(answer: str) -> frozenset[str]:
    return frozenset(WORD.findall(answer.casefold()))


def _overlap(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second) if first or second else 1.0
