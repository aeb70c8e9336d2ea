"""DPO, ORPO and KTO: what becomes of the answers' probabilities, and of the reference."""

import math

import numpy as np
import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose


def dpo(chosen, rejected, beta=0.1, start=(-100.0, -110.0), accuracy=0.7, n=1000, held_out=True):
    """The rows of a run whose rewards go in a straight line to these, as TRL prints them."""
    rows = []
    for share in np.linspace(0, 1, 20):
        rewards = (share * chosen, share * rejected)
        margin = rewards[0] - rewards[1]
        row = {
            "loss": math.log1p(math.exp(-margin)),
            "rewards/chosen": rewards[0],
            "rewards/rejected": rewards[1],
            "rewards/margins": margin,
            "rewards/accuracies": 0.5 + (accuracy - 0.5) * share,
            "logps/chosen": start[0] + rewards[0] / beta,
            "logps/rejected": start[1] + rewards[1] / beta,
        }
        rows.append({**row, "epoch": round(share, 2)})
        if held_out and share > 0.2:
            rows.append({"epoch": round(share, 2), "eval_n_pairs": n, **{f"eval_{name}": row[name] for name in row}})
    return rows


def test_a_policy_has_a_verdict_on_itself():
    diagnosis = diagnose(dpo(0.2, -0.8))
    assert diagnosis.kind == "dpo" and diagnosis.state == "healthy" and not diagnosis.ready_for_ppo
    assert diagnosis.verdict.startswith("Verdict: healthy") and "PPO" not in str(diagnosis)


def test_small_displacement_is_a_remark_and_a_large_one_a_fault():
    small, large = diagnose(dpo(-0.5, -1.5)), diagnose(dpo(-9, -20, accuracy=1.0))
    assert "both probabilities fall" in small.names and small.state == "healthy"
    assert large.names[0] == "the chosen answers' probability falls far" and large.state == "sick"
    assert "from -100.0 nats an answer at the reference to" in str(large)


@pytest.mark.parametrize("beta", [0.02, 0.1, 0.5])
def test_beta_is_read_from_held_out_rows(beta):
    assert f"beta = {beta:.2g})" in str(diagnose(dpo(-90 * beta, -200 * beta, beta=beta)))


def test_far_but_not_too_far_is_not_healthy():
    diagnosis = diagnose(dpo(-4, -9, accuracy=0.995))
    assert diagnosis.state == "cannot tell" and "sample some" in diagnosis.verdict


def test_unequal_lengths_leave_the_verdict_open():
    diagnosis = diagnose(dpo(0.2, -0.8, start=(-40.0, -160.0)))
    assert "rejected and chosen answers of unequal length" in diagnosis.names and diagnosis.state == "cannot tell"
    assert "about 4.1 times as long" in str(diagnosis)


def test_few_held_out_pairs_may_be_luck():
    assert "may be a coin" in diagnose(dpo(0.2, -0.8, accuracy=0.6, n=20)).verdict
    assert "memorising looks just like learning" in diagnose(dpo(0.2, -0.8, held_out=False)).verdict


@pytest.mark.parametrize(("moves", "state"), [(1.5, "cannot tell"), (-1.5, "sick")])
def test_chosen_answers_that_become_likelier_again_within_the_log_are_no_fault(moves, state):
    rows = [
        {"step": 100 * n, "eval_loss": 0.4 - n / 20, "eval_rewards/accuracies": 0.8 + n / 100}
        | {"eval_rewards/margins": 2.0 + n, "eval_rewards/chosen": reward, "eval_rewards/rejected": reward - 2.0 - n}
        | {"eval_logps/chosen": -15.0 + 10 * reward, "eval_logps/rejected": -40.0 + 10 * (reward - n)}
        for n in (1, 2, 3)
        for reward in [-2.0 + moves * n / 10]
    ]
    diagnosis = diagnose(rows)
    assert diagnosis.names[0] == "the chosen answers' probability falls far" and diagnosis.state == state


def test_a_first_epoch_is_not_said_to_be_memorised():
    rows = [{**row, "epoch": k / 100} for k, row in enumerate(dpo(0.2, -0.8, held_out=False))]
    assert "memoris" not in str(diagnose(rows)) and "new in the first epoch" in diagnose(rows).verdict


