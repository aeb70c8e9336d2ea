import math

import pytest
import torch

from rlhf_lessons.objectives.likelihood import masked_cross_entropy, masked_mean, token_logprobs

# softmax of [ln 1, ln 2, ln 5] is [1/8, 2/8, 5/8].
LOGITS = torch.tensor([[[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]]]).log()
TOKENS = torch.tensor([[2, 0]])


def test_token_logprobs_by_hand():
    expected = torch.tensor([[math.log(5 / 8), math.log(1 / 4)]])
    torch.testing.assert_close(token_logprobs(LOGITS, TOKENS), expected)


def test_a_constant_added_to_the_logits_changes_nothing():
    torch.testing.assert_close(token_logprobs(LOGITS + 7, TOKENS), token_logprobs(LOGITS, TOKENS))


def test_cross_entropy_by_hand():
    both = masked_cross_entropy(LOGITS, TOKENS, torch.tensor([[True, True]]))
    second = masked_cross_entropy(LOGITS, TOKENS, torch.tensor([[False, True]]))
    assert both.item() == pytest.approx(-(math.log(5 / 8) + math.log(1 / 4)) / 2)
    assert second.item() == pytest.approx(math.log(4))


def test_even_logits_give_the_chance_level():
    loss = masked_cross_entropy(torch.zeros(2, 3, 100), torch.zeros(2, 3).long(), torch.ones(2, 3).bool())
    assert loss.item() == pytest.approx(math.log(100))


def test_cross_entropy_is_minus_the_masked_mean_of_the_logprobs():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, 5, 7, generator=generator)
    targets = torch.randint(7, (4, 5), generator=generator)
    mask = torch.rand(4, 5, generator=generator) < 0.5
    expected = -masked_mean(token_logprobs(logits, targets), mask)
    torch.testing.assert_close(masked_cross_entropy(logits, targets, mask), expected)
    torch.testing.assert_close(masked_cross_entropy(logits, targets, mask.float()), expected)


def test_padding_changes_neither_the_loss_nor_its_gradient():
    padding = torch.full((1, 2, 3), 50.0)
    short = LOGITS.clone().requires_grad_()
    long = torch.cat([LOGITS, padding], dim=1).requires_grad_()
    loss = masked_cross_entropy(short, TOKENS, torch.tensor([[True, True]]))
    padded_loss = masked_cross_entropy(long, torch.tensor([[2, 0, 0, 0]]), torch.tensor([[True, True, False, False]]))
    torch.testing.assert_close(loss, padded_loss)
    loss.backward()
    padded_loss.backward()
    torch.testing.assert_close(long.grad[:, :2], short.grad)
    assert not long.grad[:, 2:].any()


def test_masked_mean_weighs_tokens_not_rows_and_ignores_nan_outside():
    x = torch.tensor([[1.0, 2.0, 6.0], [11.0, math.nan, math.inf]])
    mask = torch.tensor([[True, True, True], [True, False, False]])
    assert masked_mean(x, mask).item() == 5.0


def test_a_mask_that_marks_nothing_is_refused():
    with pytest.raises(ValueError, match=r"mask: \(1, 2\) all false is not allowed"):
        masked_mean(torch.ones(1, 2), torch.zeros(1, 2).bool())
    with pytest.raises(ValueError, match="all false is not allowed"):
        masked_cross_entropy(LOGITS, TOKENS, torch.zeros(1, 2).bool())


def test_shapes_that_do_not_fit_are_refused():
    mask = torch.ones(1, 2).bool()
    with pytest.raises(ValueError, match=r"logits and tokens: shapes \(1, 2, 3\) and \(1, 3\)"):
        token_logprobs(LOGITS, torch.zeros(1, 3).long())
    with pytest.raises(ValueError, match=r"logits and targets: shapes \(1, 2, 3\) and \(2,\)"):
        masked_cross_entropy(LOGITS, TOKENS[0], mask)
    with pytest.raises(ValueError, match=r"logits and mask: shapes \(1, 2, 3\) and \(1, 1\)"):
        masked_cross_entropy(LOGITS, TOKENS, mask[:, :1])
    with pytest.raises(ValueError, match=r"x and mask: shapes \(1, 2\) and \(2, 1\)"):
        masked_mean(torch.ones(1, 2), torch.ones(2, 1).bool())
