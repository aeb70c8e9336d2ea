"""People who compare: how often they prefer what, and what nobody can beat on their choices, by enumeration."""

import itertools
import math
import random

import pytest

from rlhf_lessons.world.annotators import (
    EXPERTS,
    PEOPLE,
    Annotators,
    add_noise,
    best_possible,
    compare,
    curated_pairs,
    gap,
    preference,
)
from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.datasets import Pair, written_pairs
from rlhf_lessons.world.rubric import judge

METFORMIN = "metformin with egfr 28 ?"
GOOD = "avoid it : lactic acid rises ; choose insulin ."
FLAWED = "avoid it : drug builds up ; choose insulin ."  # a wrong mechanism: 0.8
POOR = "it depends ; see how it goes ."  # 0.1
PAIRS = [Pair(METFORMIN, *texts, "sampled") for texts in ((GOOD, POOR), (FLAWED, GOOD), (POOR, FLAWED))]


def sigma(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def test_the_first_of_two_answers_is_preferred_as_bradley_and_terry_say():
    people = Annotators(annotator_temperature=0.25)
    assert preference(METFORMIN, GOOD, POOR, people) == pytest.approx(sigma(0.9 / 0.25))
    assert preference(METFORMIN, FLAWED, GOOD, people) == pytest.approx(sigma(-0.2 / 0.25))
    assert preference(METFORMIN, GOOD, GOOD, people) == 0.5
    assert preference(METFORMIN, GOOD, POOR, EXPERTS) == 1 and preference(METFORMIN, POOR, GOOD, EXPERTS) == 0
    for first, second in itertools.product((GOOD, FLAWED, POOR), repeat=2):
        both = preference(METFORMIN, first, second) + preference(METFORMIN, second, first)
        assert both == pytest.approx(1)


def test_a_length_bias_is_a_gap_in_words():
    biased = Annotators(length_bias=1.0)
    longer = len(GOOD.split()) - len(POOR.split())
    assert gap(METFORMIN, GOOD, POOR, biased) == pytest.approx(0.9 + longer / 10)
    assert gap(METFORMIN, GOOD, POOR) == pytest.approx(0.9)


def test_an_extreme_gap_is_a_certainty_and_no_overflow():
    cold = Annotators(annotator_temperature=1e-6)
    assert preference(METFORMIN, GOOD, POOR, cold) == 1
    assert preference(METFORMIN, POOR, GOOD, cold) < 1e-300


def test_the_best_possible_is_what_enumeration_gives():
    """Every choice of labels for three pairs, and every rule that says which answer of each pair is the better one."""
    shares = [preference(pair.prompt, pair.chosen, pair.rejected) for pair in PAIRS]
    labels = list(itertools.product((True, False), repeat=3))
    weights = [math.prod(p if first else 1 - p for p, first in zip(shares, label, strict=True)) for label in labels]
    assert sum(weights) == pytest.approx(1)

    def accuracy(rule: tuple[bool, ...]) -> float:
        hits = [sum(a == b for a, b in zip(rule, label, strict=True)) / 3 for label in labels]
        return math.fsum(w * hit for w, hit in zip(weights, hits, strict=True))

    def loss(forecast: list[float]) -> float:
        costs = [
            -sum(math.log(q if first else 1 - q) for q, first in zip(forecast, label, strict=True)) / 3
            for label in labels
        ]
        return math.fsum(w * cost for w, cost in zip(weights, costs, strict=True))

    best = best_possible(PAIRS)
    assert best.accuracy == pytest.approx(max(map(accuracy, labels)))
    assert best.loss == pytest.approx(loss(shares))
    rng = random.Random(0)
    assert all(loss([rng.uniform(0.01, 0.99) for _ in PAIRS]) >= best.loss for _ in range(200))
    alike = [
        w * v * sum(a == b for a, b in zip(one, two, strict=True)) / 3
        for (one, w), (two, v) in itertools.product(zip(labels, weights, strict=True), repeat=2)
    ]
    assert best.agreement == pytest.approx(math.fsum(alike))


def test_the_ceiling_does_not_depend_on_what_was_chosen_and_experts_have_none():
    swapped, straight = best_possible([pair.swapped() for pair in PAIRS]), best_possible(PAIRS)
    assert swapped.accuracy == pytest.approx(straight.accuracy) and swapped.loss == pytest.approx(straight.loss)
    perfect = best_possible(PAIRS, EXPERTS)
    assert (perfect.accuracy, perfect.loss, perfect.agreement) == (1, 0, 1)
    with pytest.raises(ValueError, match=r"pairs: \[\] is not allowed"):
        best_possible([])


def test_comparisons_follow_the_preference_and_skip_ties():
    asked = [(METFORMIN, FLAWED, GOOD)] * 4000
    pairs = compare(asked, random.Random(0))
    share = sum(pair.chosen == GOOD for pair in pairs) / len(pairs)
    assert share == pytest.approx(preference(METFORMIN, GOOD, FLAWED), abs=0.04)  # five standard errors
    assert compare([(METFORMIN, GOOD, GOOD)], random.Random(0)) == []
    assert {pair.chosen for pair in compare(asked, random.Random(0), EXPERTS)} == {GOOD}


def test_curated_pairs_are_the_written_ones_with_some_flipped():
    written, chosen = written_pairs(3000, seed=5), curated_pairs(3000, seed=5)
    for before, after in zip(written, chosen, strict=True):
        assert after == (before.swapped() if after.flipped else before)
    expected = 1 - sum(preference(p.prompt, p.chosen, p.rejected) for p in written) / 3000
    assert sum(pair.flipped for pair in chosen) / 3000 == pytest.approx(expected, abs=0.04)
    assert curated_pairs(100, seed=5, people=EXPERTS) == written[:100]
    assert curated_pairs(50, seed=3) == curated_pairs(50, seed=3) != curated_pairs(50, seed=4)


def test_experts_choose_by_the_rubric():
    for pair in curated_pairs(300, people=EXPERTS):
        case = case_of(pair.prompt)
        assert judge(case, pair.chosen).score > judge(case, pair.rejected).score


def test_noise_swaps_its_share_of_the_pairs():
    pairs = written_pairs(2000)
    noisy = add_noise(pairs, 0.25, seed=1)
    swapped = sum(new == old.swapped() for new, old in zip(noisy, pairs, strict=True))
    assert swapped / 2000 == pytest.approx(0.25, abs=0.05)
    assert add_noise(pairs, 0.0, seed=1) == pairs
    with pytest.raises(ValueError, match=r"noise: 0.7 is not allowed"):
        add_noise(pairs, 0.7, seed=1)


def test_the_default_annotators_are_a_group_whose_members_disagree():
    assert PEOPLE.annotator_temperature > 0 and PEOPLE.length_bias == 0
    with pytest.raises(ValueError, match=r"annotator_temperature: -1 is not allowed"):
        Annotators(annotator_temperature=-1)
