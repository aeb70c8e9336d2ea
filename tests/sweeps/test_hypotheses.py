"""The table of the hypotheses: its verdicts, its arithmetic and its data, without any training."""

import math

import pandas as pd
import pytest

from rlhf_lessons.sweeps.hypotheses import CONDITIONS, REFERENCE, summary, synthetic_pairs, verdict
from rlhf_lessons.world.datasets import curated_pairs

LN2 = math.log(2)
USUAL = {"accuracy": 0.85, "held_out_loss": 0.4, "margin": 2.0, "lead": 0.01, "plus_minus": 0.02}


@pytest.mark.parametrize(
    ("changes", "gap", "words"),
    [
        ({}, 0.02, "no clear difference in ranking"),
        ({"margin": 0.0, "held_out_loss": LN2, "accuracy": 0.5}, 0.3, "dead: no gradient, loss ln 2 for ever"),
        ({"accuracy": 0.15, "held_out_loss": 3.6, "margin": -3.0}, 3.2, "worse than a coin, and sure of it"),
        ({"lead": 0.03}, -0.2, "ranks better; loss 0.20 lower"),
        ({"lead": -0.03}, 0.0, "ranks worse"),
        (
            {"held_out_loss": 0.9},
            0.5,
            "no clear difference in ranking; loss 0.50 higher; overconfident: a guess costs less",
        ),
    ],
)
def test_a_verdict_follows_from_the_numbers(changes, gap, words):
    assert verdict({**USUAL, **changes}, gap) == words


def test_the_summary_compares_seed_by_seed():
    rows = []
    for condition in CONDITIONS:
        for seed, easy in enumerate((0.0, 0.1)):  # the second seed's test pairs are easier for all
            better = 0.02 if condition.name != REFERENCE else 0.0
            rows.append({"condition": condition.name, "seed": seed, "accuracy": 0.7 + easy + better})
    runs = pd.DataFrame(rows).assign(held_out_loss=0.4, margin=2.0, train_accuracy=1.0)
    table = summary(runs)
    assert table.index.tolist() == [condition.name for condition in CONDITIONS]
    tanh = table.loc["H1a: rewards kept in -1 to 1 (tanh)"]
    assert tanh.accuracy == pytest.approx(0.77)
    assert tanh.lead == pytest.approx(0.02) and tanh.plus_minus == pytest.approx(0, abs=1e-6)
    assert tanh.verdict == "ranks better" and table.loc[REFERENCE, "verdict"] == "-"


def test_every_hypothesis_is_tested_and_compared_with_a_condition():
    claims = " ".join(condition.claim for condition in CONDITIONS)
    assert all(claim in claims for claim in ("C10", "C11", "C13", "C14", "C15", "C16"))
    names = [condition.name for condition in CONDITIONS]
    assert len(set(names)) == len(names) and all(condition.against in names for condition in CONDITIONS)


def test_synthetic_pairs_stay_on_the_cases_and_kinds_of_the_real_ones_c16():
    real = curated_pairs(20, seed=1)
    made = synthetic_pairs(real, 60, seed=1)
    assert len(made) == 60 and made == synthetic_pairs(real, 60, seed=1)
    assert {(pair.prompt, pair.kind) for pair in made} == {(pair.prompt, pair.kind) for pair in real}
    assert len({pair.chosen for pair in made}) > len({pair.chosen for pair in real})


def test_a_bound_of_one_keeps_the_loss_over_0_127_c10():
    assert math.log1p(math.exp(-2)) == pytest.approx(0.127, abs=0.001)
