"""The sweep behind notebooks 06 and 07 in small: a tiny policy, a few updates, and results made for the purpose."""

import json
import math
import os
from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest
import torch

from rlhf_lessons import plots
from rlhf_lessons.diagnostics.alarms import ALARMS, COLLAPSE
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.pipeline import SFTPlan, Trained
from rlhf_lessons.stages.history import History
from rlhf_lessons.sweeps import kept, over_optimisation, policy_runs, reward_models, selection, verdicts
from rlhf_lessons.sweeps.policy_runs import MEASURES, Condition, policy_run
from rlhf_lessons.sweeps.reward_models import Recipe, broken_reward, reward_function, train_recipe
from rlhf_lessons.world.cases import cases_in
from rlhf_lessons.world.datasets import encode, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

N_CASES = len(cases_in("held_out"))
QUICK = {"updates": 5, "rollout_size": 8, "minibatch_size": 4, "max_new_tokens": 4}


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """An untrained policy in place of the SFT model, and a cache of its own."""
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    body = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=0)
    trained = Trained("sft", body, History(), SFTPlan(), Key("sft", {}, "0" * 16), 0.0, True)
    for module in (policy_runs, reward_models, selection):
        monkeypatch.setattr(module, "ensure", lambda *_, **__: trained)
    monkeypatch.setattr(policy_runs, "FINAL_ANSWERS", 1)
    monkeypatch.setattr(policy_runs, "EVALUATION_ANSWERS", 1)
    return body


def test_a_run_is_judged_on_the_way_and_at_the_end_and_remembered(tiny, monkeypatch):
    condition = Condition("a", "gold", QUICK)
    run = policy_run(condition)
    assert len(run.records) == 5 and [look["step"] for look in run.evaluations] == [0, 5]
    assert set(MEASURES) <= set(run.evaluations[0]) and run.evaluations[0]["kl"] == pytest.approx(0, abs=1e-4)
    assert {measure: len(values) for measure, values in run.cases.items()} == dict.fromkeys(MEASURES, N_CASES)
    monkeypatch.setattr(policy_runs.ppo, "train_ppo", None)  # a second training would fail
    assert policy_run(condition).cases == run.cases
    with pytest.raises(TypeError):
        policy_run(condition, seed=1)


def test_a_run_ends_for_good_past_its_kl_limit(tiny):
    changes = QUICK | {"learning_rate": 0.1, "kl_coef": 0.0, "kl_stop": 100.0, "updates": 12}
    run = policy_run(Condition("a", "gold", changes, kl_limit=0.5))
    assert len(run.records) < 12
    assert run.records[-1]["kl"] > 0.5 >= run.records[-2]["kl"]


def test_the_policy_it_starts_from_is_left_alone(tiny):
    before = [p.clone() for p in tiny.parameters()]
    policy_run(Condition("a", "gold", QUICK))
    assert all(torch.equal(a, b) for a, b in zip(before, tiny.parameters(), strict=True))


def test_fresh_comparisons_of_one_run_reach_the_judge_of_the_next(tiny, monkeypatch):
    pairs = [["metformin with egfr 28 ?", "avoid it", "should be fine"]] * 3
    monkeypatch.setattr(policy_runs, "fresh_comparisons", lambda policy, sft, n, seed: pairs[:n])
    seen = []
    monkeypatch.setattr(policy_runs, "train_recipe", lambda *given: seen.extend(given[-1]) or gold)
    monkeypatch.setattr(policy_runs, "judge_key", lambda condition, seed: Key(condition.label, {}, "code"))
    gold = reward_function("gold")
    first = Condition("a", "gold", QUICK, collects=2)
    policy_run(Condition("b", Recipe(20), QUICK, after=first))
    assert [(p.prompt, p.chosen, p.rejected) for p in seen] == [tuple(row) for row in pairs[:2]]


def test_a_recipe_trains_one_model_or_an_ensemble_and_reads_its_noise(tiny, monkeypatch):
    answers = encode(course_tokenizer(), prompts_in("held_out")[:6], ["avoid it ."] * 6)
    alone = Recipe(20, sampled_share=0.0, training={"epochs": 1})
    together = Recipe(20, sampled_share=0.0, members=3, how="worst", training={"epochs": 1})
    steps = []
    for recipe in (alone, together):
        assert train_recipe(recipe, tiny, tiny, on_step=steps.append)(answers).shape == (6,)
    assert len(steps) == 2
    noisy = Recipe(20, sampled_share=0.0, noise=0.5, training={"epochs": 1})
    assert not torch.equal(train_recipe(noisy, tiny, tiny)(answers), train_recipe(alone, tiny, tiny)(answers))


