"""What losses and accuracies can and cannot be, on logs made by hand."""

import math

import numpy as np
import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose

LN2 = math.log(2)


def lines(**columns):
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    return "\n".join(" ".join(f"{name}={value:.5g}" for name, value in zip(names, row, strict=True)) for row in rows)


@pytest.mark.parametrize("k", [2, 4, 8, 16])
def test_a_sum_over_accumulation_steps_starts_at_k_times_ln_2(k):
    margin = np.linspace(0, 0.04, 12)
    loss = k * np.log1p(np.exp(-margin))
    loss[[5, 11]] /= k
    found = diagnose(lines(loss=loss, margin=margin, accuracy=[0.5] * 12)).findings[0]
    assert found.code == "LOG001" and f"{k} x ln 2 = {k * LN2:.4f}" in found.evidence
    assert "2 rows are at ln 2 itself" in found.evidence


def test_a_sum_beside_a_held_out_loss_is_its_multiple():
    margin = np.linspace(0.3, 0.6, 20)
    rows = [{"loss": 4 * math.log1p(math.exp(-m)), "margin": m, "accuracy": 0.66} for m in margin]
    rows += [{"eval_loss": 0.6, "eval_accuracy": 0.66}, {"eval_loss": 0.58, "eval_accuracy": 0.67}]
    assert diagnose(rows).names[0] == "loss summed over accumulation steps"
    one = [{**row, "loss": row["loss"] / 4} if "loss" in row else row for row in rows]
    assert "loss summed over accumulation steps" not in diagnose(one).names


def test_minus_sigma_is_no_logarithm():
    loss = -1 / (1 + np.exp(-np.linspace(0.1, 1, 8)))
    diagnosis = diagnose(lines(loss=loss, accuracy=[0.6] * 8))
    assert diagnosis.state == "sick" and diagnosis.names[0] == "negative loss"
    assert "mean of minus sigma" in str(diagnosis)


@pytest.mark.parametrize("eps", [0.05, 0.1])
def test_the_floor_of_smoothed_labels_is_a_remark(eps):
    margin = math.log(1 / eps - 1) * (1 - np.exp(-np.arange(40) / 4))
    loss = (1 - eps) * np.log1p(np.exp(-margin)) + eps * np.log1p(np.exp(margin))
    rows = [{"loss": a, "margin": b, "accuracy": 0.97} for a, b in zip(loss, margin, strict=True)]
    diagnosis = diagnose([*rows, {"eval_accuracy": 0.95, "eval_loss": loss[-1], "eval_n_pairs": 900}])
    assert diagnosis.names[0] == "a floor under the loss" and diagnosis.ready_for_ppo
    assert f"label smoothing of {eps:g}" in str(diagnosis)


def test_hinge_and_ipo_are_told_by_their_values():
    margin = np.linspace(0, 0.4, 20)
    for loss, name in ((1 - margin, "hinge"), (((margin - 0.5) / 0.1) ** 2, "IPO")):
        log = [
            {"loss": a, "rewards/margins": b, "rewards/chosen": b / 2, "rewards/rejected": -b / 2}
            for a, b in zip(loss, margin, strict=True)
        ]
        diagnosis = diagnose(log)
        assert diagnosis.kind == "dpo" and diagnosis.state != "sick"
        assert f"the loss is {name}'s" in str(diagnosis)


@pytest.mark.parametrize("values", [range(1, 9), [1.5, 3.25, 4.2, 4.1], [150.0, 320.0, 480.0, 610.0]])
def test_a_sum_is_no_accuracy(values):
    values = list(map(float, values))
    margin = np.linspace(0.5, 3, len(values))
    diagnosis = diagnose(lines(loss=np.log1p(np.exp(-margin)), margin=margin, accuracy=values))
    assert diagnosis.names[0] == "accuracy that is a sum" and "inverted labels" not in diagnosis.names


def test_percent_is_no_sum():
    diagnosis = diagnose(lines(loss=np.linspace(0.69, 0.5, 8), accuracy=np.linspace(51, 74, 8)))
    assert "accuracy that is a sum" not in diagnosis.names


def test_no_mean_loss_is_under_that_of_the_mean_margin():
    margin = np.linspace(0, 0.3, 12)
    low = np.log1p(np.exp(-margin)) / 4
    assert diagnose(lines(loss=low, margin=margin, accuracy=[0.6] * 12)).names[0] == "loss too low for its margin"
    assert "loss too low for its margin" not in diagnose(lines(loss=4.1 * low, margin=margin)).names


def test_never_right_is_worse_than_a_coin():
    log = [{"loss": 0.8, "acc": 0.0, "margins": -0.02, "log_odds_chosen": -0.9 + n / 100} for n in range(10)]
    diagnosis = diagnose(log)
    assert diagnosis.kind == "orpo" and diagnosis.names[0] == "accuracy of exactly 0"
    assert "0 % in all 10 rows" in str(diagnosis)
