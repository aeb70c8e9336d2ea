"""DPO and IPO on a policy small enough to check by hand."""

import copy
import math

import pytest
import torch

from rlhf_lessons.stages import direct
from rlhf_lessons.stages.direct import DPOSettings, answer_logprobs, implicit_reward, pair_logprobs, train_dpo

SETTINGS = DPOSettings(epochs=2, batch_size=16, learning_rate=1e-3)


def test_the_log_probability_of_an_answer_is_the_sum_over_its_tokens(tiny, pairs):
    found = answer_logprobs(tiny, pairs.chosen)
    for row in range(4):
        start, end = int(pairs.chosen.prompt_lengths[row]), int(pairs.chosen.lengths[row])
        tokens = pairs.chosen.tokens[row : row + 1, :end]
        logprobs = tiny(tokens).log_softmax(-1)[0]
        by_hand = sum(logprobs[at - 1, tokens[0, at]] for at in range(start, end))
        torch.testing.assert_close(found[row], by_hand, atol=1e-4, rtol=0)


@pytest.mark.parametrize(("name", "first"), [("dpo", math.log(2)), ("ipo", 25.0)])  # 1 / (4 * 0.1 ** 2)
def test_it_starts_at_the_reference_and_learns_its_pairs(tiny, pairs, name, first):
    settings = DPOSettings(direct_loss=name, epochs=30, batch_size=32, learning_rate=3e-3)
    reference = copy.deepcopy(tiny)
    history = train_dpo(tiny, pairs, settings, reference)
    assert history.records[0]["loss"] == pytest.approx(first) and history.records[0]["margin"] == 0
    assert history.latest["loss"] < 0.7 * first and history.latest["accuracy"] > 0.8  # 1.0 over 5 seeds, both losses
    chosen, rejected = (implicit_reward(tiny, reference, 0.1)(side) for side in (pairs.chosen, pairs.rejected))
    assert (chosen > rejected).float().mean() > 0.8


def test_the_reference_stays_as_it_is_and_the_seed_makes_the_run(tiny, pairs):
    before = pair_logprobs(tiny, pairs)
    runs = [train_dpo(copy.deepcopy(tiny), pairs, SETTINGS, tiny).records for _ in range(2)]
    assert runs[0] == runs[1]
    assert torch.equal(before[0], pair_logprobs(tiny, pairs)[0])


def test_held_out_metrics_come_once_an_epoch_and_a_run_can_be_ended(tiny, pairs):
    history = train_dpo(copy.deepcopy(tiny), pairs, SETTINGS, held_out=pairs)
    assert ["held_out_logps_chosen" in record for record in history] == [False, True, False, True]
    last = history.latest
    assert last["held_out_margin"] == pytest.approx(last["held_out_reward_chosen"] - last["held_out_reward_rejected"])
    assert len(train_dpo(tiny, pairs, SETTINGS, on_step=lambda record: record["step"] == 3)) == 3


def test_scoring_in_parts_changes_nothing(tiny, pairs, monkeypatch):
    whole = pair_logprobs(tiny, pairs)
    monkeypatch.setattr(direct, "SCORING_BATCH", 5)
    for one, other in zip(whole, pair_logprobs(tiny, pairs), strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=0)
