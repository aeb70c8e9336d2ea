"""Sweeps: heads trained together are the heads trained alone; runs are measured, remembered and calibrated."""

import math

import pandas as pd
import pytest
import torch
from torch.nn import functional as F

from rlhf_lessons import plots
from rlhf_lessons.keys import Key
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.objectives.preference import bradley_terry_loss
from rlhf_lessons.pipeline import PretrainedPlan, Trained
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.loop import decay
from rlhf_lessons.sweeps import phase_diagram, reward_runs
from rlhf_lessons.sweeps.phase_diagram import Heads
from rlhf_lessons.sweeps.reward_runs import RewardRun, RunSettings
from rlhf_lessons.world.annotators import best_possible, curated_pairs
from rlhf_lessons.world.cases import case_of
from rlhf_lessons.world.datasets import encode_pairs
from rlhf_lessons.world.rubric import judge
from rlhf_lessons.world.tokenizer import course_tokenizer

GRID = Heads.grid([1e-3, 0.1], [0.5, 5.0], [4, 10], [0, 1])


def tiny_body(seed: int = 0) -> GPT:
    return GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=seed)


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    """Sweeps on an untrained body of width 8, with few judges and a cache of their own."""
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    trained = Trained(
        "pretrained", tiny_body(), History(), PretrainedPlan(), Key("pretrained", {}, "0" * 16), 0.0, True
    )
    for module in (phase_diagram, reward_runs):
        monkeypatch.setattr(module, "ensure", lambda stage, **_: trained)
    monkeypatch.setattr(reward_runs, "JUDGED", {"train": 8, "tuning": 8, "held_out": 8})
    monkeypatch.setattr(phase_diagram, "N_HELD_OUT", 20)
    return trained


def some_leads(n: int = 12, width: int = 6) -> torch.Tensor:
    return torch.randn(n, width, generator=torch.Generator().manual_seed(7))


def test_the_gradient_written_out_is_autograds():
    leads = some_leads()
    weights = GRID.first_weights(leads.shape[1]).requires_grad_()
    shares = GRID.shares(len(leads))
    loss = -(shares * F.logsigmoid(weights @ leads.T)).sum()  # heads do not share weights, so their sum will do
    (expected,) = torch.autograd.grad(loss, weights)
    torch.testing.assert_close(phase_diagram.gradient(weights, leads, shares), expected)


@pytest.mark.parametrize("climbs", [False, True])
@pytest.mark.parametrize("k", range(len(GRID)))
def test_heads_trained_together_are_heads_trained_alone(k, climbs):
    """One head, autograd, torch's own Adam and the trainer's decay, on the same pairs."""
    leads, epochs = some_leads(), 15
    together = phase_diagram.train_heads(leads, GRID, epochs, climbs)
    rate, n = float(GRID.learning_rate[k]), int(GRID.n_pairs[k])
    rows = torch.randperm(len(leads), generator=torch.Generator().manual_seed(int(GRID.seed[k])))[:n]
    alone = torch.nn.Parameter(GRID.first_weights(leads.shape[1])[k].clone())
    adam = torch.optim.Adam([alone], lr=rate, maximize=climbs)
    for step in range(epochs):
        decay(adam, rate, step, epochs)
        margins = leads[rows] @ alone
        adam.zero_grad()
        bradley_terry_loss(margins, torch.zeros_like(margins)).backward()
        adam.step()
    torch.testing.assert_close(together[k], alone.detach(), rtol=1e-3, atol=1e-5)


def test_the_passes_are_watched_from_the_first_weights_to_the_last():
    seen: list[torch.Tensor] = []
    last = phase_diagram.train_heads(some_leads(), GRID, epochs=5, on_pass=seen.append)
    assert len(seen) == 6 and seen[0].equal(GRID.first_weights(6)) and seen[-1].equal(last)
    assert not seen[1].equal(seen[2])


def test_a_map_holds_the_mean_over_seeds_of_heads_trained_alone():
    rates, sizes = [1e-3, 0.1], [4, 10, 12]
    found = phase_diagram.map_heads(some_leads(), some_leads(30), 0.5, rates, sizes, seeds=(0, 1))
    assert found["nll"].shape == found["accuracy"].shape == (2, 3)
    alone = [phase_diagram.train_heads(some_leads(), Heads.grid([0.1], [0.5], [10], [seed])) for seed in (0, 1)]
    judged = [phase_diagram.judge_heads(weights, some_leads(30)) for weights in alone]
    for name in ("nll", "accuracy"):
        assert float(found[name][1, 1]) == pytest.approx(sum(j[name][0] for j in judged) / 2, abs=1e-5)


