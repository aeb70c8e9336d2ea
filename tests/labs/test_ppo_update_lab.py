"""The lab that goes through one update of PPO, on untrained models."""

from types import SimpleNamespace

import pytest

from rlhf_lessons import pipeline
from rlhf_lessons.labs import ppo_update as lab
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.world.tokenizer import course_tokenizer


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    body = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=0)
    models = {"sft": body, "reward": RewardModel.from_policy(body, head_init_scale=1.0)}
    monkeypatch.setattr(pipeline, "ensure", lambda stage, *_, **__: SimpleNamespace(model=models[stage]))
    for kept in (lab._rollout, lab._moved):
        kept.cache_clear()
    yield
    for kept in (lab._rollout, lab._moved):
        kept.cache_clear()


def test_it_is_a_lab(check_lab):
    check_lab(lab)


def test_before_the_update_every_ratio_is_1(check_verdict, draw_small):
    result = lab.compute()
    assert result.tokens.ratio.tolist() == pytest.approx([1.0] * len(result.tokens), abs=1e-4)
    verdict = check_verdict(lab.verdict(result))
    assert (verdict.word, verdict.figures["ratios"]) == ("not begun", "1.00 to 1.00") and result.clipped == 0
    draw_small(lab, result)


def test_more_passes_move_further_and_the_policy_itself_stays(check_verdict, draw_small):
    far = [float((lab.compute(passes, learning_rate=0.01).tokens.ratio - 1).abs().mean()) for passes in (0, 1, 4)]
    assert far[0] < 1e-4 < far[1] < far[2]
    assert lab.compute().clipped == 0, "the SFT model has not moved"
    result = lab.compute(4, learning_rate=0.01)
    check_verdict(lab.verdict(result))
    draw_small(lab, result)
    assert lab.text(result).count("\n") == len(result.tokens)


def test_a_wide_clip_range_clips_nothing_and_a_narrow_one_more():
    clipped = [lab.compute(2, clip, 0.01).clipped for clip in (1.0, 0.05)]
    assert clipped[0] <= clipped[1] and clipped[1] > 0
    tokens = lab.compute(2, 0.05, 0.01).tokens
    past = (tokens.ratio - 1) * tokens.advantage.apply(lambda a: 1 if a > 0 else -1) > 0.05
    assert past.sum() == lab.compute(2, 0.05, 0.01).clipped


def test_each_answer_has_its_own_tokens():
    tables = [lab.compute(answer=answer).tokens for answer in ("1", "2")]
    assert tables[0].token.tolist() != tables[1].token.tolist()
