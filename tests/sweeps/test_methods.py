"""The sweep behind notebooks 08 and 09 in small: each kind of method once, with a tiny policy and judge."""

import json
from dataclasses import asdict

import pandas as pd
import pytest

from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.pipeline import RewardPlan, SFTPlan, Trained
from rlhf_lessons.stages.history import History
from rlhf_lessons.sweeps import kept, method_search, methods
from rlhf_lessons.sweeps.methods import CHOSEN, METHODS, VERIFIERS, Method, method_run
from rlhf_lessons.sweeps.policy_runs import MEASURES
from rlhf_lessons.sweeps.reward_models import REWARD_MODELS
from rlhf_lessons.world.cases import cases_in
from rlhf_lessons.world.tokenizer import course_tokenizer

SAMPLES = {"updates": 2, "rollout_size": 8, "minibatch_size": 4}
KINDS = {
    "ppo": Method("ppo", "ppo", SAMPLES),
    "rloo": Method("rloo", "rloo", SAMPLES | {"group_size": 4}),
    "verifier": Method("verifier", "grpo", SAMPLES | {"group_size": 2}, "lazy"),
    "dpo": Method("dpo", "dpo", {"n_pairs": 8, "batch_size": 4, "sampled_share": 0.0}),
    "distilled": Method("distilled", "distilled", {"n_demonstrations": 4, "best_of": 3, "steps": 2, "batch_size": 2}),
}


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """An untrained policy in place of the SFT model, a judge on it, and a cache of its own."""
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    body = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=0)
    models = {"sft": (body, SFTPlan()), "reward": (RewardModel.from_policy(body, head_init_scale=1.0), RewardPlan())}

    def ensure(stage: str, *_, **__) -> Trained:
        model, plan = models[stage]
        return Trained(stage, model, History(), plan, Key(stage, {}, "0" * 16), 0.0, True)

    monkeypatch.setattr(methods, "ensure", ensure)
    monkeypatch.setattr(methods, "FINAL_ANSWERS", 1)
    monkeypatch.setattr(methods, "EVALUATION_ANSWERS", 1)


def test_every_kind_of_method_is_judged_on_the_way_and_remembered(tiny, monkeypatch, tmp_path):
    monkeypatch.setattr(methods, "METHODS", KINDS)
    tables = methods.collect([3])
    for view in methods.LOOKED_AT:
        found = tables[view].groupby("condition")
        assert set(found.groups) == set(KINDS)
        assert found.case.apply(list).tolist() == [list(range(len(cases_in("held_out"))))] * len(KINDS)
    steps = tables["evaluations"].groupby("condition").step.apply(list)
    assert steps.tolist() == [[0, 1, 2]] * len(KINDS) and tables["evaluations"][list(MEASURES)].notna().all(axis=None)
    costs = tables["costs"].set_index("condition")
    assert costs.labels.to_dict() == {"ppo": 16_000, "rloo": 16_000, "verifier": 0, "dpo": 8, "distilled": 16_000}
    assert costs.answers.to_dict() == {"ppo": 16, "rloo": 16, "verifier": 16, "dpo": 0, "distilled": 12}
    assert (costs.seconds > 0).all()
    compared = tables["records"].groupby("condition").sample_accuracy.count()
    assert set(compared[["dpo", "distilled"]]) == {0}, "they draw no answers that people could compare"
    monkeypatch.setattr(methods, "train", None)  # a second training would fail
    again = methods.collect([3])
    assert all(pd.testing.assert_frame_equal(table, again[name]) is None for name, table in tables.items())
    with pytest.raises(TypeError):
        method_run(KINDS["dpo"], seed=4)
    kept.write("some_sweep", tables, kept.label("some_sweep", KINDS, [3], methods.code(), 60.0), tmp_path)
    assert set(kept.read("some_sweep", tmp_path).tables) == set(tables)


def test_training_leaves_the_sft_model_as_it_was_and_its_kl_starts_at_nothing(tiny):
    first = [method_run(method).evaluations[0] for method in KINDS.values()]
    assert [each["gold_score"] for each in first] == [first[0]["gold_score"]] * len(KINDS)
    assert [each["kl"] for each in first] == pytest.approx([0] * len(KINDS), abs=1e-4)


def test_methods_are_what_their_plans_allow_and_draw_as_many_answers():
    assert json.dumps({name: asdict(method) for name, method in METHODS.items()})
    assert {method.reward for method in METHODS.values()} <= {*REWARD_MODELS, *VERIFIERS}
    drawn = {methods.answers_of(method.plan(0)) for method in METHODS.values()}
    assert drawn == {0, 6_400}
    assert {methods.labels(METHODS[name]) for name in methods.MAIN} == {16_000}


def test_each_method_has_the_setting_that_was_best_on_tuning_cases():
    """Of the search that is kept; no method was tried more often than another."""
    found = kept.read(method_search.NAME)
    assert found.label["code"] == method_search.code() and found.label["seeds"] == list(methods.SEARCHED_SEEDS)
    table = found.tables["search"]
    settings = method_search.candidates()
    assert table.condition.value_counts().to_dict() == dict.fromkeys(settings, len(methods.SEARCHED_SEEDS))
    assert set(table.method.value_counts()) == {len(table) / len(method_search.GRID)}
    for name, condition in method_search.best(table).items():
        assert {knob: settings[condition].changes[knob] for knob in method_search.GRID[name]} == CHOSEN[name]


def test_a_trial_is_judged_on_tuning_cases_and_remembered(tiny, monkeypatch):
    found = method_search.tried(KINDS["dpo"], 0)
    assert set(found) == {"safety", "gold_score", "seconds"}
    monkeypatch.setattr(method_search, "train", None)
    assert method_search.tried(KINDS["dpo"], 0) == found
