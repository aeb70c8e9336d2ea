"""What notebooks 06 and 07 claim of PPO, held against the kept runs: ten seeds, held-out cases, the rubric judges."""

import json
from dataclasses import asdict

import pytest

from rlhf_lessons.diagnostics.alarms import COLLAPSE, SHIFT, WEAK_SIGNAL
from rlhf_lessons.sweeps import kept, over_optimisation, verdicts

SPOILT, ASKED, FULL = "pairs_200_unpriced", "policy_pairs", "full_unpriced"


@pytest.fixture(scope="module")
def found():
    return kept.read(over_optimisation.NAME)


@pytest.fixture(scope="module")
def cases(found):
    return found.tables["cases"]


@pytest.fixture(params=[over_optimisation.SEEDS, over_optimisation.FRESH_SEEDS], ids=["all seeds", "fresh seeds"])
def seeds(request):
    """All, and those alone that were run after settings, scenarios and thresholds were fixed."""
    return request.param


@pytest.fixture
def some_cases(cases, seeds):
    return cases[cases.seed.isin(seeds)]


def test_the_kept_runs_are_those_of_the_conditions_with_ten_seeds(found, cases):
    now = {name: asdict(condition) for name, condition in over_optimisation.CONDITIONS.items()}
    assert found.label["conditions"] == json.loads(json.dumps(now))
    assert found.label["seeds"] == list(over_optimisation.SEEDS) == list(range(10))
    assert cases.groupby("condition").seed.nunique().eq(10).all() and set(now) <= set(cases.condition)


def test_the_policy_becomes_what_its_judge_is(some_cases):
    """C21, C32: the levels at both ends. The rubric was hoped to lead to 0.98; that lies in its interval."""
    assert 0.78 <= verdicts.mean_of(some_cases, "sft").value <= 0.86
    assert verdicts.mean_of(some_cases, "broken").value <= 0.05
    assert verdicts.mean_of(some_cases, "full").value >= 0.96
    gold = verdicts.mean_of(some_cases, "gold_course_price")
    assert gold.value >= 0.975 and gold.high >= 0.98


def test_no_better_informed_judge_is_clearly_worse(cases):
    """C21, C32: the order. 20 and 200 pairs are a draw over ten seeds, though either leads in one block of five."""
    steps = verdicts.staircase(cases, over_optimisation.ORDER)
    assert (steps.high > 0).all()
    assert (steps.low > 0).to_dict() == {
        "20 pairs over broken": True,
        "200 pairs over 20 pairs": False,
        "2,000 pairs over 200 pairs": True,
        "full over 2,000 pairs": True,
        "gold over full": False,
    }


def test_a_weak_judge_is_gamed_without_a_price_and_held_with_one(some_cases):
    """C24, C27."""
    assert verdicts.mean_of(some_cases, "pairs_20_unpriced", "score").value >= 0.5
    assert verdicts.lead(some_cases, "pairs_20_unpriced", "sft").value <= -0.20
    assert verdicts.lead(some_cases, "pairs_20_strong_price", "sft").value >= -0.03


def test_asking_again_brings_back_what_distribution_shift_cost(some_cases):
    """C25."""
    cost, back = (verdicts.lead(some_cases, name, SPOILT) for name in (FULL, ASKED))
    assert cost.low > 0 and back.low > 0
    assert back.value >= 0.5 * cost.value


def test_every_cure_has_an_interval_and_the_price_helps(some_cases):
    table = verdicts.comparison(some_cases, over_optimisation.CURES, "pairs_200_unpriced")
    cures = table.loc[list(over_optimisation.CURES)]
    assert ((cures["low"] < cures["lead"]) & (cures["lead"] < cures["high"])).all()
    assert cures.loc["strong_price", "verdict"] == "helps"


@pytest.mark.parametrize(
    ("alarm", "scenario"),
    [(WEAK_SIGNAL, "pairs_20_unpriced"), (SHIFT, "pairs_2000_unpriced"), (COLLAPSE, "collapse")],
)
def test_each_challenge_rings_its_alarm_and_healthy_runs_are_quiet(found, seeds, alarm, scenario):
    """C24, C25, C26: in at least 4 of 5 runs of its scenario, and in at most 1 of 20 healthy ones."""
    records, groups = found.tables["records"], {"scenario": [scenario], "healthy": over_optimisation.HEALTHY}
    counts = verdicts.alarm_counts(records[records.seed.isin(seeds)], groups)
    assert counts.loc["runs"].to_dict() == {"scenario": len(seeds), "healthy": 4 * len(seeds)}
    ring = counts.loc[alarm] / counts.loc["runs"]
    assert ring["scenario"] >= 0.8 and ring["healthy"] <= 0.05
