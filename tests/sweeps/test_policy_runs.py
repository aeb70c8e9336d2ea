"""The sweep behind notebooks 06 and 07 in small: a tiny policy, a few updates, and results made for the purpose."""

import json
import math
import random
from dataclasses import asdict

import pandas as pd
import pytest
import torch

from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.pipeline import SFTPlan, Trained
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.rollout import ScoreScale
from rlhf_lessons.sweeps import examinations, kept, over_optimisation, policy_runs, reward_models, selection
from rlhf_lessons.sweeps.policy_runs import MEASURES, Condition, policy_run
from rlhf_lessons.sweeps.reward_models import (
    REWARD_MODELS,
    Recipe,
    annotators_of,
    broken_reward,
    reward_function,
    train_recipe,
)
from rlhf_lessons.world.annotators import PEOPLE, Annotators
from rlhf_lessons.world.answers import careful_answer, careless_answer
from rlhf_lessons.world.cases import cases_in
from rlhf_lessons.world.datasets import Pair, encode, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

N_CASES = len(cases_in("held_out"))
QUICK = {"updates": 5, "rollout_size": 8, "minibatch_size": 4, "max_new_tokens": 4}


def clear_pairs() -> list[Pair]:
    """A careful and a dangerous answer to each tuning case."""
    rng = random.Random(0)
    return [
        Pair(case.prompt, careful_answer(case, rng), careless_answer(case, "dangerous", rng), "curated")
        for case in cases_in("tuning")
    ]


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """An untrained policy in place of the SFT model, and a cache of its own."""
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    body = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=0)
    trained = Trained("sft", body, History(), SFTPlan(), Key("sft", {}, "0" * 16), 0.0, True)
    for module in (policy_runs, reward_models, selection, examinations):
        monkeypatch.setattr(module, "ensure", lambda *_, **__: trained)
    for pairs in ("preference_pairs", "sampled_pairs"):
        monkeypatch.setattr(examinations, pairs, lambda *_: clear_pairs())
    monkeypatch.setattr(selection, "FINAL_ANSWERS", 1)
    monkeypatch.setattr(policy_runs, "FINAL_ANSWERS", 1)
    monkeypatch.setattr(policy_runs, "EVALUATION_ANSWERS", 1)
    return body


def test_a_run_is_judged_on_the_way_and_at_the_end_and_remembered(tiny, monkeypatch):
    condition = Condition("a", "gold", QUICK)
    run = policy_run(condition)
    assert len(run.records) == 5 and [look["step"] for look in run.evaluations] == [0, 1, 2, 3, 4, 5]
    means = [sum(look) / N_CASES for look in run.looks]
    assert means == pytest.approx([look["gold_score"] for look in run.evaluations])
    assert set(MEASURES) <= set(run.evaluations[0]) and run.evaluations[0]["kl"] == pytest.approx(0, abs=1e-4)
    assert run.cases == run.views["cases"] and set(run.views) == set(policy_runs.VIEWS)
    for view, (split, _) in policy_runs.VIEWS.items():
        lengths = {measure: len(values) for measure, values in run.views[view].items()}
        assert lengths == dict.fromkeys(MEASURES, len(cases_in(split)))
    monkeypatch.setattr(policy_runs.ppo, "train_ppo", None)  # a second training would fail
    assert policy_run(condition).cases == run.cases
    with pytest.raises(TypeError):
        policy_run(condition, seed=1)


def test_after_ten_updates_every_fifth_is_looked_at(tiny):
    run = policy_run(Condition("a", "gold", QUICK | {"updates": 16}))
    assert [look["step"] for look in run.evaluations] == [*range(11), 15]


def test_a_greedy_view_is_one_answer_and_the_same_for_every_seed(tiny):
    frames = [
        policy_runs.judge_policy(tiny, tiny, reward_function("gold"), ScoreScale(0.0, 1.0), seed, 1, "tuning", 0.0)
        for seed in (0, 1)
    ]
    assert len(frames[0]) == len(cases_in("tuning"))
    pd.testing.assert_frame_equal(*frames)


def test_conditions_with_one_judge_share_its_examination(tiny, monkeypatch):
    policy_run(Condition("a", "gold", QUICK))
    scored = examinations.score_pairs
    monkeypatch.setattr(examinations, "score_pairs", None)  # another examination would fail
    for changes in (QUICK, {"kl_coef": 0.5}):
        assert policy_runs.examined(Condition("b", "gold", changes))["accuracy"] == 1
    for other in ({"condition": Condition("c", "gold"), "seed": 1}, {"condition": Condition("d", "broken")}):
        with pytest.raises(TypeError):
            policy_runs.examined(**other)
    monkeypatch.setattr(examinations, "score_pairs", scored)
    assert policy_runs.examined(Condition("d", "broken"))["accuracy"] < 1


