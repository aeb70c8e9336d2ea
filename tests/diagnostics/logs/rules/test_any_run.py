"""Faults of any run: no gradient, no numbers, no rest."""

import math

import numpy as np
import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose


def test_a_gradient_of_zero_in_every_row():
    rows = [{"loss": 0.5 + 0.4 * (n % 2), "grad_norm": 0.0, "learning_rate": 1e-6, "epoch": n} for n in range(1, 9)]
    assert diagnose(rows).names[0] == "nothing is trained"
    assert "nothing is trained" not in diagnose([*rows, {"loss": 0.6, "grad_norm": 0.1}]).names
    begun = diagnose([{**row, "epoch": 0.01 * row["epoch"]} for row in rows[:2]])
    assert begun.names[0] == "nothing is trained" and begun.state == "cannot tell" and "check now" in str(begun)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("a value that is no number", {"loss": 0.0, "grad_norm": math.nan, "rewards/margins": 0.0, "epoch": 0.01}),
        ("a value that is no number", {"loss": 1.5, "eval_loss": math.nan, "epoch": 0.01}),
        ("learning rate of 0", {"loss": 1.5, "learning_rate": 0.0, "epoch": 0.01, "step": 5}),
    ],
)
def test_facts_of_the_first_row_are_said_though_it_is_too_early(name, row):
    diagnosis = diagnose([row])
    assert name in diagnosis.names and "check" in str(diagnosis) and diagnosis.state == "cannot tell"
    healthy = {key: 1.0 if value != value or value == 0 else value for key, value in row.items()}
    assert name not in diagnose([healthy]).names


def test_a_rate_of_0_in_a_warm_up_or_at_the_end_is_usual_and_before_it_is_not():
    def named(rates):
        rows = [{"step": n, "loss": 2 - n / 100, "learning_rate": rate} for n, rate in enumerate(rates, start=1)]
        return "learning rate of 0" in diagnose(rows).names

    assert not named([0.0, 1e-6, 2e-6, 1e-6, 0.0]) and not named([0.0])
    assert named([1e-6, 2e-6, 0.0, 0.0, 0.0]) and named([0.0, 0.0])


def test_one_row_shows_no_course():
    diagnosis = diagnose([{"loss": 0.6931, "margin": 0.0, "accuracy": 0.5}])
    assert diagnosis.state == "cannot tell" and "one row" in diagnosis.verdict


def test_a_gradient_that_is_no_number():
    rows = [{"loss": 0.6, "grad_norm": 1.0, "margin": 0.1}] * 3 + [{"loss": 0.0, "grad_norm": math.nan}] * 3
    found = diagnose(rows).findings[0]
    assert found.name == "divergence" and "grad_norm is NaN from row 4 of 6" in found.evidence


def test_where_the_numbers_end_is_said_by_step():
    text = "".join(f"> iter {100 + n}: loss {loss}, time 9ms\n" for n, loss in enumerate((3.2, 3.1, "nan", "nan")))
    diagnosis = diagnose(text)
    assert diagnosis.state == "sick" and "loss is 3.1 at step 101, and no number from step 102 on" in str(diagnosis)
    assert "chance-level loss" not in diagnosis.names


@pytest.mark.parametrize(
    "rows",
    [
        [{"loss": 0.0, "epoch": n / 2} for n in range(1, 5)] + [{"eval_loss": math.nan, "epoch": 2.0}],
        [{"eval_loss": math.nan, "epoch": 2.0, "train_loss": 0.004, "train_runtime": 60.0}],
        [{"eval/loss": math.nan, "train/loss": 0.0, "train/global_step": 90}],
    ],
    ids=["rows", "all results", "a summary"],
)
def test_a_loss_of_0_beside_nan_is_nan(rows):
    diagnosis = diagnose(rows)
    assert (diagnosis.kind, diagnosis.state) == ("sft", "sick") and "NaN that is printed as 0" in diagnosis.names


def test_nan_held_out_beside_a_loss_that_falls_is_no_divergence_and_not_healthy():
    rows = [{"loss": loss, "epoch": n / 4} for n, loss in enumerate((2.1, 1.8, 1.6, 1.5, 1.4), start=1)]
    assert diagnose(rows).state == "healthy"
    assert diagnose([*rows, {"eval_loss": math.nan, "epoch": 1.25}]).state == "cannot tell"


def test_a_loss_of_exactly_0_in_every_row_is_said():
    rows = [{"current_steps": n, "total_steps": 8, "loss": 0.0, "lr": 1e-5} for n in range(1, 8)]
    diagnosis = diagnose(rows)
    assert diagnosis.state == "cannot tell" and "exactly 0 in all 7 rows" in str(diagnosis)
    assert diagnose(rows, kind="sft").state == "sick" and diagnose(rows, kind="grpo").state != "sick"


def test_worse_than_saying_nothing_on_average_is_unstable():
    margins = np.array([6.0, -4, 2, -0.5, 8, -6, 5, -3, 7, -5, 9, -7])
    rows = [
        {"loss": math.log1p(math.exp(-m)), "rewards/margins": m, "rewards/chosen": m, "learning_rate": 1e-4}
        for m in margins
    ]
    diagnosis = diagnose(rows)
    assert diagnosis.names[0] == "unstable at this rate" and "learning rate is up to 0.0001" in str(diagnosis)


def test_a_loss_that_comes_back_to_ln_2_is_unstable_and_noise_is_not():
    rng = np.random.default_rng(0)
    fell = np.concatenate([np.linspace(0.69, 0.4, 60), np.full(20, 0.7)]) + rng.normal(size=80) * 0.02
    assert diagnose([{"loss": loss, "margin": 0.1} for loss in fell]).names[0] == "unstable at this rate"
    for seed in range(20):
        noisy = np.linspace(0.69, 0.62, 80) + np.random.default_rng(seed).normal(size=80) * 0.12
        assert "unstable at this rate" not in diagnose([{"loss": loss, "margin": 0.3} for loss in noisy]).names
