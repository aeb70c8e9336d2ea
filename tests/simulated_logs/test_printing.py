"""Rows are printed when and as the plan says."""

from dataclasses import replace

import numpy as np
import pytest

from tools.simulated_logs.printing import Journal, Plan

PLAN = Plan(
    steps=10,
    epochs=2,
    every=2,
    evaluate_every=5,
    averaged=True,
    peak=1e-5,
    warm_up=0.2,
    decay="linear",
    digits=4,
)


def journal_of(plan: Plan, **changes: bool) -> Journal:
    journal = Journal(plan, {"loss": "loss", "learning_rate": "lr"}, **changes)
    for step in range(1, plan.length + 1):
        journal.train(step, 1.0, {"loss": float(step), "unnamed": 0.0})
        if journal.due(step):
            journal.evaluate(step, {"loss": 7.12345})
    return journal


def test_a_row_is_the_mean_of_its_steps_or_its_last_step():
    assert [row["loss"] for row in journal_of(PLAN).close() if "loss" in row] == [1.5, 3.5, 5.5, 7.5, 9.5]
    last = journal_of(replace(PLAN, averaged=False)).close()
    assert [row["loss"] for row in last if "loss" in row] == [2, 4, 6, 8, 10]


def test_held_out_rows_are_rounded_and_placed():
    rows = [row for row in journal_of(PLAN).close() if "eval_loss" in row]
    assert rows == [
        {"eval_loss": 7.123, "epoch": 1.0, "step": 5},
        {"eval_loss": 7.123, "epoch": 2.0, "step": 10},
    ]


def test_only_named_metrics_are_printed_and_steps_may_be_left_out():
    assert journal_of(PLAN, steps_shown=False).close()[0] == {"loss": 1.5, "lr": 1e-5, "epoch": 0.4}


def test_the_summary_stands_at_the_end_of_a_whole_run_alone():
    assert journal_of(PLAN, summary=True).close()[-1]["train_loss"] == 5.5
    assert "train_loss" not in journal_of(replace(PLAN, stop=0.5), summary=True).close()[-1]


@pytest.mark.parametrize("decay", ["linear", "cosine", "constant"])
def test_the_rate_rises_in_the_warm_up_and_never_again(decay):
    factors = replace(PLAN, steps=100, decay=decay).factors()
    assert np.diff(factors[:20]).min() > 0
    assert np.diff(factors[20:]).max() <= 1e-12
    assert factors.min() >= 0 and factors.max() == pytest.approx(1)
