"""Faults of any run: no gradient, no numbers, no rest."""

import math

import numpy as np

from rlhf_lessons.diagnostics.log_reader import diagnose


def test_a_gradient_of_zero_in_every_row():
    rows = [{"loss": 0.5 + 0.4 * (n % 2), "grad_norm": 0.0, "learning_rate": 1e-6, "epoch": n} for n in range(1, 9)]
    assert diagnose(rows).names[0] == "nothing is trained"
    assert "nothing is trained" not in diagnose([*rows, {"loss": 0.6, "grad_norm": 0.1}]).names


def test_a_gradient_that_is_no_number():
    rows = [{"loss": 0.6, "grad_norm": 1.0, "margin": 0.1}] * 3 + [{"loss": 0.0, "grad_norm": math.nan}] * 3
    found = diagnose(rows).findings[0]
    assert found.name == "divergence" and "grad_norm is NaN from row 4 of 6" in found.evidence


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