def test_heads_start_like_those_of_the_reward_model():
    model = RewardModel(tiny_body(), head_init_scale=5.0, seed=1)
    k = next(k for k in range(len(GRID)) if GRID.head_init_scale[k] == 5.0 and GRID.seed[k] == 1)
    torch.testing.assert_close(GRID.first_weights(8)[k], model.head.weight[0].detach())


def test_leads_give_the_reward_models_margins_whatever_its_bias():
    pairs = encode_pairs(course_tokenizer(), curated_pairs(6))
    model = RewardModel(tiny_body(), head_init_scale=1.0, reward_offset=-10.0)
    chosen, rejected = (model(part.tokens, part.lengths) for part in (pairs.chosen, pairs.rejected))
    margins = phase_diagram.leads(model.body, pairs) @ model.head.weight[0]
    torch.testing.assert_close(margins, chosen - rejected, rtol=1e-3, atol=1e-4)


def test_heads_are_judged_by_accuracy_and_nll():
    judged = phase_diagram.judge_heads(torch.tensor([[1.0], [-1.0]]), torch.tensor([[2.0], [2.0], [-2.0]]))
    assert judged["accuracy"] == pytest.approx([2 / 3, 1 / 3])
    losses = math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))
    assert judged["nll"] == pytest.approx([(2 * losses[0] + losses[1]) / 3, (losses[0] + 2 * losses[1]) / 3])


def test_a_phase_diagram_has_a_row_for_every_combination(tiny):
    frame = phase_diagram.phase_diagram(
        head_init_scale=(0.1, 1.0), n_pairs=(4, 8), learning_rate=(1e-3, 0.1), seeds=(0, 1, 2)
    )
    assert (
        len(frame)
        == 2 * 2 * 2 * 3
        == len(frame.drop_duplicates(["learning_rate", "head_init_scale", "n_pairs", "seed"]))
    )
    assert frame["accuracy"].between(0, 1).all() and (frame["nll"] > 0).all()


def test_the_diagrams_of_the_course_are_large_enough():
    axes = (phase_diagram.LEARNING_RATES, phase_diagram.INIT_SCALES, phase_diagram.SIZES)
    assert min(map(len, axes)) >= 8 and len(phase_diagram.SEEDS) >= 3


def test_a_run_is_measured_and_remembered(tiny, monkeypatch):
    settings = RunSettings(n_pairs=4, epochs=3, batch_size=2, learning_rate=1e-2)
    first = reward_runs.reward_run(settings)
    assert len(first.records) == 6
    assert "held_out_accuracy" in first.records[0] and "held_out_accuracy" in first.records[-1]
    assert {name: len(margins) for name, margins in first.margins.items()} == {"train": 4, "tuning": 8, "held_out": 8}
    monkeypatch.setattr(reward_runs, "train_reward", None)  # a second training would fail
    assert reward_runs.reward_run(settings) == first
    with pytest.raises(TypeError):
        reward_runs.reward_run(settings, remake=True)
    with pytest.raises(TypeError):
        reward_runs.reward_run(settings, copies=1)


def run_with(tuning: list[float], held_out: list[float]) -> RewardRun:
    return RewardRun(RunSettings(), [], {"train": [1.0], "tuning": tuning, "held_out": held_out})


def test_measures_of_a_run_by_hand():
    measured = run_with([1.0], [3.0, 3.0, 3.0, -3.0]).measures()
    sure = 1 / (1 + math.exp(-3))
    assert measured["accuracy"] == 0.75 and measured["margin"] == 1.5
    assert measured["nll"] == pytest.approx(-(3 * math.log(sure) + math.log(1 - sure)) / 4)
    assert measured["ece"] == pytest.approx(sure - 0.75)


