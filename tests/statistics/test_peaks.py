"""Peaks of curves whose highest look is known."""

import numpy as np
import pytest

from rlhf_lessons.statistics.peaks import FALLS, RISES, TURNS, peak

KL = np.tile([0.0, 1.0, 2.0, 4.0], (5, 1))


def curve(*means: float, noise: float = 0.0) -> np.ndarray:
    """5 seeds, a look for each of `means`, 20 cases."""
    draws = np.random.default_rng(0).normal(0, 1, (5, len(means), 20))
    return np.array(means)[None, :, None] + noise * draws


@pytest.mark.parametrize(
    ("means", "look", "verdict"),
    [((0, 0.2, 0.1, -1), 1, TURNS), ((0, -0.1, -0.2, -0.3), 0, FALLS), ((0, 0.1, 0.2, 0.3), 3, RISES)],
)
def test_without_noise_every_draw_has_the_peak_of_the_curve(means, look, verdict):
    found = peak(curve(*means), KL)
    assert (found.look, found.verdict, found.agree, found.turns) == (look, verdict, 1.0, verdict == TURNS)
    assert (found.at.low, found.at.value, found.at.high) == (KL[0, look],) * 3
    assert (found.height.low, found.height.high) == pytest.approx((means[look],) * 2)


def test_the_true_top_lies_between_the_looks_beside_the_highest():
    found = peak(curve(0, 0.2, 0.1, -1), KL)
    assert (found.before, found.after) == (0.0, 2.0)
    assert peak(curve(0, 0.1, 0.2, 0.3), KL).after == 4.0


def test_noise_as_large_as_the_differences_makes_the_place_and_the_verdict_unsure():
    found = peak(curve(0, 0.02, 0.02, 0.01, noise=1.0), KL)
    assert found.at.low < found.at.high and found.agree < 0.95 and not found.turns
    assert found.height.high > found.height.value > found.height.low


def test_a_peak_that_every_seed_has_elsewhere_is_told_with_all_places():
    """Each seed turns at a look of its own, so the mean's peak depends on which seeds are drawn."""
    values = np.zeros((4, 4, 1))
    values[[0, 1], 1] = values[[2, 3], 2] = 1.0
    values[:, 3] = -1.0
    found = peak(values, KL[:4])
    assert found.turns and (found.at.low, found.at.high) == (1.0, 2.0)


def test_where_seeds_are_at_other_distances_the_place_is_their_mean():
    where = np.array([[0.0, 1.0, 5.0], [0.0, 3.0, 9.0]])
    found = peak(np.tile(np.array([0.0, 1.0, 0.5])[None, :, None], (2, 1, 3)), where)
    assert found.at.value == 2.0 and (found.at.low, found.at.high) == (1.0, 3.0)


def test_copies_of_a_case_drawn_together_are_no_news():
    values = curve(0, 0.02, 0.02, 0.01, noise=1.0)
    alone, copied = peak(values, KL), peak(np.repeat(values, 3, axis=2), KL, np.repeat(np.arange(20), 3))
    assert copied.height.low == pytest.approx(alone.height.low) and copied.agree == alone.agree


@pytest.mark.parametrize("shape", [(5, 4), (5, 3, 2), (5, 1, 2)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="values, where: shapes"):
        peak(np.zeros(shape), KL)
