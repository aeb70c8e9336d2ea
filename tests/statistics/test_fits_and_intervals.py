"""The curves of Gao et al. and the intervals, against data made for the purpose."""

import math

import numpy as np
import pytest

from rlhf_lessons.statistics import intervals
from rlhf_lessons.statistics.fits import fit
from rlhf_lessons.statistics.intervals import bootstrap

D = np.linspace(0.0, 3.0, 12)


@pytest.mark.parametrize(
    ("method", "gain", "turn"),
    [
        ("best_of_n", D * (0.4 - 0.1 * D), 2.0),
        ("ppo", D * (0.4 - 0.3 * np.log(np.where(D > 0, D, 1))), math.exp(0.4 / 0.3 - 1)),
    ],
)
def test_a_curve_is_found_again(method, gain, turn):
    found = fit(method, D, gain)
    assert found.alpha == pytest.approx(0.4) and found.r_squared == pytest.approx(1)
    assert found.turn == pytest.approx(turn)
    np.testing.assert_allclose(found.gain(D), gain, atol=1e-9)
    fine = np.linspace(0, 6, 6001)
    assert fine[found.gain(fine).argmax()] == pytest.approx(turn, abs=0.01)


def test_noise_moves_a_fit_a_little():
    noise = np.random.default_rng(0).normal(0, 0.01, len(D))
    found = fit("best_of_n", D, D * (0.4 - 0.1 * D) + noise)
    assert found.alpha == pytest.approx(0.4, abs=0.03) and 0.95 < found.r_squared < 1


def test_a_gain_that_only_rises_never_turns_and_one_that_only_falls_turns_at_once():
    assert fit("best_of_n", D, D * 0.4).turn > 1e6 or fit("best_of_n", D, D * 0.4).turn == math.inf
    assert fit("ppo", D, D * (0.1 + 0.2 * np.log(np.where(D > 0, D, 1)))).turn == math.inf
    assert fit("best_of_n", D, D * (-0.2 - 0.1 * D)).turn == 0


def test_bad_points_are_refused():
    with pytest.raises(ValueError, match="method: 'dpo'"):
        fit("dpo", D, D)
    with pytest.raises(ValueError, match="d, gain"):
        fit("ppo", D, D[:-1])
    with pytest.raises(ValueError, match="d, gain"):
        fit("ppo", D[:2], D[:2])


def test_an_interval_covers_the_mean_of_the_population_about_as_often_as_it_says(monkeypatch):
    """200 experiments of 5 seeds and 60 cases, with effects of both: 95 % intervals, some too narrow for 5 seeds."""
    monkeypatch.setattr(intervals, "DRAWS", 300)
    rng, covered = np.random.default_rng(1), 0
    for _ in range(200):
        seeds, cases = rng.normal(0, 0.1, (5, 1)), rng.normal(0, 0.5, (1, 60))
        found = bootstrap(0.7 + seeds + cases + rng.normal(0, 0.2, (5, 60)))
        covered += found.low <= 0.7 <= found.high
    assert 0.85 <= covered / 200 <= 1.0


def test_more_seeds_and_cases_give_a_narrower_interval_and_the_same_values_none():
    rng = np.random.default_rng(0)
    few, many = (bootstrap(rng.normal(size=shape)) for shape in ((3, 20), (12, 200)))
    assert many.high - many.low < few.high - few.low
    same = bootstrap(np.full((5, 10), 0.4))
    assert (same.value, same.low, same.high) == pytest.approx((0.4, 0.4, 0.4))


def test_cases_that_do_not_count_are_left_out():
    values = np.tile([1.0, np.nan, 0.0, np.nan], (2, 10))
    assert bootstrap(values).value == 0.5
    with pytest.raises(ValueError, match="values"):
        bootstrap(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="values"):
        bootstrap(np.zeros(3))
