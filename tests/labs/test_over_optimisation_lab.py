"""The lab of notebook 07 on an untrained policy; what it teaches is measured by the sweep."""

import itertools
from types import SimpleNamespace

import pytest

from rlhf_lessons import pipeline
from rlhf_lessons.labs import over_optimisation as lab
from rlhf_lessons.labs.frame.curves import Training
from rlhf_lessons.labs.frame.lab import POINTS
from rlhf_lessons.labs.frame.work import Work
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.stages.ppo import PPOSettings
from rlhf_lessons.sweeps import reward_models
from rlhf_lessons.world.annotators import curated_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    body = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=0)
    for module in (pipeline, reward_models):
        monkeypatch.setattr(module, "ensure", lambda *_, **__: SimpleNamespace(model=body))
    monkeypatch.setattr(
        pipeline, "preference_pairs", lambda sft, n, share, split, seed: curated_pairs(n, split, seed=seed)
    )
    monkeypatch.setattr(lab, "ROLLOUT", 8)
    monkeypatch.setattr(lab, "RM_STEPS", 4)


def test_the_judge_learns_first_and_every_live_state_can_be_drawn(check_verdict, draw_small):
    shares, verdicts, told = [], [], []

    def watch(result, done: float) -> None:
        shares.append(done)
        draw_small(lab, result)
        verdicts.append(check_verdict(lab.verdict(result)))
        told.append([bar.text for card in lab.LAB.cards(result) for bar in card.bars if bar.name == "judge"])

    result = lab.compute(n_pairs=10, updates=2, watch=watch)
    assert len(result.reward.records) == 4 and [r["step"] for r in result.policy.records] == [0, 1, 2]
    assert shares == sorted(shares) and shares[0] > 0 and shares[-1] == 1
    assert {verdict.word for verdict in verdicts} == {"too early to say"}
    assert "ranked right" in str(verdicts[0].figures) and "safe answers" in verdicts[-1].figures
    assert told[0] == ["+0.0 sd"] * 3 != told[-1]
    assert lab.text(result).startswith("Alarms")


def test_the_bar_counts_work():
    """Twice the updates are twice the work of PPO; an ensemble's steps weigh more against the same updates."""
    settings = PPOSettings(updates=10, rollout_size=64, minibatch_size=32)
    work = Work(60, 20, 1, settings)
    shares = [work.share_done(1.0, n) for n in range(1, 12)]
    assert shares[-1] == pytest.approx(1.0)
    steps = [later - former for former, later in itertools.pairwise(shares)]
    assert steps == pytest.approx([steps[0]] * 10)
    assert work.share_done(0.5, 0) == pytest.approx(work.share_done(1.0, 0) / 2)
    assert Work(60, 20, 4, settings).share_done(1.0, 0) > 1.5 * work.share_done(1.0, 0)


def test_the_same_settings_give_the_same_run_and_each_knob_another():
    def records(**changes):
        return lab.compute(**({"n_pairs": 10, "updates": 2} | changes)).policy.records

    first = records()
    assert records() == first
    for change in ({"seed": 1}, {"kl_coef": 1.0}, {"noise": 0.5}, {"members": 2}, {"n_pairs": 12}):
        assert records(**change) != first, change
    assert records(members=2, combination="worst") != records(members=2)


def test_presets_are_allowed(check_lab):
    check_lab(lab)


@pytest.mark.parametrize(
    ("score", "gold", "word"),
    [(1.0, 1.0, "healthy"), (1.0, 0.1, "parting"), (1.0, -1.0, "over-optimised"), (0.0, -0.1, "hardly moving")],
)
def test_the_verdict_compares_proxy_and_gold(score, gold, word, check_verdict):
    result = after(6, score, gold)
    verdict = check_verdict(lab.verdict(result))
    assert verdict.word == word and verdict.figures["safe answers"] == "80% → 4%"
    assert ("No alarm sees it." in verdict.sentence) == (word == "over-optimised")


def test_the_truth_that_a_sketch_is_compared_with():
    result = after(6, 1.0, 1.0)
    records = result.policy.records
    truth = lab.truth_of(result)
    assert len(truth) == POINTS and truth[0] == records[0]["safety"]
    assert set(truth[1:]) == {records[-1]["safety"]} == {0.04}, "each place is three updates on"


def test_five_updates_are_too_few(check_verdict):
    verdict = check_verdict(lab.verdict(after(5, 1.0, -1.0)))
    assert verdict.word == "too early to say" and "needs 6 updates; 5 are done" in verdict.sentence


def after(updates: int, score: float, gold: float) -> lab.RewardThenPPO:
    first = {"step": 0, "score": 0.0, "gold_sd": 0.0, "safety": 0.8, "kl": 0.0}
    later = {"score": score, "gold_sd": gold, "safety": 0.04, "kl": 4.0}
    records = [first, *(later | {"step": n + 1} for n in range(updates))]
    return lab.RewardThenPPO(Training(1, [{"accuracy": 1.0}]), Training(updates, records))
