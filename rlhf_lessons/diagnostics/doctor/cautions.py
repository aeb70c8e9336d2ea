"""What a reader of the report should know, though it is no fault: one sentence each, or None."""

from collections.abc import Callable

from rlhf_lessons.diagnostics.bars import PEOPLE_AGREE, highest_ceiling
from rlhf_lessons.diagnostics.doctor.data_checks import FEWEST_OF_A_KIND
from rlhf_lessons.diagnostics.doctor.examination import Examination


def no_ceiling(e: Examination) -> str | None:
    if e.bars.ceiling is not None:
        return None
    low, high = PEOPLE_AGREE
    return (
        f"no ceiling was given, so the bars are those for labels without noise; people agree with each other on "
        f"{low:.0%} to {high:.0%} of such pairs (Bai et al. 2022, Ouyang et al. 2022, Stiennon et al. 2020), and then "
        f"the best possible accuracy is at most {highest_ceiling(low):.0%} to {highest_ceiling(high):.0%}"
    )


def over_the_ceiling(e: Examination) -> str | None:
    if e.bars.ceiling is None or e.pairs.accuracy.interval.low <= e.bars.ceiling:
        return None
    return (
        f"an accuracy of {e.pairs.accuracy} is over the ceiling of {e.bars.ceiling:.1%}: that ceiling is not the one "
        "of these pairs, or their labels have leaked"
    )


def learned_by_heart(e: Examination) -> str | None:
    if e.bars.ceiling is None or e.train is None or e.train.accuracy.interval.low <= e.bars.ceiling:
        return None
    return (
        f"it ranks {e.train.accuracy} of its training pairs as people did, more than the {e.bars.ceiling:.1%} that "
        "anybody could of new ones: it has learned single labels by heart, the wrong ones too"
    )


def near_twins(e: Examination) -> str | None:
    """Held-out questions that training has nearly asked say less of new ones."""
    twins, new = e.with_twin, e.without_twin
    if twins is None or new is None or not twins.n:
        return None
    found = (
        f"{twins.n} of {twins.n + new.n} test prompts have a near twin in training: the same question, perhaps at "
        "another number or the other way round, with much the same answer"
    )
    if min(twins.n, new.n) < FEWEST_OF_A_KIND:
        fewer = "without" if new.n < twins.n else "with"
        return f"{found}; the {min(twins.n, new.n)} {fewer} a twin are too few to compare accuracies"
    return f"{found}; report both accuracies: {twins} with a twin, {new} without"


CAUTIONS: tuple[Callable[[Examination], str | None], ...] = (near_twins, over_the_ceiling, learned_by_heart, no_ceiling)
