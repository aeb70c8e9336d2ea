import math

import pytest
import torch

from rlhf_lessons.objectives.kl import adaptive_kl_coef, kl_estimate

POLICY = torch.tensor([[0.7, 0.2, 0.1]], dtype=torch.float64).log()
REFERENCE = torch.tensor([[0.3, 0.3, 0.4]], dtype=torch.float64).log()
EXACT_KL = (POLICY.exp() * (POLICY - REFERENCE)).sum().item()


def expected_under_policy(kind: str) -> float:
    """The mean of the estimate over tokens drawn from the policy, by enumeration of all tokens."""
    return (POLICY.exp() * kl_estimate(POLICY, REFERENCE, kind)).sum().item()


def test_by_hand():
    logprobs, ref_logprobs = torch.tensor([[-1.0]]), torch.tensor([[-3.0]])
    assert kl_estimate(logprobs, ref_logprobs, "k1").item() == 2
    assert kl_estimate(logprobs, ref_logprobs, "k2").item() == 2
    assert kl_estimate(logprobs, ref_logprobs, "k3").item() == pytest.approx(math.exp(-2) - 1 + 2)


@pytest.mark.parametrize("kind", ["k1", "k3"])
def test_k1_and_k3_are_unbiased(kind):
    assert EXACT_KL > 0.3
    assert expected_under_policy(kind) == pytest.approx(EXACT_KL, rel=1e-12)


def test_k2_is_biased_but_close_for_close_models():
    assert expected_under_policy("k2") != pytest.approx(EXACT_KL, rel=0.01)
    nearby = (POLICY + 0.01 * torch.tensor([[1.0, -1.0, 0.5]])).log_softmax(-1)
    exact = (POLICY.exp() * (POLICY - nearby)).sum().item()
    estimate = (POLICY.exp() * kl_estimate(POLICY, nearby, "k2")).sum().item()
    assert estimate == pytest.approx(exact, rel=0.02)


def test_k2_and_k3_are_never_negative_and_k1_can_be():
    assert (kl_estimate(POLICY, REFERENCE, "k1") < 0).any()
    assert (kl_estimate(POLICY, REFERENCE, "k2") >= 0).all()
    assert (kl_estimate(POLICY, REFERENCE, "k3") >= 0).all()


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_equal_models_are_at_distance_0(kind):
    assert not kl_estimate(POLICY, POLICY, kind).any()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"logprobs and ref_logprobs: shapes \(1, 3\) and \(1, 2\)"):
        kl_estimate(POLICY, REFERENCE[:, :2])
    with pytest.raises(ValueError, match="kind: 'k4' is not allowed; it must be one of k1, k2, k3"):
        kl_estimate(POLICY, REFERENCE, "k4")


@pytest.mark.parametrize(
    ("measured", "factor"),
    [(6.0, 1.0), (6.6, 1.001), (60.0, 1.002), (5.4, 0.999), (0.0, 0.998)],
)
def test_adaptive_kl_coef_by_hand(measured, factor):
    coef = adaptive_kl_coef(0.2, measured, target=6.0, horizon_steps=10_000, n=100)
    assert coef == pytest.approx(0.2 * factor, rel=1e-9)


@pytest.mark.parametrize("field", ["target", "horizon_steps"])
def test_adaptive_kl_coef_refuses_a_zero_divisor(field):
    arguments = {"target": 6.0, "horizon_steps": 100, field: 0}
    with pytest.raises(ValueError, match=f"{field}: 0 is not allowed"):
        adaptive_kl_coef(0.2, 5.0, n=10, **arguments)
