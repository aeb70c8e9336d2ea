"""Turning points of made-up sweeps: observed peaks, and the fits that agree with them."""

import numpy as np
import pandas as pd
import pytest

from rlhf_lessons import plots
from rlhf_lessons.statistics.peaks import RISES, TURNS
from rlhf_lessons.sweeps import turning
from rlhf_lessons.world.cases import cases_in

D = np.linspace(0, 3, 13)
CASES = [str(case) for case in range(len(cases_in("held_out")))]


def sweep_of(gain: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Evaluations and looks of condition `a`, two seeds, with this gain at the distances D; rows out of order."""
    steps = {"condition": "a", "step": range(len(D))}
    evaluations, looks = [], []
    for seed in (0, 1):
        gold = 0.5 + gain + 0.001 * seed
        evaluations.append(pd.DataFrame({**steps, "kl": D**2, "score": D, "gold_score": gold, "seed": seed}))
        spread = {case: gold + 0.001 * int(case) for case in CASES}
        looks.append(pd.DataFrame({**steps, **spread, "seed": seed}))
    return pd.concat(evaluations)[::-1], pd.concat(looks).sample(frac=1, random_state=0)


def found_in(gain: np.ndarray):
    evaluations, looks = sweep_of(gain)
    points = turning.ppo_points(evaluations, "a")
    return points, turning.ppo_peak(points, looks, "a")


def test_points_are_gains_since_the_first_look_of_their_seed():
    points, _ = found_in(D * (0.2 - 0.1 * D))
    assert points.groupby("seed").gain.first().tolist() == [0, 0] and points.d.max() == pytest.approx(3)


def test_a_curve_of_gao_is_found_with_its_top_and_fitted():
    points, peak = found_in(D * (0.2 - 0.1 * D))
    assert peak.verdict == TURNS and peak.at.value == pytest.approx(1) and peak.height.value == pytest.approx(0.1)
    curves = turning.fitting(points, "best_of_n", peak)
    assert set(curves) == {0, 1} and curves[0].turn == pytest.approx(1)
    table = turning.fit_table({"a": curves, "b": {}})
    assert list(table.index) == ["a"] and table.loc["a", "alpha"] == "0.20 (0.20 to 0.20)"
    assert table.loc["a", "turns down at KL (nats)"].startswith("1.00")


def test_a_curve_that_rises_is_not_given_a_top_by_a_fit():
    """The fit of a curve that levels off turns inside the range, though the data never do."""
    gain = 0.18 * (1 - np.exp(-2 * D))
    points, peak = found_in(gain)
    assert peak.verdict == RISES
    curve = turning.fit("best_of_n", D, gain)
    assert curve.turn < D[-1]
    assert turning.fitting(points, "best_of_n", peak) == {}


def test_a_fit_whose_top_is_elsewhere_or_that_is_loose_is_not_shown():
    late = np.where(D <= 0.25, 4 * D, 1 - 0.01 * (D - 0.25))  # its top is at the second look
    for gain in (late, np.eye(len(D))[2]):  # and that of one look alone
        points, peak = found_in(gain)
        assert peak.turns and turning.fitting(points, "best_of_n", peak) == {}


def test_the_table_and_the_picture_say_what_was_seen():
    turned, rises = found_in(D * (0.2 - 0.1 * D)), found_in(D)
    points, peaks = {"t": turned[0], "r": rises[0]}, {"t": turned[1], "r": rises[1]}
    table = turning.peak_table(peaks, points, "step")
    assert table.seen.to_dict() == {"t": TURNS, "r": RISES} and table["at step"].to_dict() == {"t": 4, "r": 12}
    assert table.loc["t", "at KL (nats)"] == "1.00 (1.00 to 1.00)"
    assert table.loc["t", "gain at the last look"] == "-0.300"
    fitted = {name: turning.fitting(points[name], "best_of_n", peaks[name]) for name in points}
    picture = plots.goodhart(points, peaks, fitted, "PPO")
    assert "t: peak of gold +0.10 at KL 1.00; r: no peak seen (100% of draws)." in picture.alt
    assert picture.png().startswith(b"\x89PNG")


def test_best_of_n_is_read_by_reward_model_and_n():
    sizes = (1, 2, 4, 8)
    rows = {"reward": "a", "n": sizes, "kl": [0.0, 0.2, 0.6, 1.2], "score": sizes, "gold_score": [0.5, 0.6, 0.7, 0.4]}
    table = pd.concat(pd.DataFrame(rows).assign(seed=seed) for seed in (0, 1))
    looks = table[["reward", "n", "seed"]].join(pd.DataFrame(dict.fromkeys(CASES, table.gold_score)).iloc[:4])
    others = looks.assign(reward="b", **{"0": 9.0})
    points = turning.best_of_n_points(table, "a")
    peak = turning.best_of_n_peak(points, pd.concat([others, looks[::-1]]), "a")
    assert peak.turns and peak.at.value == pytest.approx(0.6) and peak.height.value == pytest.approx(0.2)
