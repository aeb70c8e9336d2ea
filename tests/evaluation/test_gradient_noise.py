"""The noise of policy gradients: exactly by enumeration, and of a small model against what must come out."""

from functools import partial

import pytest
import torch

from rlhf_lessons.evaluation import gradient_noise
from rlhf_lessons.objectives.group import grpo_advantages, rloo_advantages
from rlhf_lessons.stages.group import GroupSettings

POLICY = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64)
REWARDS = torch.tensor([0.0, 1.0, 4.0], dtype=torch.float64)
SETTINGS = GroupSettings(rollout_size=16, group_size=4, max_new_tokens=6)


def short(sequences):
    return -sequences.lengths.float() / 10


def by_exact_value(earned):
    return earned - POLICY @ REWARDS


def test_two_answers_and_two_groups_by_hand():
    """Two even answers that earn 1 and 0: the four groups have the gradients 1/2, 1/4, 1/4 and 0 of (1, -1)."""
    even = torch.tensor([0.5, 0.5], dtype=torch.float64)
    mean, variance = gradient_noise.by_enumeration(even, torch.tensor([1.0, 0.0]).double(), lambda r: r, group=2)
    torch.testing.assert_close(mean, torch.tensor([0.25, -0.25]).double())
    assert variance == pytest.approx(2 * (0.25 * (0.25**2 + 0.25**2)))


def test_a_baseline_changes_the_noise_and_not_the_direction():
    ways = {"none": lambda r: r, "others": rloo_advantages, "all": partial(grpo_advantages, scale=False)}
    table = gradient_noise.exact(POLICY, REWARDS, ways | {"value": by_exact_value, "divided": grpo_advantages}, group=3)
    assert table["degrees off"].drop("divided").max() < 1e-4 and table.loc["divided", "degrees off"] > 20
    assert table.length.drop("divided").tolist() == pytest.approx([1, 1, 2 / 3, 1])
    assert table.noise["value"] < table.noise["others"] == pytest.approx(table.noise["all"])
    assert table.noise["others"] < table.noise["none"]


def test_where_the_zero_of_the_rewards_lies_is_nothing_to_siblings():
    ways = {"none": lambda r: r, "others": rloo_advantages}
    low, high = (gradient_noise.exact(POLICY, REWARDS + more, ways, group=3).noise for more in (0, 10))
    assert high["others"] == pytest.approx(low["others"]) and high["none"] > 20 * low["none"]


@pytest.fixture
def pairs(tiny, prompts):
    return gradient_noise.twins(tiny, prompts, SETTINGS, short, n=2)


def test_twins_have_the_same_prompts_and_other_answers(pairs):
    for one, other in pairs:
        lengths = one.sequences.prompt_lengths
        assert torch.equal(lengths, other.sequences.prompt_lengths)
        for row, length in enumerate(lengths.tolist()):
            assert torch.equal(one.sequences.tokens[row, :length], other.sequences.tokens[row, :length])
        assert not torch.equal(one.responses, other.responses)
    assert not torch.equal(pairs[0][0].responses, pairs[1][0].responses)


def test_the_gradient_goes_along_the_advantage(tiny, pairs):
    """Twice the advantage is twice the gradient, and none is none."""
    ways = {"once": lambda r: r.advantages, "twice": lambda r: 2 * r.advantages, "none": lambda r: 0 * r.advantages}
    found = gradient_noise.gradients(tiny, pairs[0][0], ways)
    assert found["once"].shape == (sum(p.numel() for p in tiny.parameters()),)
    torch.testing.assert_close(found["twice"], 2 * found["once"])
    assert found["none"].abs().max() == 0 < found["once"].abs().max()


def test_variance_and_signal_come_from_twins_and_from_strangers():
    vectors = [torch.tensor([float(k), 1.0]) for k in range(4)]
    found = [({"a": vectors[0]}, {"a": vectors[1]}), ({"a": vectors[2]}, {"a": vectors[3]})]
    compared = gradient_noise.compare(found)
    assert compared[compared.prompts == "same"].variance.tolist() == [0.5, 0.5]
    assert compared[compared.prompts == "same"].signal.tolist() == [1.0, 7.0]
    assert compared[compared.prompts == "other"].variance.tolist() == [4.5, 0.5]


def test_noise_is_variance_over_signal_and_half_of_it_is_saved_half():
    calm, found = torch.tensor([1.0, 0.0]), []
    for y in (0.1, 0.2, 0.3):
        up, down = torch.tensor([1.0, y]), torch.tensor([1.0, -y])
        found.append(({"a": up, "b": calm}, {"a": down, "b": calm}))
    table = gradient_noise.noise(gradient_noise.compare(found), against="a")
    signal = sum(1 - y**2 for y in (0.1, 0.2, 0.3)) / 3
    assert table.loc["a", "noise, same prompts"] == pytest.approx(2 * (0.01 + 0.04 + 0.09) / 3 / signal)
    assert table.loc["b", "noise, same prompts"] == 0 and table.loc["a", "saved, same prompts"] == "-"
    assert table.loc["b", "saved, same prompts"].startswith("100%")


def test_a_critic_learns_to_forecast(tiny, prompts):
    """It starts at 0 everywhere; the mean return here is about -1, and most of that it must have learned."""
    settings = SETTINGS.model_copy(update={"rollout_size": 64})
    critic = gradient_noise.fitted_critic(tiny, prompts, settings, short, n=60)
    ((rollout, _),) = gradient_noise.twins(tiny, prompts, settings, short, n=1)
    said = gradient_noise.forecast(critic, rollout)
    assert (said[~rollout.response_mask] == 0).all()
    mask = rollout.response_mask
    assert (said - rollout.returns)[mask].square().mean() < 0.5 * rollout.returns[mask].square().mean()
