"""How much a share can prove, by what can be counted by hand."""

import pytest
from scipy.stats import binomtest

from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.evidence import coin_at_most, smallest_sample, wilson


def test_chance():
    """C9: 35 to 40 % means 20 pairs, and a coin does as badly in one run of four."""
    assert smallest_sample([0.35, 0.40]) == 20
    assert coin_at_most(0.40, 20) == pytest.approx(0.2517, abs=1e-4)
    assert coin_at_most(1.0, 20) == 1.0


@pytest.mark.parametrize("n", [7, 126, 503, 1371])
def test_printed_digits_show_at_least_as_many_pairs_as_there_are_and_no_more(n):
    shares = [(n // 2 + k) / n for k in range(6)]
    assert smallest_sample(shares) == n
    assert smallest_sample([round(share, 4) for share in shares]) <= n
    assert smallest_sample([round(share, 4) for share in shares[:2]]) <= n


def test_four_digits_show_126_pairs():
    assert smallest_sample([0.6111, 0.6429, 0.7143, 0.7778, 0.7937]) == 126


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (9, 10), (63, 90), (400, 1000)])
def test_wilson_is_scipys(hits, n):
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits / n, n) == pytest.approx((expected.low, expected.high), abs=1e-6)


def held_out(accuracy, **more):
    rows = [{"loss": 0.69 - 0.02 * n, "accuracy": 0.6 + 0.01 * n, "epoch": n / 10} for n in range(1, 21)]
    return [*rows, {"eval_accuracy": accuracy, "eval_loss": 0.5, **more}]


def test_yes_takes_pairs_enough_and_rows_enough():
    assert diagnose(held_out(0.8, eval_n_pairs=400)).ready_for_ppo
    assert diagnose(held_out(0.8, eval_runtime=8.0, eval_samples_per_second=50.0)).ready_for_ppo  # 400 pairs
    assert not diagnose(held_out(0.8, eval_runtime=8.0, eval_samples_per_second=5.0)).ready_for_ppo
    assert diagnose(held_out(0.8025)).ready_for_ppo  # 321 of 400; no fewer than 81 pairs give it
    for few in ("loss=0.4 eval_accuracy=0.9", held_out(0.8), held_out(0.8, eval_n_pairs=40)):
        diagnosis = diagnose(few)
        assert diagnosis.state == "cannot tell" and not diagnosis.ready_for_ppo
    assert "65.2 % to 89.5 % on 40 pairs" in diagnose(held_out(0.8, eval_n_pairs=40)).verdict


def test_what_people_agree_on_may_be_all_there_is():
    verdict = diagnose(held_out(0.68, eval_n_pairs=2000)).verdict
    assert "people agree with each other on 63 % to 77 %" in verdict and "give `ceiling`" in verdict
    assert diagnose(held_out(0.68, eval_n_pairs=2000), ceiling=0.72).ready_for_ppo


def test_more_than_people_agree_on_is_asked_about():
    """C20: 99.5 % of what people said means a leak, a trivial difference, or that nobody disagreed."""
    log = held_out(0.995, eval_n_pairs=400)
    assert diagnose(log).state == "cannot tell" and "people agree with each other" in diagnose(log).verdict
    assert diagnose(log, ceiling=1.0).ready_for_ppo
