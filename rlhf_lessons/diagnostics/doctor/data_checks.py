"""What the pairs themselves show: one answer given twice, or test pairs that training has seen. See `checks`."""

from rlhf_lessons.diagnostics.bars import GAP
from rlhf_lessons.diagnostics.doctor import causes
from rlhf_lessons.diagnostics.doctor.examination import Examination
from rlhf_lessons.diagnostics.findings import Finding

# Duplicates come by chance in small worlds; a tenth of the pairs does not.
MOST_DUPLICATES = 0.1
# With fewer pairs a 95 % interval of the accuracy covers nearly everything from 0 to 1.
FEWEST_OF_A_KIND = 10


def identical_pairs(e: Examination) -> Finding | None:
    if e.identical.value < MOST_DUPLICATES:
        return None
    evidence = (
        f"{e.identical.hits} of {e.identical.n} pairs hold the same answer twice when read; each costs ln 2 for ever"
    )
    return Finding(causes.IDENTICAL, evidence, ("a sampler without randomness",), 0.98)


def leak(e: Examination) -> Finding | None:
    if e.seen_pairs is None or e.seen_prompts is None:
        return None
    if e.seen_pairs.value >= MOST_DUPLICATES:
        evidence = f"{e.seen_pairs.hits} of {e.seen_pairs.n} test pairs are training pairs, word for word"
        return Finding(
            causes.LEAK, f"{evidence}; the accuracy of {e.pairs.accuracy} says nothing of new ones", (), 0.97
        )
    if e.seen_prompts.value >= 0.5:
        evidence = f"{e.seen_prompts.value:.0%} of the test pairs ask what a training pair asked"
        return Finding(causes.LEAK, evidence, ("very few different prompts",), 0.6)
    return _twins_are_easier(e)


def _twins_are_easier(e: Examination) -> Finding | None:
    """Questions that training has nearly asked are answered better than new ones."""
    twins, new = e.with_twin, e.without_twin
    if twins is None or new is None or min(twins.n, new.n) < FEWEST_OF_A_KIND:
        return None
    if e.bars.agreement(twins.value) - e.bars.agreement(new.value) < GAP or twins.interval.low < new.interval.high:
        return None
    evidence = (
        f"accuracy is {twins} on the {twins.n} test pairs with a near twin in training (the same question at another "
        f"number or the other way round, and much the same answer), but {new} on the {new.n} without"
    )
    return Finding(causes.LEAK, evidence, ("new questions that are harder",), 0.7)
