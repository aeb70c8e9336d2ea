"""All methods beside one another, on made-up sweeps whose answers are known."""

import numpy as np
import pandas as pd
import pytest

from rlhf_lessons import plots
from rlhf_lessons.plots.methods import apart
from rlhf_lessons.statistics.intervals import Interval
from rlhf_lessons.sweeps import comparison
from rlhf_lessons.world.cases import cases_in

N_CASES, SEEDS = len(cases_in("held_out")), (0, 1, 2)
LABELS = {"ppo": "PPO", "dpo": "DPO"}
FINAL = {"ppo": 0.9, "dpo": 0.8, "ppo_20": 0.6, "ppo_200": 0.7, "ppo_2000": 0.8}
FINAL |= {"dpo_20": 0.4, "dpo_200": 0.5, "dpo_2000": 0.6}
REACH = {"ppo": 4.0, "dpo": 1.0}  # nats


def pairs_of(name: str) -> int:
    return int(name.split("_")[1]) if "_" in name else 16_000


@pytest.fixture
def tables():
    """PPO gains 0.1 for each root of a nat, DPO 0.2; seed s is 0.01 s better in everything."""
    cases, evaluations, costs = [], [], []
    for name, seed in ((name, seed) for name in FINAL for seed in SEEDS):
        same = {"condition": name, "seed": seed}
        cases.append(pd.DataFrame({**same, "case": range(N_CASES), "safety": FINAL[name] + 0.01 * seed, "kl": 1.0}))
        sampled = 0 if name.startswith("dpo") else 6_400
        costs.append({**same, "labels": pairs_of(name), "answers": sampled, "seconds": 50.0})
        if name in REACH:
            d = np.linspace(0, REACH[name] ** 0.5, 5)
            gold = 0.5 + (0.1 if name == "ppo" else 0.2) * d + 0.01 * seed * d
            row = {**same, "step": range(5), "kl": d**2, "gold_score": gold, "score": d, "safety": 0.7 + 0.05 * d}
            evaluations.append(pd.DataFrame(row))
    return {"cases": pd.concat(cases), "evaluations": pd.concat(evaluations), "costs": pd.DataFrame(costs)}


@pytest.fixture
def other():
    """Best of n of four seeds, one more than the methods were run with."""
    rows = [
        {"reward": reward, "n": n, "seed": seed, "kl": np.log(n), "score": n, "gold_score": 0.5 + 0.1 * np.log(n)}
        for reward in ("full", "gold")
        for seed in (*SEEDS, 3)
        for n in (1, 4, 16)
    ]
    cases = [
        pd.DataFrame({"condition": name, "seed": seed, "case": range(N_CASES), "safety": 0.75, "kl": 0.0})
        for name in ("sft", "best_of_4", "best_of_16", "broken")
        for seed in (*SEEDS, 3)
    ]
    return {"best_of_n": pd.DataFrame(rows), "cases": pd.concat(cases)}


def test_best_of_n_joins_with_the_same_seeds_and_judge(tables, other):
    joined = comparison.with_choice(tables, other)
    assert set(joined.condition) == {*FINAL, "sft", "best_of_4", "best_of_16"} and set(joined.seed) == set(SEEDS)
    best = comparison.distances(tables, other, LABELS)["best of n"]
    assert set(best.reward) == {"full"} and set(best.seed) == set(SEEDS)
    assert best.gain.to_numpy().reshape(3, 3)[:, 0].tolist() == [0, 0, 0]


def test_gains_are_read_at_one_distance_between_two_looks(tables, other):
    points = comparison.distances(tables, other, LABELS)
    assert comparison.common_kl(points) == pytest.approx(1.0)
    assert comparison.gains_at(points["PPO"], 0.81).tolist() == pytest.approx([0.09, 0.099, 0.108])
    assert comparison.gains_at(points["DPO"], 1.21).isna().all()
    table = comparison.at_equal_distance(points, 0.81, "PPO")
    assert table.loc["DPO", "lead"].startswith("+0.090 (") and table.loc["DPO", "lead"].endswith("ahead")
    assert table.loc["PPO", "lead"] == "-" and table.loc["PPO", "gold gain"].startswith("+0.099 (")
    near = comparison.at_equal_distance(points, 0.01, "PPO").loc["DPO"]
    assert near["gold gain"].startswith("over +") and near["lead"] == "no look so near"
    far = comparison.at_equal_distance(points, 1.21, "PPO").loc["DPO"]
    assert (far.seeds, far["gold gain"], far["lead"]) == (0, "-", "-")


