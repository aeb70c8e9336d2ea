"""What the kept results of a sweep say, on results made for the purpose; and how they are kept."""

import os

import numpy as np
import pandas as pd
import pytest

from rlhf_lessons import plots
from rlhf_lessons.statistics.intervals import bootstrap
from rlhf_lessons.sweeps import kept, policy_runs, verdicts
from rlhf_lessons.sweeps.policy_runs import MEASURES
from rlhf_lessons.world.cases import cases_in

N_CASES = len(cases_in("held_out"))


def made_up(condition: str, safety: float, seeds: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(len(condition))
    rows = []
    for seed in range(seeds):
        values = {measure: rng.random(N_CASES) for measure in MEASURES}
        values["safety"] = (rng.random(N_CASES) < safety).astype(float)
        rows.append(pd.DataFrame(values).assign(condition=condition, seed=seed, case=range(N_CASES)))
    return pd.concat(rows)


@pytest.fixture
def cases():
    return pd.concat([made_up("bad", 0.3), made_up("middling", 0.7), made_up("also middling", 0.7)])


def test_a_clear_lead_is_told_from_none(cases):
    table = verdicts.comparison(cases, ["bad", "also middling"], "middling")
    assert table.loc["bad", "verdict"] == "harms" and table.loc["also middling", "verdict"] == "no clear difference"
    assert table.loc["bad", "low"] < table.loc["bad", "lead"] < table.loc["bad", "high"] < 0
    stairs = verdicts.staircase(cases, ["bad", "middling"])
    assert stairs.loc["middling over bad", "low"] > 0


def test_an_effect_is_shown_in_each_block_of_seeds(cases):
    luck = cases[(cases.condition == "middling") & (cases.seed == 0)].assign(condition="lucky", safety=1.0)
    none = cases[(cases.condition == "middling") & (cases.seed == 1)].assign(condition="lucky")
    table = verdicts.by_block(pd.concat([cases, luck, none]), {"luck": ("lucky", "middling")}, {"old": [0], "new": [1]})
    assert table.loc["luck", ("old", "low")] > 0 and table.loc["luck", ("new", "lead")] == 0
    alt = plots.by_block(table).alt
    assert alt.startswith("Leads in the safe share, old and new: luck +") and alt.endswith("and +0.0%.")


def test_columns_of_the_scorecard_look_at_their_own_cases(cases):
    truths = np.array([case.verdict for case in cases_in("held_out")])
    safe = cases[(cases.condition == "bad")].pivot(index="seed", columns="case", values="safety").to_numpy()
    assert np.nanmean(verdicts.matrix(cases, "bad", "safety", ("safe",))) == pytest.approx(
        safe[:, truths == "safe"].mean()
    )
    with pytest.raises(ValueError, match="condition: 'none'"):
        verdicts.matrix(cases, "none", "safety")


def test_cases_of_one_fact_are_drawn_together():
    """Where all cases of a fact are safe or none is, the interval is that of so many facts, not of the cases."""
    facts = np.array(verdicts.facts_of("held_out"))
    assert len(facts) == N_CASES > facts.max() + 1 == len({case.fact for case in cases_in("held_out")})
    table = pd.DataFrame({"safety": (facts % 2).astype(float), "case": range(N_CASES), "condition": "a", "seed": 0})
    together, alone = verdicts.mean_of(table, "a"), bootstrap(verdicts.matrix(table, "a", "safety"))
    assert together.value == alone.value and together.high - together.low > 1.1 * (alone.high - alone.low)


def test_safe_shares_have_a_column_for_each_view_and_best_of_n_is_never_greedy():
    views = {}
    for view, (split, _) in policy_runs.VIEWS.items():
        n_cases = len(cases_in(split))
        all_safe = pd.DataFrame({"safety": 1.0, "seed": 0, "case": range(n_cases)})
        views[view] = pd.concat(all_safe.assign(condition=name) for name in verdicts.POLICIES.values())
    views["greedy"] = views["greedy"][~views["greedy"].condition.str.startswith("best_of")]
    table = verdicts.safe_shares(views)
    assert list(table.index) == list(verdicts.POLICIES) and list(table.columns) == list(verdicts.VIEW_NAMES.values())
    assert table.loc["best of 4"].tolist() == ["100.0% (100.0% to 100.0%)", "-", *["100.0% (100.0% to 100.0%)"] * 2]


@pytest.mark.slow
def test_the_scorecard_has_all_policies_with_intervals():
    runs = pd.concat(made_up(name, 0.5) for name in verdicts.POLICIES.values())
    table = verdicts.scorecard_table(runs)
    assert list(table.index) == list(verdicts.POLICIES) and list(table.columns) == list(verdicts.COLUMNS)
    assert table.map(lambda text: "(" in text and " to " in text).all().all()
    picture = plots.scorecard(verdicts.scorecard(runs), verdicts.UNITS)
    assert "PPO, good RM" in picture.alt and picture.png().startswith(b"\x89PNG")


def test_pictures_of_leads_and_ladders_say_what_they_show(cases):
    table = verdicts.comparison(cases, ["bad"], "middling")
    assert "bad -" in plots.leads(table, "middling", {"there": 0.1}).alt
    ladder = {name: verdicts.mean_of(cases, name) for name in ("bad", "middling")}
    assert "middling 7" in plots.ladder(ladder, "share", {}).alt


def test_kept_results_are_read_as_they_were_written(tmp_path):
    table = pd.DataFrame({"a": [1, 2], "b": [0.123456, np.nan]})
    label = {"made": "2026-01-01", "command": "rlhf-lessons sweep x", "code": "a", "seeds": [0, 1], "torch": "2.9"}
    kept.write("some_sweep", {"numbers": table}, label, tmp_path)
    found = kept.read("some_sweep", tmp_path)
    pd.testing.assert_frame_equal(found.tables["numbers"], table.round(5), atol=1e-5)
    assert found.label == label
    first = (tmp_path / "some_sweep.zip").read_bytes()
    kept.write("some_sweep", {"numbers": table}, label, tmp_path)
    assert (tmp_path / "some_sweep.zip").read_bytes() == first, "the same results make the same bytes"
    assert os.listdir(tmp_path) == ["some_sweep.zip"]
    with pytest.raises(ValueError, match="rlhf-lessons sweep other-one makes them"):
        kept.read("other_one", tmp_path)


def test_the_label_says_whether_the_code_has_moved_on():
    label = {"made": "2026-01-01", "command": "rlhf-lessons sweep x", "code": "a", "seeds": [0, 1], "torch": "2.9"}
    found = kept.Kept({}, label)
    assert "with this code" in found.sentence("a") and "an earlier state of the code" in found.sentence("b")
