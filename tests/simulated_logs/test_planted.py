"""Every kind of run: the same on every call, and with the fault in it that its name says."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from tools.simulated_logs import KINDS, reward_model
from tools.simulated_logs.pairs import ceiling
from tools.simulated_logs.planted import HEALTHY
from tools.simulated_logs.printing import Record

LN_2 = 0.6931
NORMAL = norm.ppf((np.arange(2000) + 0.5) / 2000)  # true margins in units of their spread, as quantiles


def column(records: list[Record], name: str) -> np.ndarray:
    return np.array([record[name] for record in records if name in record])


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_seed_gives_the_same_log_on_every_call_and_another_seed_another(name):
    first = repr(KINDS[name].records(3))
    assert first == repr(KINDS[name].records(3))
    assert first != repr(KINDS[name].records(4))


def test_a_fault_has_words_and_health_has_none():
    for planted in KINDS.values():
        assert bool(planted.words) == (planted.state != HEALTHY), planted.name
        assert all(word == word.lower() for word in planted.words)


def test_a_healthy_reward_model_learns_and_ends_within_its_ceiling():
    for seed in range(5):
        rng = np.random.default_rng([11, seed])
        run = replace(reward_model.healthy(rng), held_out=2000, names=dict(reward_model.TRL))
        records = reward_model.simulate(run, rng)
        best = ceiling(run.strength * NORMAL)
        accuracy, losses = column(records, "eval_accuracy")[-1], column(records, "eval_loss")
        assert 0.55 < accuracy < best + 5 * np.sqrt(0.25 / 2000)
        assert losses[-1] < min(losses.min() + 0.02, LN_2)


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("rm/gradient 0", "grad_norm", 0),
        ("dpo/gradient 0", "grad_norm", 0),
        ("dpo/gradient 0", "rewards/margins", 0),
        ("dpo/reference is the policy", "rewards/margins", 0),
        ("dpo/reference is the policy", "loss", LN_2),
        ("grpo/no spread", "reward_std", 0),
        ("grpo/no spread", "frac_reward_zero_std", 1),
        ("grpo/weights frozen", "kl", 0),
        ("ppo/weights frozen", "actor/kl_loss", 0),
        ("sft/gradient 0", "grad_norm", 0),
    ],
)
def test_what_a_fault_holds_fast_never_moves(kind, name, value):
    assert column(KINDS[kind].records(0), name) == pytest.approx(value, abs=1e-4)


def test_a_policy_that_is_its_own_reference_moves_all_the_same():
    records = KINDS["dpo/reference is the policy"].records(0)
    assert np.ptp(column(records, "eval_logps/chosen")) > 0
    assert column(records, "grad_norm").min() > 0


def test_frozen_weights_do_not_keep_rewards_from_differing():
    assert column(KINDS["grpo/weights frozen"].records(0), "reward_std").min() > 0


def test_a_collapsed_model_gives_one_reward_and_ln_2():
    last = KINDS["rm/collapsed to a constant"].records(1)[-1]
    first = "eval_" if "eval_loss" in last else ""
    assert last[f"{first}loss"] == pytest.approx(LN_2, abs=1e-4)
    assert last[f"{first}min_reward"] == last[f"{first}max_reward"]


def test_a_summed_loss_is_a_whole_multiple_of_the_held_out_one():
    for seed in range(5):
        records = KINDS["rm/loss summed"].records(seed)
        assert column(records, "loss")[0] > 1.7 * column(records, "eval_loss")[0]


def test_an_accuracy_that_is_summed_only_grows_and_passes_1():
    accuracies = column(KINDS["rm/accuracy is a sum"].records(0), "accuracy")
    assert np.diff(accuracies).min() >= 0
    assert accuracies[-1] > 1


def test_memorised_pairs_are_all_ranked_right_and_held_out_ones_hardly():
    records = KINDS["rm/memorised"].records(0)
    assert column(records, "accuracy")[-1] == 1
    assert column(records, "eval_accuracy")[-1] < 0.65


@pytest.mark.parametrize(("kind", "name"), [("rm/nan", "grad_norm"), ("dpo/nan", "loss"), ("grpo/nan", "grad_norm")])
def test_what_is_no_number_stays_none(kind, name):
    broken = np.isnan(column(KINDS[kind].records(2), name))
    assert broken[-1]
    assert not broken[0]
    assert np.diff(broken.astype(int)).min() >= 0


def test_too_early_is_the_first_twentieth_with_a_rising_rate():
    records = KINDS["rm/too early"].records(0)
    assert np.diff(column(records, "learning_rate")).min() > 0
    assert not any("eval_loss" in record for record in records)


def test_rewards_of_a_bounded_head_stay_within_its_bounds():
    for seed in range(4):
        records = KINDS["rm/bounded head"].records(seed)
        low, high = column(records, "min_reward").min(), column(records, "max_reward").max()
        assert -1 <= low < high <= 1


def test_answers_are_cut_off_and_kl_is_negative_where_planted():
    assert column(KINDS["grpo/answers cut off"].records(0), "completions/clipped_ratio").mean() > 0.7
    assert column(KINDS["grpo/kl negative"].records(0), "kl")[-3:].max() < 0
    assert column(KINDS["ppo/critic lost"].records(0), "critic/vf_explained_var")[-3:].max() < 0