def test_a_policy_that_is_its_own_reference():
    rows = [{"loss": 0.6931, "rewards/chosen": 0.0, "rewards/rejected": 0.0, "rewards/margins": 0.0}] * 8
    assert diagnose(rows).names[0] == "the policy is its own reference"


def test_rewards_far_from_0_in_the_first_step():
    rows = [{"step": k, **row} for k, row in enumerate(dpo(5, 4, held_out=False), start=1)]
    assert "not measured from the policy's own start" not in diagnose(rows).names
    moved = [{**row, "rewards/chosen": row["rewards/chosen"] + 4} for row in rows]
    assert "not measured from the policy's own start" in diagnose(moved).names


def test_a_high_rate_is_a_remark():
    rows = [{**row, "learning_rate": 2e-4} for row in dpo(0.2, -0.8)]
    diagnosis = diagnose(rows)
    assert "high learning rate" in diagnosis.names and diagnosis.state == "healthy"
    assert "Rafailov et al. 2023" in str(diagnosis)


def test_margins_under_0_go_the_wrong_way():
    assert "margin under 0" in diagnose(dpo(-1.0, -0.2, accuracy=0.3)).names


def test_kto_names_a_kl_of_0():
    rows = [
        {"loss": 0.45, "rewards/chosen": 0.5, "rewards/rejected": 0.1, "logps/chosen": -20.0, "kl": kl}
        for kl in (0.2, 0.05, 0.0)
    ]
    diagnosis = diagnose(rows)
    assert diagnosis.kind == "kto" and "the KL falls to exactly 0 after 0.2" in str(diagnosis)


def simpo(beta=2.0, gamma=1.0):
    """A run without a reference: a reward is beta times the mean log-probability a token, and starts far under 0."""
    rows = []
    for share in np.linspace(0, 1, 20):
        logps = {"chosen": -1.0 - 0.05 * share, "rejected": -1.1 - 0.6 * share}
        margin = beta * (logps["chosen"] - logps["rejected"])
        row = {"loss": math.log1p(math.exp(gamma - margin)), "rewards/margins": margin}
        row |= {f"rewards/{side}": beta * value for side, value in logps.items()}
        row |= {f"logps/{side}": value for side, value in logps.items()}
        row["rewards/accuracies"] = 0.55 + 0.2 * share
        rows.append({**row, "step": 1 + 10 * len(rows)})
        rows.append({"step": rows[-1]["step"], "eval_n_pairs": 500, **{f"eval_{name}": row[name] for name in row}})
    return rows


def test_rewards_without_a_reference_start_where_they_start():
    diagnosis = diagnose(simpo())
    assert diagnosis.kind == "dpo" and diagnosis.state == "healthy" and "SimPO's or CPO's" in str(diagnosis)
    assert not {"not measured from the policy's own start", "both probabilities fall"} & set(diagnosis.names)
    measured_from_a_reference = [{**row, **{n: row[n] + 3 for n in row if "rewards/ch" in n}} for row in simpo()]
    assert diagnose(measured_from_a_reference).names[0] == "not measured from the policy's own start"


def kto(gain=1.0, drop=0.1, own=1.0):
    """A KTO run whose held-out margin rises to `gain` and whose loss falls by `drop`; `own`: the training margin."""
    rng, rows = np.random.default_rng(0), []
    for step, share in enumerate(np.linspace(0, 1, 40)):
        noise = rng.normal() * 0.02
        row = {"loss": 0.5 - 0.1 * share + noise, "kl": 0.1, "rewards/margins": own * share + noise}
        rows.append({"step": step + 1, "epoch": step / 39, **row})
        if step % 8 == 7:
            margin = {"eval_rewards/margins": gain * share, "eval_rewards/chosen": 0.4 * gain * share}
            rows.append({"step": step + 1, "epoch": step / 39, "eval_loss": 0.5 - drop * share, **margin})
    return rows


def test_kto_is_healthy_without_an_accuracy_if_each_evaluation_is_better_than_the_first():
    diagnosis = diagnose(kto())
    assert diagnosis.kind == "kto" and diagnosis.state == "healthy", str(diagnosis)
    for worse in (kto(gain=-0.5), kto(drop=-0.05), kto(gain=0.3), kto(drop=0.03), kto()[:18]):
        assert diagnose(worse).state != "healthy"
