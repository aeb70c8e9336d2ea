"""The curves of Gao et al. and the intervals, against data made for the purpose."""

import math

import numpy as np
import pytest

from rlhf_lessons.statistics import intervals
from rlhf_lessons.statistics.fits import fit
from rlhf_lessons.statistics.intervals import Interval, bootstrap, t_interval
from rlhf_lessons.statistics.shares import Share, share_over_seeds

D = np.linspace(0.0, 3.0, 12)


@pytest.mark.parametrize(
    ("method", "gain", "turn"),
    [
        ("best_of_n", D * (0.4 - 0.1 * D), 2.0),
        ("ppo", D * (0.4 - 0.3 * np.log(np.where(D > 0, D, 1))), math.exp(0.4 / 0.3 - 1)),
    ],
)
def test_a_curve_is_found_again(method, gain, turn):
    fitted = fit(method, D, gain)
    assert fitted.alpha == pytest.approx(0.4) and fitted.r_squared == pytest.approx(1)
    assert fitted.turn == pytest.approx(turn)
    np.testing.assert_allclose(fitted.gain(D), gain, atol=1e-9)
    fine = np.linspace(0, 6, 6001)
    assert fine[fitted.gain(fine).argmax()] == pytest.approx(turn, abs=0.01)


def test_noise_moves_a_fit_a_little():
    noise = np.random.default_rng(0).normal(0, 0.01, len(D))
    fitted = fit("best_of_n", D, D * (0.4 - 0.1 * D) + noise)
    assert fitted.alpha == pytest.approx(0.4, abs=0.03) and 0.95 < fitted.r_squared < 1


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


def test_an_interval_prints_all_three_numbers_in_one_form():
    interval = Interval(0.4124, 0.38, 0.44)
    assert str(interval) == f"{interval}" == "0.412 (0.380 to 0.440)"
    assert f"{interval:.1%}" == "41.2% (38.0% to 44.0%)" and f"{interval:+.1f}" == "+0.4 (+0.4 to +0.4)"


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_has_wilsons_interval(hits, n, low, high):
    """The examples of Newcombe 1998, table I, method 3."""
    share = Share(hits, n)
    assert (share.interval.low, share.interval.high) == pytest.approx((low, high), abs=5e-5)
    assert share.value == share.interval.value == hits / n


def test_a_share_prints_as_its_interval_and_nothing_counted_is_no_number():
    assert str(Share(0, 20)) == "0.0% (0.0% to 16.1%)"
    assert math.isnan(Share(0, 0).value) and math.isnan(Share(0, 0).interval.low)


def test_a_share_of_runs_is_as_sure_as_its_seeds_agree():
    alike, apart = share_over_seeds([5, 5, 5, 5], [10] * 4), share_over_seeds([10, 10, 0, 0], [10] * 4)
    assert (alike.value, alike.low, alike.high) == (0.5, 0.5, 0.5)
    assert apart.value == 0.5 and (apart.low, apart.high) == (0, 1)
    rare = share_over_seeds([1, 0, 0, 0], [1, 0, 3, 0])
    assert rare.value == 0.25 and (rare.low, rare.high) == (0, 1), "draws without any run are left out"


@pytest.mark.parametrize(("hit", "value"), [(0, 0.0), (7, 1.0)])
def test_where_all_seeds_say_the_same_each_counts_once(hit, value):
    found = share_over_seeds([hit] * 10 + [0], [7] * 10 + [0])
    assert found == Share(int(10 * value), 10).interval and found.value == value
    assert math.isnan(share_over_seeds([0, 0], [0, 0]).value)


def test_students_interval_by_hand():
    """The mean of 1 to 5 is 3, its standard error sqrt(2.5 / 5), and t with four degrees of freedom is 2.776."""
    interval = t_interval([1, 2, 3, 4, 5])
    assert interval.value == 3
    assert (interval.low, interval.high) == pytest.approx((3 - 2.776445 * 0.5**0.5, 3 + 2.776445 * 0.5**0.5))
    assert t_interval([0.0, 0.0]) == Interval(0.0, 0.0, 0.0)
    twice = t_interval([1, 1, 2, 2, 3, 3, 4, 4, 5, 5], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    assert (twice.low, twice.high) == pytest.approx((interval.low, interval.high)), "a copy in a group is no news"
    with pytest.raises(ValueError, match="groups: one group"):
        t_interval([1.0, 2.0], [0, 0])
    for values in ([1.0], [[1.0, 2.0]]):
        with pytest.raises(ValueError, match=r"values: shape .* is not allowed"):
            t_interval(values)


def test_an_interval_covers_the_mean_of_the_population_about_as_often_as_it_says(monkeypatch):
    """200 experiments of 5 seeds and 60 cases, with effects of both: 95 % intervals, some too narrow for 5 seeds."""
    monkeypatch.setattr(intervals, "DRAWS", 300)
    rng, covered = np.random.default_rng(1), 0
    for _ in range(200):
        seeds, cases = rng.normal(0, 0.1, (5, 1)), rng.normal(0, 0.5, (1, 60))
        interval = bootstrap(0.7 + seeds + cases + rng.normal(0, 0.2, (5, 60)))
        covered += interval.low <= 0.7 <= interval.high
    assert 0.85 <= covered / 200 <= 1.0


def test_more_seeds_and_cases_give_a_narrower_interval_and_the_same_values_none():
    rng = np.random.default_rng(0)
    few, many = (bootstrap(rng.normal(size=shape)) for shape in ((3, 20), (12, 200)))
    assert many.high - many.low < few.high - few.low
    same = bootstrap(np.full((5, 10), 0.4))
    assert (same.value, same.low, same.high) == pytest.approx((0.4, 0.4, 0.4))


def test_copies_of_a_case_drawn_together_are_no_news():
    values = np.random.default_rng(0).normal(size=(4, 20))
    alone, copied = bootstrap(values), bootstrap(np.repeat(values, 3, axis=1), np.repeat(np.arange(20), 3))
    assert (copied.value, copied.low, copied.high) == pytest.approx((alone.value, alone.low, alone.high))


def test_cases_that_do_not_count_are_left_out():
    values = np.tile([1.0, np.nan, 0.0, np.nan], (2, 10))
    assert bootstrap(values).value == 0.5
    with pytest.raises(ValueError, match="values"):
        bootstrap(np.full((2, 2), np.nan))
    with pytest.raises(ValueError, match="values"):
        bootstrap(np.zeros(3))
