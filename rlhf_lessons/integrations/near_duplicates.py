"""Near-duplicates of any texts: those that share most of their words."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from rlhf_lessons.diagnostics.doctor.twins import NUMBER, WORD

ALIKE = 0.8  # the share of their words that two texts have in common (Jaccard), numbers counted as one word


def has_near_duplicate(texts: Sequence[str], others: Sequence[str]) -> list[bool]:
    """For each text: do at least 80 % of the words of it and of one of the others occur in both?

    Case, order, repetition and the numbers among the words do not count; a text without words has none. Exact: of two
    such texts each has one of its 20 % rarest words in common with the other's (Bayardo, Ma and Srikant 2007), so only
    texts that share one are compared.
    """
    known = [_words(other) for other in others]
    frequency = Counter(word for words in known for word in words)

    def rarest(words: frozenset[str]) -> list[str]:
        ranked = sorted(words, key=lambda word: (frequency[word], word))
        return ranked[: len(words) - math.ceil(ALIKE * len(words)) + 1]

    index: defaultdict[str, list[int]] = defaultdict(list)
    for number, words in enumerate(known):
        for word in rarest(words):
            index[word].append(number)
    found = []
    for words in map(_words, texts):
        candidates = {number for word in rarest(words) for number in index.get(word, ())}
        found.append(any(len(words & known[n]) >= ALIKE * len(words | known[n]) for n in candidates))
    return found


def _words(text: str) -> frozenset[str]:
    return frozenset(WORD.findall(NUMBER.sub("#", text.replace("#", " ").casefold())))
