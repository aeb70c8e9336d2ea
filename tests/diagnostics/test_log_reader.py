"""The log reader names what a log proves, on logs it was not written against."""

import json
import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose, diagnose_all
from rlhf_lessons.diagnostics.logs.seed_log import seed_log
from rlhf_lessons.program_one import ProgramOneSettings, format_log, run
from rlhf_lessons.world.source_sets import PREFERENCE_PAIRS

TRL_NAMES = {
    "accuracy": "rewards/accuracies",
    "margin": "rewards/margins",
    "reward_chosen": "rewards/chosen",
    "reward_rejected": "rewards/rejected",
}
DOCUMENT_TEXT = """Epoch 20: Loss=0.6958, Margin=-0.005, Accuracy=35%, r(pref)=-1.96, r(dispref)=-1.95
Epoch 40: Loss=0.6979, Margin=-0.009, Accuracy=40%, r(pref)=-3.96, r(dispref)=-3.95
Epoch 60: Loss=0.7000, Margin=-0.014, Accuracy=40%, r(pref)=-5.97, r(dispref)=-5.95
Epoch 80: Loss=0.7022, Margin=-0.018, Accuracy=40%, r(pref)=-7.98, r(dispref)=-7.96
Epoch 100: Loss=0.7044, Margin=-0.022, Accuracy=35%, r(pref)=-9.99, r(dispref)=-9.97"""


def program_one(every=20, **changes):
    history = run(PREFERENCE_PAIRS, ProgramOneSettings(**changes))
    return [record for record in history if record["epoch"] % every == 0 and record["epoch"] > 0]


