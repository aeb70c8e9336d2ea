"""How bars follow the ceiling, by enumeration of small cases."""

import math
from itertools import product

import numpy as np
import pytest

from rlhf_lessons.diagnostics.bars import LN2, PEOPLE_AGREE, Bars, highest_ceiling
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.reward_report import reward_report
from rlhf_lessons.world.datasets import Pair


def entropy(p):
    return -sum(q * math.log(q) for q in (p, 1 - p) if q)


@pytest.mark.parametrize(("share", "ceiling"), list(product((0.5, 0.7, 0.9, 1.0), (0.6, 0.76, 0.9, 1.0))))
def test_a_bar_on_the_truth_is_moved_to_what_noisy_labels_show_of_it(share, ceiling):
    outcomes = product(((True, share), (False, 1 - share)), ((True, ceiling), (False, 1 - ceiling)))
    agrees = sum(p * q for (judge, p), (label, q) in outcomes if judge == label)
    bars = Bars(ceiling)
    assert bars.accuracy(share) == pytest.approx(agrees)
    assert bars.agreement(bars.accuracy(share)) == pytest.approx(share)


def test_without_a_ceiling_and_with_one_of_1_every_bar_stays():
    for bars in (Bars(), Bars(1), Bars(1.0), Bars(np.float32(1))):
        assert bars.accuracy(0.7) == bars.agreement(0.7) == pytest.approx(0.7)
        assert bars.loss(0.55) == pytest.approx(0.55) and bars.fall(0.2) == pytest.approx(0.2)


def test_what_goes_over_the_ceiling_counts_as_all_that_can_be_reached():
    assert Bars(0.8).agreement(0.95) == Bars(0.8).agreement(0.8) == 1


def test_a_perfect_scorer_is_under_the_bar_of_the_loss_whatever_the_labels_are():
    """Its loss is the mean entropy of the labels, which for a given ceiling is highest where all pairs are alike."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        likelier = 0.5 + rng.random(20) ** rng.uniform(0.1, 5) / 2
        ceiling, best_loss = likelier.mean(), np.mean([entropy(p) for p in likelier])
        assert best_loss <= entropy(ceiling) < Bars(ceiling).loss(0.55) < LN2


def test_agreement_among_people_bounds_the_ceiling():
    rng = np.random.default_rng(0)
    for _ in range(200):
        likelier = 0.5 + rng.random(20) / 2
        agreement = np.mean(likelier**2 + (1 - likelier) ** 2)
        assert agreement <= likelier.mean() <= highest_ceiling(agreement)
    alike = 0.85
    assert highest_ceiling(alike**2 + (1 - alike) ** 2) == pytest.approx(alike)
    assert [round(highest_ceiling(share), 2) for share in PEOPLE_AGREE] == [0.75, 0.87]


@pytest.mark.parametrize("ceiling", [0.5, 0, -1, 1.01, 76, math.nan, math.inf, True, "0.76", [0.76], "x" * 200])
def test_another_ceiling_is_refused_in_one_line(ceiling):
    pairs = [Pair("a ?", "b", "c", "")]
    calls = {
        "ceiling": [
            lambda: diagnose("loss=0.5", ceiling=ceiling),
            lambda: reward_report(lambda answers: [0.0] * len(answers), pairs, ceiling=ceiling),
        ],
        "policy_ceiling": [
            lambda: reward_report(lambda answers: [0.0] * len(answers), pairs, policy_ceiling=ceiling),
        ],
    }
    for name, some in calls.items():
        for call in some:
            with pytest.raises(ValueError) as refused:
                call()
            said = str(refused.value)
            assert said.startswith(f"{name}: ") and "\n" not in said
            assert said.endswith(" is not allowed; it must be a number over 0.5, at most 1")
