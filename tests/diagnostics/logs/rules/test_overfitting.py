"""What held-out rows say beside the training rows, and how the level of rewards is read."""

import numpy as np
import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose


def log(training, held_out, accuracy, n=1000):
    """Twenty training losses, and the held-out rows of each epoch."""
    rows = [{"loss": loss, "accuracy": 0.6, "epoch": (k + 1) / 5} for k, loss in enumerate(training)]
    pairs = zip(held_out, accuracy, strict=True)
    return rows + [
        {"epoch": k + 1, "eval_loss": loss, "eval_accuracy": share, "eval_n_pairs": n}
        for k, (loss, share) in enumerate(pairs)
    ]


def test_a_held_out_loss_that_rises_at_the_same_accuracy_is_overconfidence():
    diagnosis = diagnose(log(np.linspace(0.68, 0.45, 20), [0.6, 0.55, 0.58, 0.61], [0.68, 0.71, 0.71, 0.71]))
    assert diagnosis.names[0] == "overconfident on held-out pairs" and diagnosis.state == "cannot tell"
    assert "0.5500, its lowest, at epoch 2" in str(diagnosis)


def test_a_held_out_loss_over_ln_2_is_worse_than_a_coin():
    diagnosis = diagnose(log(np.linspace(0.68, 0.1, 20), [0.6, 0.62, 0.8, 1.2], [0.68, 0.68, 0.66, 0.65]))
    assert diagnosis.names[0] == "overfit and overconfident" and "at its lowest, at epoch 1" in str(diagnosis)


@pytest.mark.parametrize(("held_out", "state"), [((1.1, 1.14, 1.4), "sick"), ((1.1, 1.06, 1.07), "healthy")])
def test_orpo_whose_held_out_loss_rises_by_a_tenth_is_overfit(held_out, state):
    rows = [
        {
            "epoch": n,
            "loss": 1.3 - 0.35 * n,
            "eval_loss": loss,
            "eval_rewards/accuracies": 0.6 + n / 50,
            "eval_n_pairs": 900,
        }
        | {"eval_nll_loss": loss - 0.05, "eval_log_odds_ratio": -0.6, "eval_rewards/margins": 0.02 * n}
        for n, loss in enumerate(held_out, start=1)
    ]
    diagnosis = diagnose(rows)
    assert (diagnosis.kind, diagnosis.state) == ("orpo", state), str(diagnosis)
    assert ("overfit and overconfident" in diagnosis.names) == (state == "sick")


def test_a_training_loss_that_falls_alone_is_a_remark():
    diagnosis = diagnose(log(np.linspace(0.68, 0.35, 20), [0.6, 0.51, 0.505, 0.507], [0.68, 0.75, 0.75, 0.76]))
    assert "mild overfitting" in diagnosis.names and diagnosis.state != "sick"
    assert "held-out loss stays flat" in str(diagnosis)


def test_few_evaluations_of_whole_epochs_are_judged_by_what_they_bear():
    text = "".join(
        f"Epoch {k}/3 with loss {loss}\n"
        f"chosen_last_scores (higher is better) : {level}, acc (higher is better) : {acc}\n"
        for k, loss, level, acc in ((1, 0.67, 3.1, 0.59), (2, 0.6, -5.2, 0.61), (3, 0.44, 0.4, 0.60))
    )
    diagnosis = diagnose(text)
    assert "mild overfitting" in diagnosis.names and "early" not in str(diagnosis)
    assert diagnosis.state == "cannot tell"


@pytest.mark.parametrize("seed", range(5))
def test_human_pairs_at_their_ceiling_are_not_sick(seed):
    rng = np.random.default_rng(seed)
    losses = 0.69 - 0.09 * (1 - np.exp(-np.arange(100) / 30)) + rng.normal(size=100) * 0.04
    rows = [{"loss": loss, "accuracy": rng.binomial(64, 0.67) / 64, "epoch": k / 100} for k, loss in enumerate(losses)]
    rows.append({"eval_loss": 0.61, "eval_accuracy": 0.672, "eval_n_pairs": 2000})
    diagnosis = diagnose(rows)
    assert diagnosis.state == "cannot tell" and "may be all there is" in diagnosis.verdict


def test_all_right_and_nothing_held_out_looks_memorised():
    rows = [{"loss": 0.02, "rewards/accuracies": 1, "rewards/margins": 8.0, "rewards/chosen": 7.5}] * 5
    diagnosis = diagnose(rows)
    assert diagnosis.names[0] == "training pairs known by heart" and diagnosis.state == "cannot tell"
    assert "100 %" in str(diagnosis)
    sure = diagnose([{**row, "loss": 0.001} for row in rows * 2])
    assert sure.names[0] == "training pairs known by heart" and sure.state == "sick"


def test_a_level_alone_means_nothing():
    rows = [{"loss": 0.69 - k / 100, "mean_reward": (-1) ** k * 5.0, "margin": 0.1 + k / 50} for k in range(12)]
    diagnosis = diagnose(rows)
    assert "level of the rewards wanders" in diagnosis.names and diagnosis.state != "sick"
