"""The lab of notebook 07 on an untrained policy; what it teaches is measured by the sweep."""

from types import SimpleNamespace

import pytest

from rlhf_lessons import pipeline
from rlhf_lessons.labs import over_optimisation as lab
from rlhf_lessons.labs.frame.curves import Training
from rlhf_lessons.model.gpt import GPT, GPTConfig
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


def test_the_judge_learns_first_and_every_live_state_can_be_drawn():
    shares, sentences, canvas = [], [], lab.LAB.canvas()

    def watch(result, done: float) -> None:
        shares.append(done)
        canvas.begin()
        lab.draw(result, canvas)
        assert canvas.render().startswith(b"\x89PNG")
        sentences.append(lab.verdict(result))

    result = lab.compute(n_pairs=10, updates=2, watch=watch)
    assert len(result.reward.records) == 4 and len(result.policy.records) == 2
    assert shares == sorted(shares) and shares[3] == lab.RM_SHARE and shares[-1] == 1
    assert sentences[0].startswith("The reward model learns") and sentences[-1].startswith("At KL")
    assert lab.text(result).startswith("Alarms")


def test_the_same_settings_give_the_same_run_and_each_knob_another():
    def records(**changes):
        return lab.compute(**({"n_pairs": 10, "updates": 2} | changes)).policy.records

    first = records()
    assert records() == first
    for change in ({"seed": 1}, {"kl_coef": 1.0}, {"noise": 0.5}, {"members": 2}, {"n_pairs": 12}):
        assert records(**change) != first, change
    assert records(members=2, combination="worst") != records(members=2)


def test_presets_are_allowed_and_the_question_has_an_answer(check_presets):
    check_presets(lab)
    assert lab.LAB.question.number_format.format(lab.LAB.question.answer(lab.compute(n_pairs=10, updates=2)))


@pytest.mark.parametrize(
    ("score", "gold", "says"),
    [(1.0, 1.0, "rise together"), (1.0, 0.1, "are parting"), (1.0, -1.0, "Over-optimised"), (0.0, 0.0, "hardly moved")],
)
def test_the_verdict_compares_proxy_and_gold(score, gold, says):
    first = {"score": 0.0, "gold_sd": 0.0, "safety": 0.8, "kl": 0.0}
    later = {"score": score, "gold_sd": gold, "safety": 0.8, "kl": 4.0}
    policy = Training(4, [first, later, later, later])
    assert says in lab.verdict(lab.RewardThenPPO(Training(1, [{"accuracy": 1.0}]), policy))