def test_temperature_is_chosen_on_tuning_pairs_and_calibrates():
    """Right in three of four with a margin of 8: the best bet is sigma(8 / t) = 3/4, so t = 8 / ln 3."""
    run = run_with([8.0, 8.0, 8.0, -8.0], [8.0, -8.0, 8.0, 8.0])
    assert run.temperature == pytest.approx(8 / math.log(3), rel=1e-4)
    raw, tempered = run.measures(), run.measures(temperature=run.temperature)
    assert tempered["accuracy"] == raw["accuracy"]
    assert tempered["nll"] < math.log(2) < raw["nll"]
    assert tempered["ece"] < 0.02 < raw["ece"]
    assert run_with([8.0, 8.0, 8.0, -8.0], [1.0]).temperature == run.temperature


def test_equal_work_means_about_a_hundred_steps():
    for n in (20, 100, 500, 2_000):
        settings = reward_runs.hundred_steps(n)
        assert 85 <= settings.epochs * -(-n // settings.batch_size) <= 110, n
    assert reward_runs.hundred_steps(500, learning_rate=0.1, epochs=2).epochs == 2


def test_paraphrases_ask_the_same_and_keep_the_preference():
    pairs = curated_pairs(10)
    more = reward_runs.paraphrased(pairs, copies=3)
    assert more[:10] == pairs and len(more) == 40
    assert [(p.prompt, p.kind) for p in more[10:]] == [(p.prompt, p.kind) for p in pairs] * 3
    assert len({p.chosen for p in more}) > len({p.chosen for p in pairs})
    for pair in more:
        case = case_of(pair.prompt)
        assert (judge(case, pair.chosen).score < judge(case, pair.rejected).score) == pair.flipped
    assert [p.flipped for p in more[10:]] == [p.flipped for p in pairs] * 3 and any(p.flipped for p in pairs)
    assert reward_runs.paraphrased(pairs, copies=0) == pairs


def test_the_ceiling_is_that_of_the_pairs_that_judge(tiny):
    asked = curated_pairs(8, "held_out", seed=0)
    assert reward_runs.best() == best_possible(asked) and len(reward_runs.judges("held_out")) == len(asked)


def test_a_run_starts_from_a_body_pretrained_for_as_long_as_it_says(tiny, monkeypatch):
    asked = []
    monkeypatch.setattr(reward_runs, "ensure", lambda stage, steps: asked.append(steps) or tiny)
    few = RunSettings(n_pairs=4, epochs=1, batch_size=4)
    runs = [reward_runs.reward_run(few), reward_runs.reward_run(few.model_copy(update={"pretraining_steps": 1}))]
    assert asked == [PretrainedPlan().steps, 1] and runs[0] != runs[1]


def test_a_table_has_a_row_a_run():
    table = reward_runs.table([run_with([8.0, -8.0], [8.0, -8.0])] * 2)
    assert list(table.columns) == ["n_pairs", "seed", "accuracy", "margin", "nll", "ece"] and len(table) == 2
    assert reward_runs.table([run_with([8.0, -8.0], [8.0, -8.0])], calibrated=True)["nll"][0] < table["nll"][0]


def test_pictures_say_what_they_show():
    cells = pd.DataFrame(
        {"learning_rate": [0.1, 0.1, 1, 1], "n_pairs": [20, 50, 20, 50], "accuracy": [0.5, 0.6, 0.7, 0.9]}
    )
    cells["nll"] = 1 - cells["accuracy"]
    phase = plots.phase_diagrams(cells, "n_pairs", {"learning_rate": 0.3, "n_pairs": 30})
    assert "Best accuracy 90% at learning rate 1 and pairs 50; worst 50%" in phase.alt
    curve = plots.learning_curve({"ours": cells}, {"accuracy": "accuracy"})
    assert "ours, accuracy from 0.60 to 0.75" in curve.alt
    record = {"step": 1, "loss": 0.5, "margin": 1.0, "held_out_accuracy": 0.75}
    theory = pd.DataFrame({"epoch": [0], "loss": [0.693], "margin": [0.2], "accuracy": [0.51]})
    over = plots.over_theory({"ours": [pd.DataFrame([record])]}, theory)
    assert "ours ends at loss 0.500, margin 1.0, held-out accuracy 75%" in over.alt
    bins = pd.DataFrame({"confidence": [0.6, 0.95], "accuracy": [0.5, 0.8], "pairs": [1, 1]})
    sure = plots.reliability({"ours": bins})
    assert "ours: sure 95%, right 80%" in sure.alt
    assert all(image.png().startswith(b"\x89PNG") for image in (phase, curve, over, sure))
