"""What sort of run a log is of, and whether it is too early to say more."""

import math

import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose

LN2 = math.log(2)
TRL_REWARD = "{'loss': 0.68, 'accuracy': 0.55, 'min_reward': -1.2, 'mean_reward': 0.1, 'margin': 0.2}"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (TRL_REWARD, "reward_model"),
        ("{'loss': 0.69, 'rewards/chosen': 0.01, 'rewards/rejected': 0.0, 'rewards/margins': 0.01}", "dpo"),
        ("{'loss': 0.69, 'logps/chosen': -101.5, 'logps/rejected': -88.0}", "dpo"),
        ("{'loss': 0.5, 'rewards/chosen': 0.1, 'rewards/rejected': 0.0, 'logps/chosen': -9.0, 'kl': 0.2}", "kto"),
        ("{'loss': 1.3, 'rewards/chosen': -0.2, 'rewards/margins': 0.1, 'log_odds_chosen': 0.3}", "orpo"),
        ("{'loss': 0.69, 'learning_rate': 1e-05, 'epoch': 0.5}", "unknown"),
        ("learning_rate,loss\n1e-6,0.695\n2e-6,0.691\n3e-6,0.6935", "reward_model"),
        ("learning_rate,loss\n1e-6,0.695\n2e-6,0.741\n3e-6,0.6935", "unknown"),
        ("An SFT run.\n{'loss': 0.69, 'learning_rate': 1e-05, 'epoch': 0.5}", "sft"),
        ("step,loss,eval_loss\n1,0.21,7.5\n2,0.19,8.5", "sft"),
        ("step,loss,eval_loss\n1,0.88,0.7\n2,0.8,0.69", "sft"),
        ("step,loss,eval_loss\n1,0.7,0.7\n2,0.68,0.69", "unknown"),
        ("{'loss': -0.2, 'reward': 0.13, 'learning_rate': 1e-05}", "ppo"),
        ("loss_type='simpo'\nstep 1 loss 1.2 margin 0.3", "dpo"),
        ("loss 0.69\nloss 0.66", "unknown"),
        ("step,loss\n1,4.2\n2,3.9", "sft"),
        ("loss=0.69, chosen_reward=0.0, reject_reward=0.0\nloss=0.66, chosen_reward=0.1, reject_reward=-0.1", "dpo"),
        ("loss=0.69, chosen_reward=0.2, reject_reward=0.1\nloss=0.66, chosen_reward=0.1, reject_reward=-0.1",
         "reward_model"),
        ("loss=0.69, reward_chosen=0.0, reward_rejected=0.0\nloss=0.66, reward_chosen=0.1, reward_rejected=-0.1",
         "reward_model"),
        ('{"current_steps": 5, "loss": 0.66, "accuracy": 0.6}\n{"current_steps": 9, "loss": 0.6}', "dpo"),
        ('"Step","big - train/loss"\n"0","0.69"\n"9","0.61"', "unknown"),
    ],
)  # fmt: skip
def test_kinds_are_told_by_names_and_levels(text, kind):
    diagnosis = diagnose(text)
    assert diagnosis.kind == kind
    assert kind == "unknown" or "Taken for" in diagnosis.reading.kind


def test_the_name_of_a_run_tells_its_kind_and_its_loss():
    rows = [
        {"Loss Type": name, "step": step, "loss": loss, "rewards/margins": margin, "logps/chosen": -90.0}
        for name, losses in {"sigmoid": (0.69, 0.6, 0.5), "kto": (0.5, 0.45, 0.4), "ipo": (25.0, 20.0, 9.0)}.items()
        for step, (loss, margin) in enumerate(zip(losses, (0.0, 0.1, 0.2), strict=True))
    ]
    diagnosis = diagnose(rows)
    assert {run: each.kind for run, each in diagnosis.runs.items()} == {"sigmoid": "dpo", "kto": "kto", "ipo": "dpo"}
    assert "a loss without ln 2" in diagnosis.runs["ipo"].names
    assert diagnosis.kind == "dpo" and "sick" not in {each.state for each in diagnosis.runs.values()}


def rows(n, **columns):
    return [{name: course(number) for name, course in columns.items()} for number in range(1, n + 1)]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"step": lambda n: 10 * n, "total_steps": lambda n: 4000}, "step 80 of 4,000"),
        ({"epoch": lambda n: 0.01 * n}, "8 % of an epoch"),
        ({"learning_rate": lambda n: 1e-6 * n}, "still rises, from 1e-06 to 8e-06"),
        ({"step": lambda n: 5 * n, "learning_rate": lambda n: 1e-5 * (1 - n / 200)}, "reaches 0 at step 1,000"),
    ],
)
def test_a_run_that_has_hardly_begun_is_not_called_sick(columns, said):
    log = rows(8, loss=lambda n: LN2 + 0.001 * (-1) ** n, accuracy=lambda n: 0.5, margin=lambda n: 0.001 * n, **columns)
    diagnosis = diagnose(log)
    assert diagnosis.state == "cannot tell" and "too early" in diagnosis.verdict and said in diagnosis.verdict
    plain = [{name: value for name, value in row.items() if name not in columns} for row in log]
    assert diagnose(plain).names[0] == "chance-level loss"


def test_nan_is_not_too_early_and_whole_epochs_are_late_enough():
    assert diagnose([{"step": 3, "total_steps": 900, "loss": math.nan, "margin": 0.1}]).names == ("divergence",)
    log = rows(4, epoch=lambda n: n, learning_rate=lambda n: 1e-6 * n, loss=lambda n: LN2, accuracy=lambda n: 0.5)
    assert "too early" not in diagnose(log).verdict