def test_the_doctor_says_whether_a_judge_is_ready(tiny):
    gold = reward_function("gold")
    found = examinations.examine(lambda sequences: 10 * gold(sequences), tiny, 0)
    assert found["ready"] and found["accuracy"] == found["policy_accuracy"] == 1
    assert 0.9 < found["low"] == found["policy_low"] < 1
    worse = examinations.examine(lambda sequences: -gold(sequences), tiny, 0)
    assert not worse["ready"] and worse["accuracy"] == 0 and worse["findings"] != examinations.NOTHING


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
    monkeypatch.setattr(policy_runs, "fresh_comparisons", lambda policy, sft, n, seed, people: pairs[:n])
    seen = []
    monkeypatch.setattr(policy_runs, "train_recipe", lambda *given: seen.extend(given[-1]) or gold)
    monkeypatch.setattr(policy_runs, "judge_key", lambda condition, seed: Key(condition.label, {}, "code"))
    gold = reward_function("gold")
    first = Condition("a", "gold", QUICK, collects=2)
    policy_run(Condition("b", Recipe(20), QUICK, after=first))
    assert [(p.prompt, p.chosen, p.rejected) for p in seen] == [tuple(row) for row in pairs[:2]]


def test_biased_people_compare_wherever_the_biased_judge_is_used(tiny, monkeypatch):
    asked = []
    for module, name in (
        (policy_runs.pipeline, "compared"),
        (examinations, "preference_pairs"),
        (examinations, "sampled_pairs"),
    ):
        monkeypatch.setattr(module, name, lambda *given, **named: asked.append((given, named)) or clear_pairs())
    monkeypatch.setattr(policy_runs, "judge_of", lambda condition, seed: reward_function("gold"))
    policy_run(Condition("a", "biased", QUICK, collects=1))
    biased = [Annotators(**REWARD_MODELS["biased"]) in (*given, *named.values()) for given, named in asked]
    assert len(biased) == 4 and all(biased)
    assert annotators_of("full") == annotators_of("gold") == annotators_of(Recipe(20)) == PEOPLE


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
    both = selection.curves(tiny, {"gold": reward_function("gold")}, seed=0)
    found = pd.DataFrame(both["curves"])
    assert [sum(look) / N_CASES for look in both["looks"]] == pytest.approx(found.gold_score.tolist())
    assert found.n.tolist() == [1, 2, 4] and found.score.is_monotonic_increasing
    assert found.kl.tolist() == pytest.approx([0, math.log(2) - 0.5, math.log(4) - 0.75])


def test_the_policies_that_need_no_ppo_have_the_same_views_and_best_of_n_the_sampled_ones(tiny):
    found = selection.cases(tiny, tiny, reward_function("gold"), seed=0)
    assert list(found) == ["pretrained", "sft", "best_of_4", "best_of_16"]
    assert found["sft"]["greedy"] == found["pretrained"]["greedy"]
    best = [sum(found[f"best_of_{n}"]["cases"]["gold_score"]) for n in (4, 16)]
    assert sum(found["sft"]["cases"]["gold_score"]) < best[0] < best[1]
    assert all("greedy" not in found[f"best_of_{n}"] for n in (4, 16))


def test_the_tables_of_a_sweep_hold_every_run_view_and_look(tiny, monkeypatch, tmp_path):
    once = QUICK | {"updates": 1}
    some = {"a": Condition("a", "gold", once), "b": Condition("b", "broken", once)}
    for name, value in (("CONDITIONS", some), ("LOOKED_AT", ("b",))):
        monkeypatch.setattr(over_optimisation, name, value)
    monkeypatch.setattr(selection, "JUDGES", ("full",))
    monkeypatch.setattr(selection, "SIZES", (1, 2))
    monkeypatch.setattr(selection, "reward_function", lambda name, seed: reward_function("gold"))
    kept.write(
        "some_sweep",
        over_optimisation.collect([3]),
        kept.label("some_sweep", over_optimisation.CONDITIONS, [3], over_optimisation.code(), 60.0),
        tmp_path,
    )
    tables = kept.read("some_sweep", tmp_path).tables
    policies = {"a", "b", "pretrained", "sft"}
    for view, (split, temperature) in policy_runs.VIEWS.items():
        rows = tables[view].groupby("condition")
        assert set(rows.groups) == policies | ({"best_of_4", "best_of_16"} if temperature else set())
        assert rows.case.apply(list).tolist() == [list(range(len(cases_in(split))))] * len(rows)
    assert tables["examinations"].set_index("condition").accuracy.to_dict().keys() == {"a", "b"}
    by_case = [str(case) for case in range(N_CASES)]
    evaluated = tables["evaluations"].query("condition == 'b'").gold_score
    assert tables["looks"][by_case].mean(axis=1).tolist() == pytest.approx(evaluated.tolist(), abs=1e-4)
    chosen = tables["best_of_n"].gold_score.tolist()
    assert tables["looks_best_of_n"][by_case].mean(axis=1).tolist() == pytest.approx(chosen, abs=1e-4)


def test_a_sweep_names_its_conditions_for_every_use():
    names = set(over_optimisation.CONDITIONS)
    groups = (
        over_optimisation.ORDER,
        over_optimisation.UNPRICED.values(),
        over_optimisation.CURES,
        over_optimisation.LOOKED_AT,
    )
    assert all(set(group) <= names for group in groups)
    assert json.dumps({name: asdict(condition) for name, condition in over_optimisation.CONDITIONS.items()})