def test_costs_are_spread_over_the_steps(tables):
    answers, seconds = (comparison.over_cost(tables, LABELS, cost) for cost in ("answers", "seconds"))
    assert answers["PPO"][answers["PPO"].seed == 0].answers.tolist() == [0, 1600, 3200, 4800, 6400]
    assert answers["DPO"].answers.tolist() == [0, 0, 0] and set(answers["DPO"].step) == {4}
    assert len(seconds["DPO"]) == 5 * len(SEEDS)
    before = {name: table.replace({"condition": {"ppo": "distilled"}}) for name, table in tables.items()}
    assert comparison.over_cost(before, {"distilled": "D"}, "answers")["D"].answers.tolist() == [6400] * 3
    shown = comparison.costs_of(tables, LABELS)
    assert shown.loc["DPO"].tolist() == ["16,000", "0", "50"] and shown.loc["PPO", "answers"] == "6,400"


def test_fewer_labels_are_a_line_of_finished_policies(tables):
    line = comparison.curve(comparison.over_labels(tables, comparison.FEWER)["DPO"], "labels", "safety")
    assert line.x.tolist() == [20, 200, 2000, 16000]
    assert line.y.tolist() == pytest.approx([0.41, 0.51, 0.61, 0.81])
    assert (line.low < line.y).all() and (line.y < line.high).all()


def test_leads_are_told_in_each_block_of_seeds(tables, other):
    cases = comparison.with_choice(tables, other)
    shown = comparison.leads(cases, LABELS | {"sft": "SFT"}, "ppo", {"all": SEEDS, "one": [0]})
    assert shown.loc["DPO", "all"] == "-10.0% (-10.0% to -10.0%), behind" and shown.loc["PPO", "one"] == "-"
    assert shown.loc["SFT", "safe"] == "75.0% (75.0% to 75.0%)"


@pytest.mark.parametrize(
    ("interval", "word"), [((0.1, 0.05, 0.2), "longer"), ((-1, -2, -0.1), "shorter"), ((0.1, -0.1, 0.3), "not shown")]
)
def test_what_is_not_clear_is_not_shown(interval, word):
    assert comparison.told(Interval(*interval), "+.2f", ("longer", "shorter")).endswith(f"), {word}")


def test_the_picture_says_where_each_line_ends_and_names_it_once_in_each_panel(tables, other):
    picture = plots.methods(**comparison.panels(tables, other, LABELS), sft=0.75)
    picture.png()
    gain, labels, answers, seconds = picture.axes
    assert [text.get_text() for text in gain.texts] == ["DPO", "PPO", "best of n"]
    for ax in (labels, answers, seconds):
        heights = {text.get_text(): text.get_position()[1] for text in ax.texts}
        assert heights.keys() == {"PPO", "DPO"} and abs(heights["PPO"] - heights["DPO"]) >= 0.066 - 1e-9
    assert "over sampled answers: PPO 0.800 at 6.4e+03, DPO 0.750 at 0;" in picture.alt


@pytest.mark.parametrize("heights", [[0.1, 0.5, 0.9], [0.5, 0.5, 0.5], [0.97, 0.98, 0.99], [0.0, 0.01, 0.02]])
def test_names_keep_their_order_and_their_distance(heights):
    places = apart(heights, 0.1)
    assert (np.diff(places) >= 0.1 - 1e-12).all() and places[0] >= 0 and places[-1] <= 1 + 1e-12
    if heights == [0.1, 0.5, 0.9]:
        assert places.tolist() == pytest.approx(heights)


def test_pulls_are_lines_with_points_under_the_same_names():
    line = pd.DataFrame({"x": [0.0, 0.5, 1.0], "y": [0.0, 1.0, 0.0]})
    picture = plots.pulls({"RLOO": line}, {"RLOO": line.assign(low=line.y - 0.1, high=line.y + 0.1)})
    assert picture.png() and "at 10 % right: RLOO 0.20" in picture.alt