def test_the_broken_judge_is_the_documents_program():
    """C8: it scores characters, so words in any order are alike to it, and an empty answer has a score too."""
    tokenizer, prompt = course_tokenizer(), prompts_in("held_out")[0]
    said = encode(tokenizer, [prompt] * 3, ["avoid it .", "it avoid .", ""])
    scores = broken_reward()(said)
    assert scores[0] == scores[1] and scores.isfinite().all()
    assert scores[0] < -9  # where the document's rewards ended


def test_an_unknown_judge_is_refused():
    with pytest.raises(ValueError, match="reward_model: 'better' is not allowed; it must be one of broken, pairs_20"):
        reward_function("better")


def test_best_of_n_gains_score_with_n_and_has_a_row_for_each(tiny, monkeypatch):
    monkeypatch.setattr(selection, "SIZES", (1, 2, 4))
    found = pd.DataFrame(selection.curves(tiny, {"gold": reward_function("gold")}, seed=0))
    assert found.n.tolist() == [1, 2, 4] and found.score.is_monotonic_increasing
    assert found.kl.tolist() == pytest.approx([0, math.log(2) - 0.5, math.log(4) - 0.75])


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


@pytest.mark.slow
def test_the_scorecard_has_all_policies_with_intervals():
    runs = pd.concat(made_up(name, 0.5) for name in verdicts.POLICIES.values())
    table = verdicts.scorecard_table(runs)
    assert list(table.index) == list(verdicts.POLICIES) and list(table.columns) == list(verdicts.COLUMNS)
    assert table.map(lambda text: "(" in text and " to " in text).all().all()
    picture = plots.scorecard(verdicts.scorecard(runs), verdicts.UNITS)
    assert "PPO, good RM" in picture.alt and picture.png().startswith(b"\x89PNG")


def looks_of(condition: str) -> pd.DataFrame:
    d = np.linspace(0, 3, 8)
    one = {"condition": condition, "step": range(8), "kl": d**2, "score": d, "gold_score": 0.5 + d * (0.2 - 0.1 * d)}
    return pd.concat(pd.DataFrame(one).assign(seed=seed) for seed in (0, 1))


def test_points_are_gains_since_the_first_look_and_fits_are_per_seed():
    points = verdicts.ppo_points(looks_of("a"), "a")
    assert points.gain.iloc[0] == 0 and points.d.max() == pytest.approx(3)
    table = verdicts.fit_table({"a": points}, "best_of_n")
    assert table.loc["a", "alpha"] == "0.20 (0.20 to 0.20)" and table.loc["a", "turns down at KL (nats)"].startswith(
        "1.00"
    )
    picture = plots.goodhart({"a": points}, {"a": verdicts.fits(points, "best_of_n")}, "best of n")
    assert "gold +0.10 at best" in picture.alt


def test_pictures_of_leads_and_ladders_say_what_they_show(cases):
    table = verdicts.comparison(cases, ["bad"], "middling")
    assert "bad -" in plots.leads(table, "middling", {"there": 0.1}).alt
    ladder = {name: verdicts.mean_of(cases, name) for name in ("bad", "middling")}
    assert "middling 7" in plots.ladder(ladder, "share", {}).alt


def test_alarms_are_counted_run_by_run():
    healthy = {"score": 0.1, "entropy": 0.4, "approx_kl": 0.001, "sample_accuracy": 0.9}
    quiet = pd.DataFrame({"step": range(1, 21), **healthy})
    sick = quiet.assign(sample_accuracy=0.4, entropy=0.01)
    runs = {("a", 0): quiet, ("a", 1): quiet, ("b", 0): sick}
    records = pd.concat(run.assign(condition=name, seed=seed) for (name, seed), run in runs.items())
    counts = verdicts.alarm_counts(records, {"healthy": ["a"], "sick": ["b"]})
    assert counts.loc["runs"].to_dict() == {"healthy": 2, "sick": 1}
    assert counts.loc[COLLAPSE].to_dict() == {"healthy": 0, "sick": 1}
    assert len(counts) == len(ALARMS) + 1


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


def test_a_sweep_names_its_conditions_for_every_use():
    names = set(over_optimisation.CONDITIONS)
    groups = (
        over_optimisation.ORDER,
        over_optimisation.UNPRICED.values(),
        over_optimisation.CURES,
        over_optimisation.HEALTHY,
    )
    assert all(set(group) <= names for group in groups)
    assert json.dumps({name: asdict(condition) for name, condition in over_optimisation.CONDITIONS.items()})