def trained(seed, n=1000, dims=30, lr=0.5, epochs=4, batch=32, sign=-1, drift=0.0, bound=0.0, swapped=False, noise=0.0):
    """The log of a linear reward model trained on batches of random features, with its held-out rows."""
    rng = np.random.default_rng(seed)
    truth, weights, bias, rows = rng.normal(size=dims), rng.normal(size=dims) * 0.01, 0.0, []

    def pairs(count):
        both = rng.normal(size=(count, 2, dims))
        wrong = (both[:, 0] - both[:, 1]) @ truth < 0
        both[wrong] = both[wrong][:, ::-1]
        return both

    def measure(both):
        raw = both @ weights + bias
        rewards = bound * np.tanh(raw / bound) if bound else raw
        margins = rewards[:, 0] - rewards[:, 1]
        slopes = 1 - np.tanh(raw / bound) ** 2 if bound else np.ones_like(raw)
        metrics = {
            "loss": float(np.logaddexp(0, -margins).mean()),
            "accuracy": float((margins > 0).mean()),
            "margin": float(margins.mean()),
            "reward_chosen": float(rewards[:, 0].mean()),
            "reward_rejected": float(rewards[:, 1].mean()),
            "mean_reward": float(rewards.mean()),
            "min_reward": float(rewards.min()),
            "max_reward": float(rewards.max()),
        }
        g = -np.exp(-np.logaddexp(0, margins))
        gradient = (g[:, None, None] * slopes[:, :, None] * both * np.array([1, -1])[None, :, None]).sum(1).mean(0)
        return metrics, gradient

    train, held_out, step = pairs(n), pairs(500), 0
    flipped = rng.random(n) < (1.0 if swapped else noise)
    train[flipped] = train[flipped][:, ::-1]
    for epoch in range(epochs):
        for chosen in np.array_split(rng.permutation(n), max(1, n // batch)):
            metrics, gradient = measure(train[chosen])
            weights, bias, step = weights + sign * lr * gradient, bias + drift, step + 1
            rows.append({"step": step, **metrics})
        held = measure(held_out)[0]
        rows.append({"step": step, "epoch": epoch + 1, **{f"eval_{name}": held[name] for name in held}})
    return rows


def only(rows, *names):
    return [{key: value for key, value in row.items() if key.removeprefix("eval_") in names} for row in rows]


def as_trl(rows):
    def rename(key):
        bare = key.removeprefix("eval_")
        return key.removesuffix(bare) + TRL_NAMES.get(bare, bare)

    summary = {"train_runtime": 3.2, "train_loss": 0.9, "epoch": 4.0}
    return [*({rename(key): value for key, value in row.items()} for row in rows), summary]


FORMS = {
    "records": lambda rows: rows,
    "frame": pd.DataFrame,
    "csv": lambda rows: pd.DataFrame(rows).to_csv(index=False),
    "trl": as_trl,
    "printed dicts": lambda rows: "\n".join(map(str, as_trl(rows))),
    "json lines": lambda rows: "\n".join(map(json.dumps, rows)),
    "trainer state": lambda rows: json.dumps({"log_history": as_trl(rows)}),
    "key=value": lambda rows: "\n".join(
        "[12:00:01] " + " | ".join(f"{key}: {value:.4f}" for key, value in reversed(row.items())) for row in rows
    ),
}

FAULTS = {
    "wrong-way update": {"sign": 1, "lr": 0.002},
    "learning rate too small": {"lr": 1e-5},
    "overfit and overconfident": {"n": 20, "dims": 100, "epochs": 200, "batch": 20},
    "margin capped by a bounded head": {"bound": 1.0, "lr": 2.0, "epochs": 60, "batch": 100},
    "inverted labels": {"swapped": True},
    "common-mode drift": {"lr": 0.002, "drift": 0.03},
}


# The document's own logs


@pytest.mark.parametrize("source", [DOCUMENT_TEXT, seed_log("reward_model")], ids=["text", "frame"])
def test_documents_reward_model_log(source):
    """C8, C30: the two actual causes come out on top, and none of the document's guesses."""
    diagnosis = diagnose(source)
    assert diagnosis.names == ("wrong-way update", "common-mode drift")
    assert not diagnosis.ready_for_ppo
    wrong_way, drift = map(str, diagnosis.findings)
    assert "0.6958 to 0.7044" in wrong_way and "probability 0.25" in wrong_way
    assert "0.1 per epoch" in drift and "if n x lr is 0.2" in drift


def test_documents_pretraining_log():
    """C1: the loss sits at ln 100, with the vocabulary named or not."""
    for source in (seed_log("pretraining"), seed_log("pretraining").assign(vocab_size=100)):
        diagnosis = diagnose(source)
        assert diagnosis.names[0] == "chance-level loss"
        assert "ln 100 = 4.6052" in str(diagnosis)


def test_documents_sft_log():
    """C6: the straight slow fall is too small a step, or not a cross-entropy at all."""
    finding = diagnose(seed_log("sft")).findings[0]
    assert finding.name == "learning rate too small"
    assert "mean squared error" in str(finding)


def test_documents_theory_log():
    """C20: a loss of 0.003 beside 84 % proves other pairs, and overconfidence on them."""
    diagnosis = diagnose(seed_log("theory_reward_model"))
    assert diagnosis.names == ("overfit and overconfident",)
    assert "at most 0.4% wrong pairs" in str(diagnosis)
    assert not diagnosis.ready_for_ppo


# Logs of Program 1 that the reader was not written against


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("changes", [{}, {"n_pairs": 10}, {"learning_rate": 0.003}, {"learning_rate": 0.1}])
def test_program_one_at_other_settings(seed, changes):
    rows = program_one(every=10, seed=seed + 100, **changes)
    for source in (rows, format_log(rows, every=10)):
        assert set(diagnose(source).names) == {"wrong-way update", "common-mode drift"}


def test_five_rows_on_a_line_that_learn_are_not_called_slow():
    rows = [{"step": n, "loss": 0.69 - n / 50, "accuracy": 0.5 + n / 30, "margin": n / 10} for n in range(5)]
    diagnosis = diagnose(rows)
    assert diagnosis.names[0] == "learning rate too small" and diagnosis.state == "cannot tell"


@pytest.mark.parametrize("seed", range(5))
def test_each_update_has_its_own_diagnosis(seed):
    """C30: rising loss, drifting rewards and a slow fall each point to a different fault."""
    names = {update: diagnose(program_one(update=update, seed=seed)).names for update in ("as_logged", "sign_fixed")}
    assert names["as_logged"] == ("wrong-way update", "common-mode drift")
    assert names["sign_fixed"] == ("common-mode drift", "learning rate too small")
    assert diagnose(program_one(update="bias_cancelled", seed=seed)).names == ("wrong-way update",)
    assert diagnose(program_one(update="both_fixed", seed=seed)).names == ("learning rate too small",)


def test_columns_may_be_missing():
    rows = program_one(seed=42)
    assert diagnose(only(rows, "epoch", "loss")).names == ("wrong-way update",)
    assert diagnose(only(rows, "loss", "accuracy")).names == ("wrong-way update",)
    assert "common-mode drift" in diagnose(only(rows, "reward_chosen", "reward_rejected")).names


# Logs of a reward model trained on batches, under each fault


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_planted_fault_is_the_top_finding_or_close(name, seed):
    diagnosis = diagnose(trained(seed, **FAULTS[name]))
    assert name in diagnosis.names[:2]
    assert not diagnosis.ready_for_ppo


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_diagnosis(form):
    for name in ("wrong-way update", "inverted labels"):
        rows = trained(7, **FAULTS[name])
        assert diagnose(FORMS[form](rows)).names == diagnose(rows).names
    assert diagnose(FORMS[form](trained(7))).ready_for_ppo


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_healthy_runs_are_not_called_sick(seed, noise):
    diagnosis = diagnose(trained(seed, noise=noise))
    assert diagnosis.names == ("healthy",)
    assert diagnosis.ready_for_ppo
    assert diagnosis.verdict.startswith("Ready for PPO: yes")


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_excludes_healthy(name):
    assert "healthy" not in diagnose(trained(0, **FAULTS[name])).names


def test_shared_weights_that_move_the_level_are_no_drift():
    """A correct step on features of both answers moves both rewards farther than it parts them, and is no fault."""
    log = program_one(every=1, update="autograd", learning_rate=1.0)
    levels = [(record["reward_chosen"] + record["reward_rejected"]) / 2 for record in (log[0], log[-1])]
    assert abs(levels[1] - levels[0]) > abs(log[-1]["margin"] - log[0]["margin"])
    assert "common-mode drift" not in diagnose(log).names


def test_without_held_out_rows_the_log_cannot_tell():
    rows = [row for row in trained(0) if "loss" in row]
    diagnosis = diagnose(rows)
    assert diagnosis.names == ("so far so good", "the log cannot tell")
    assert not diagnosis.ready_for_ppo
    assert "no held-out accuracy" in diagnosis.verdict


def test_few_held_out_pairs_cannot_tell():
    rows = [{**row, "eval_n_pairs": 4} if "eval_loss" in row else row for row in trained(0)]
    assert not diagnose(rows).ready_for_ppo


# Shapes written by hand


def lines(**columns):
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def test_collapse_in_lockstep_and_normalised_head():
    """C11, C13: constant rewards, whether they wander together or stand still."""
    rng = np.random.default_rng(0)
    walk, jitter = np.cumsum(rng.normal(size=50)), rng.normal(size=50) * 0.005
    loss = math.log(2) - jitter / 2
    lockstep = lines(loss=loss, margin=jitter, accuracy=rng.uniform(0.37, 0.43, 50), reward_chosen=walk)
    assert diagnose(lockstep).names[0] == "collapse to a constant"
    constant = lines(loss=[0.6931] * 8, margin=[0.0] * 8, accuracy=[0.5] * 8)
    assert diagnose(constant).names[0] == "collapse to a constant"
    still = lines(loss=[0.6931] * 8, mean_reward=[1.0] * 8, min_reward=[1.0] * 8, max_reward=[1.0] * 8)
    assert diagnose(still).names[0] == "collapse to a constant"


def test_all_pairs_at_the_cap():
    """C10: rewards in [-1, 1] cap the margin at 2, and the loss at 0.127."""
    margin = 2 * np.tanh(np.linspace(0, 4, 40))
    loss = np.log1p(np.exp(-margin))
    diagnosis = diagnose(lines(loss=loss, margin=margin, accuracy=[1.0] * 40))
    assert diagnosis.names[0] == "margin capped by a bounded head"
    assert "0.12" in str(diagnosis.findings[0])


def test_divergence():
    assert diagnose(lines(step=[1, 2, 3], loss=[0.69, 0.66, math.nan])).names[0] == "divergence"
    assert diagnose("step 1 loss 0.69\nstep 2 loss inf").names[0] == "divergence"
    frame = pd.DataFrame({"step": [1, 2, 3], "loss": [0.69, math.nan, math.nan], "margin": [0, math.nan, math.nan]})
    assert diagnose(frame).names[0] == "divergence"
    leap = [0.69, 0.6, 0.55, 0.5, 3.0, 40.0, 12.0, 90.0, 35.0]
    assert diagnose(lines(loss=leap, margin=[0.1] * 9)).names[0] == "divergence"


def test_flat_is_not_rising():
    """C8, C13: too small a step leaves the loss flat, and is never called a wrong-way update."""
    for seed in range(20):
        loss = math.log(2) + np.random.default_rng(seed).normal(size=40) * 0.003
        names = diagnose(lines(loss=loss, accuracy=[0.5] * 40)).names
        assert "wrong-way update" not in names and "chance-level loss" in names


def test_metric_the_wrong_way_round():
    """C30: a negative margin under a falling loss is an inverted signal; under a rising one, the step."""
    loss = np.linspace(0.69, 0.1, 20)
    diagnosis = diagnose(lines(loss=loss, margin=-np.linspace(0, 3, 20), accuracy=np.linspace(0.5, 0.05, 20)))
    assert diagnosis.names == ("inverted labels",)


def test_language_model_that_learns_is_no_reward_model():
    diagnosis = diagnose(lines(loss=np.linspace(4.6, 1.2, 20)))
    assert diagnosis.names == ("healthy",) and "nothing about preferences" in str(diagnosis)
    assert not diagnosis.ready_for_ppo


def test_too_few_rows_cannot_tell():
    assert diagnose("loss=0.66 margin=0.1").names == ("the log cannot tell",)


def test_several_stages_in_one_table_are_diagnosed_one_by_one():
    rows = [{"stage": stage, **row} for stage, sign in (("up", 1), ("down", -1)) for row in trained(3, sign=sign)]
    both, each = diagnose(rows), diagnose_all(rows)
    assert both.runs == each and list(each) == ["up", "down"]
    assert each["up"].state == both.state == "sick" and each["down"].state == "healthy"
    assert not both.ready_for_ppo
    assert f"up\n{each['up']}" in str(both) and f"down\n{each['down']}" in str(both)


def test_reading_a_log_loads_neither_torch_nor_scipy_stats():
    """`rlhf-lessons diagnose` should answer within a second; each of the two takes longer than that to import."""
    code = f"""
import sys
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.seed_log import seed_log
diagnose({DOCUMENT_TEXT!r}), diagnose(seed_log("reward_model"))
print({{"torch", "scipy.stats", "matplotlib"}} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_findings_are_ranked_sentences():
    diagnosis = diagnose(trained(0, **FAULTS["inverted labels"]))
    strengths = [finding.strength for finding in diagnosis.findings]
    assert strengths == sorted(strengths, reverse=True)
    for finding in diagnosis.findings:
        assert str(finding)[0].isupper() and str(finding).endswith(".")
        assert any(sign.isdigit() for sign in finding.evidence)
    assert str(diagnosis).endswith(diagnosis.verdict)
