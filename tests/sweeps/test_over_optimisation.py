"""What notebooks 06 and 07 claim of PPO, held against the kept runs: held-out cases, the rubric judges."""

import json
from dataclasses import asdict

import pytest

from rlhf_lessons.diagnostics.alarms import COLLAPSE, SHIFT, WEAK_SIGNAL
from rlhf_lessons.sweeps import gate, kept, over_optimisation, verdicts

SPOILT, FULL = "pairs_200_unpriced", "full_unpriced"


@pytest.fixture(scope="module")
def found():
    return kept.read(over_optimisation.NAME)


@pytest.fixture(scope="module")
def cases(found):
    return found.tables["cases"]


@pytest.fixture(scope="module")
def outcomes(found):
    return gate.outcomes(found.tables)


@pytest.fixture(params=[over_optimisation.SEEDS, over_optimisation.FRESH_SEEDS], ids=["all seeds", "fresh seeds"])
def seeds(request):
    """All, and those alone that were run after settings, scenarios and thresholds were fixed."""
    return request.param


@pytest.fixture
def some_cases(cases, seeds):
    return cases[cases.seed.isin(seeds)]


def test_the_kept_runs_are_those_of_the_conditions_with_all_seeds(found, cases):
    now = {name: asdict(condition) for name, condition in over_optimisation.CONDITIONS.items()}
    assert found.label["conditions"] == json.loads(json.dumps(now))
    assert found.label["seeds"] == list(over_optimisation.SEEDS) == list(range(len(over_optimisation.SEEDS)))
    assert cases.groupby("condition").seed.nunique().eq(len(over_optimisation.SEEDS)).all()
    assert set(now) <= set(cases.condition)


def test_the_policy_becomes_what_its_judge_is(some_cases):
    """C21, C32: the levels at both ends."""
    assert 0.74 <= verdicts.mean_of(some_cases, "sft").value <= 0.86
    assert verdicts.mean_of(some_cases, "broken").value <= 0.2
    assert verdicts.mean_of(some_cases, "full").value >= 0.94
    assert verdicts.mean_of(some_cases, "gold_course_price").value >= 0.94


def test_judges_that_know_more_lead_further(some_cases):
    """C21, C32: the steps of the staircase that are clear."""
    for better, worse in (("pairs_20", "broken"), ("full", "pairs_20"), ("full", "pairs_2000")):
        assert verdicts.lead(some_cases, better, worse).low > 0, (better, worse)
    assert verdicts.lead(some_cases, "gold", "full").high > 0


def test_a_weak_judge_is_gamed_without_a_price_and_held_with_one(some_cases):
    """C24, C27."""
    assert verdicts.mean_of(some_cases, "pairs_20_unpriced", "score").value >= 0.5
    assert verdicts.lead(some_cases, "pairs_20_unpriced", "sft").value <= -0.20
    assert verdicts.lead(some_cases, "pairs_20_strong_price", "sft").value >= -0.03


def test_distribution_shift_costs_safety(some_cases):
    """C25."""
    assert verdicts.lead(some_cases, FULL, SPOILT).low > 0


def test_a_bias_passes_the_doctor_and_leads_astray(found, some_cases, seeds):
    told = found.tables["examinations"]
    assert told[(told.condition == "biased") & told.seed.isin(seeds)].ready.all()
    assert verdicts.lead(some_cases, "biased", FULL).high < 0
    assert verdicts.lead(some_cases, "biased", FULL, "right").high < 0


def test_every_cure_has_an_interval_and_holding_the_policy_helps(some_cases):
    table = verdicts.comparison(some_cases, over_optimisation.CURES, "pairs_200_unpriced")
    cures = table.loc[list(over_optimisation.CURES)]
    assert ((cures["low"] < cures["lead"]) & (cures["lead"] < cures["high"])).all()
    assert cures.loc["strong_price", "verdict"] == cures.loc["early_stop", "verdict"] == "helps"
    assert not (cures.filter(like="ensemble", axis="index")["verdict"] == "helps").any()


@pytest.mark.parametrize(
    ("alarm", "scenario"),
    [(WEAK_SIGNAL, "pairs_20_unpriced"), (SHIFT, "pairs_2000_unpriced"), (COLLAPSE, "collapse")],
)
def test_each_challenge_rings_its_alarm(outcomes, seeds, alarm, scenario):
    """C24, C25, C26: in all runs of its scenario but at most one."""
    rings = outcomes[(outcomes.condition == scenario) & outcomes.seed.isin(seeds)][alarm]
    assert len(rings) == len(seeds) and (~rings).sum() <= 1


def test_every_run_has_its_judge_examined_and_its_outcome(outcomes):
    assert len(outcomes) == len(over_optimisation.CONDITIONS) * len(over_optimisation.SEEDS)
    assert not outcomes.drop(columns="findings").isna().any().any()
