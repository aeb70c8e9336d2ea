"""The table of the hypotheses: its verdicts, its arithmetic and its data, without any training."""

import math

import pandas as pd
import pytest

from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.stages.history import History
from rlhf_lessons.sweeps import hypotheses
from rlhf_lessons.sweeps.hypotheses import CONDITIONS, REFERENCE, summary, synthetic_pairs, verdict
from rlhf_lessons.world.annotators import curated_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer

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


def test_all_conditions_take_equally_many_steps(monkeypatch):
    """The settings alone would give more pairs more steps."""
    taken = []
    monkeypatch.setattr(hypotheses, "judging_pairs", lambda seed: curated_pairs(2, "held_out", seed=seed))
    monkeypatch.setattr(hypotheses, "train_reward", counting(taken))
    body = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8))
    for condition in CONDITIONS:
        hypotheses.run(condition, body, seed=0)
    assert set(taken) == {(hypotheses.STEPS, hypotheses.STEPS)}


def counting(taken: list[tuple[int, int]]):
    """In place of `train_reward`: notes for how many steps the rate decays, and how many are taken."""

    def train(model, pairs, settings, on_step):
        planned = settings.epochs * -(-len(pairs) // settings.batch_size)
        records = []
        for step in range(1, planned + 1):
            records.append({"step": step, "grad_norm": 1.0})
            if on_step(records[-1]):
                break
        taken.append((planned, len(records)))
        return History(records)

    return train


def test_synthetic_pairs_stay_on_the_cases_and_kinds_of_the_real_ones_c16():
    real = curated_pairs(20, seed=1)
    made = synthetic_pairs(real, 60, seed=1)
    assert len(made) == 60 and made == synthetic_pairs(real, 60, seed=1)
    assert {(pair.prompt, pair.kind) for pair in made} == {(pair.prompt, pair.kind) for pair in real}
    assert len({pair.chosen for pair in made}) > len({pair.chosen for pair in real})


def test_a_bound_of_one_keeps_the_loss_over_0_127_c10():
    assert math.log1p(math.exp(-2)) == pytest.approx(0.127, abs=0.001)
