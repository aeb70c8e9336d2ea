"""PPO against independent computations on a policy small enough to enumerate, in double precision, to 1e-5.

The policy is a GPT over five tokens; its answers have at most three, so all of them can be written down.
"""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import ValueModel
from rlhf_lessons.model.sampling import Sample
from rlhf_lessons.model.sequences import EOS_ID, PAD_ID, Sequences
from rlhf_lessons.objectives.kl import kl_estimate
from rlhf_lessons.objectives.likelihood import token_logprobs
from rlhf_lessons.stages import ppo
from rlhf_lessons.stages.ppo import PPOSettings, collect, train_ppo
from rlhf_lessons.stages.rollout import response_logits

VOCABULARY, LONGEST = 5, 3
EOS, PAD = EOS_ID, PAD_ID
PROMPT = [1, 4]
TOLERANCE = 1e-5
PINNED = [  # score, kl, policy_loss and value_loss of three updates
    [-0.698684, 0.0, 0.0120407, 0.693103],
    [0.283230, 0.491308, -0.0380704, 1.00124],
    [1.67305, 2.58996, -0.0525503, 1.89801],
]


def spread(seed: int) -> GPT:
    """A policy whose next-token distributions are far from even."""
    model = GPT(GPTConfig(VOCABULARY, context=8, layers=1, heads=1, width=8), seed=seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(6)
    return model


def every_answer() -> Sample:
    """All answers: three tokens without eos, or up to two and eos."""
    words = [token for token in range(VOCABULARY) if token != EOS]
    answers = [(*head, EOS) for n in range(LONGEST) for head in itertools.product(words, repeat=n)]
    answers += list(itertools.product(words, repeat=LONGEST))
    lengths = torch.tensor([len(answer) for answer in answers])
    responses = torch.tensor([[*answer, *[PAD] * (LONGEST - len(answer))] for answer in answers])
    tokens = torch.cat([torch.tensor(PROMPT).expand(len(answers), -1), responses], dim=1)
    mask = torch.arange(LONGEST) < lengths[:, None]
    sequences = Sequences(tokens, torch.full((len(answers),), len(PROMPT)), lengths + len(PROMPT))
    return Sample(sequences, responses, mask, logprobs=torch.zeros(mask.shape))


@pytest.fixture(autouse=True)
def in_plain():
    """1e-5 is asked of the formulas, not of single precision. Nor can another machine's rounding change a draw."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.fixture
def enumerated():
    policy, reference = spread(0), spread(1)
    drawn = every_answer()
    with torch.no_grad():
        logprobs = token_logprobs(_plain(policy, drawn.sequences), drawn.responses) * drawn.response_mask
    return policy, reference, replace(drawn, logprobs=logprobs)


def _plain(model: GPT, sequences) -> torch.Tensor:
    """Logits of the answer tokens by a plain pass, one position after another."""
    logits = model(sequences.tokens)
    return logits[:, len(PROMPT) - 1 : len(PROMPT) - 1 + LONGEST]


def test_the_answers_are_all_there_are(enumerated):
    _, _, drawn = enumerated
    assert drawn.logprobs.sum(1).exp().sum().item() == pytest.approx(1, abs=TOLERANCE)


def test_the_kl_of_the_token_estimates_is_the_exact_kl_of_the_answers(enumerated):
    """sum_y pi(y) sum_t k1_t = sum_y pi(y) log(pi(y) / ref(y)), and k3 has the same mean; k2 has not."""
    _, reference, drawn = enumerated
    sequences, mask = drawn.sequences, drawn.response_mask
    theirs = token_logprobs(_plain(reference, sequences), drawn.responses).detach() * mask
    chance, other = drawn.logprobs.sum(1).exp(), theirs.sum(1)
    exact = float((chance * (drawn.logprobs.sum(1) - other)).sum())
    assert exact > 0.1

    def mean(kind):
        return float((chance * (kl_estimate(drawn.logprobs, theirs, kind) * mask).sum(1)).sum())

    assert mean("k1") == pytest.approx(exact, abs=TOLERANCE)
    assert mean("k3") == pytest.approx(exact, abs=TOLERANCE)
    assert mean("k2") != pytest.approx(exact, abs=1e-2)


def brute_force(rewards, values, n, gamma, lam):
    """GAE by its definition: sum over k of (gamma lam)^k delta_(t+k), token by token."""
    deltas = [rewards[t] + gamma * (values[t + 1] if t + 1 < n else 0.0) - values[t] for t in range(n)]
    return [sum((gamma * lam) ** k * deltas[t + k] for k in range(n - t)) for t in range(n)]


@pytest.fixture
def rollout(enumerated):
    policy, reference, drawn = enumerated
    critic = ValueModel(policy)
    torch.nn.init.normal_(critic.head.weight, generator=torch.Generator().manual_seed(2))
    scores = torch.linspace(-1, 1, len(drawn.responses))
    settings = PPOSettings(missing_eos_penalty=0.5, gamma=0.9, gae_lambda=0.8)
    made = collect(drawn, scores, reference, critic, kl_coef=0.3, settings=settings)
    return policy, reference, critic, drawn, scores, made


def test_rewards_advantages_and_whitening_by_hand(rollout):
    _, reference, _, drawn, scores, made = rollout
    lengths, done = drawn.response_mask.sum(1).tolist(), made.ended.tolist()
    assert done == [EOS in answer for answer in drawn.responses.tolist()]
    theirs = token_logprobs(_plain(reference, made.sequences), drawn.responses).detach()
    raw = []
    for row, n in enumerate(lengths):
        rewards = [-0.3 * float(drawn.logprobs[row, t] - theirs[row, t]) for t in range(n)]
        rewards[-1] += float(scores[row]) - 0.5 * (not done[row])
        assert made.rewards[row, :n].tolist() == pytest.approx(rewards, abs=TOLERANCE)
        expected = brute_force(rewards, made.values[row].tolist(), n, 0.9, 0.8)
        returns = [a + v for a, v in zip(expected, made.values[row].tolist(), strict=False)]
        assert made.returns[row, :n].tolist() == pytest.approx(returns, abs=TOLERANCE)
        raw += expected
    mean = sum(raw) / len(raw)
    spread_of = math.sqrt(sum((a - mean) ** 2 for a in raw) / len(raw))
    whitened = [(a - mean) / spread_of for a in raw]
    assert made.advantages[drawn.response_mask].tolist() == pytest.approx(whitened, abs=TOLERANCE)


def objective(policy, made, clip_range=0.2):
    """The clipped objective (Schulman et al. 2017, equation 7), token by token in plain Python."""
    logprobs = token_logprobs(_plain(policy, made.sequences), made.responses)
    terms = []
    for row, n in enumerate(made.response_mask.sum(1).tolist()):
        for t in range(n):
            ratio = math.exp((logprobs[row, t] - made.logprobs[row, t]).item())
            gain = float(made.advantages[row, t])
            terms.append(min(ratio * gain, min(max(ratio, 1 - clip_range), 1 + clip_range) * gain))
    return -sum(terms) / len(terms)


def test_the_loss_and_its_gradient_are_those_of_the_definition(rollout):
    """Value, and slopes along ten random directions by central differences, away from the sampler so that some clip."""
    *_, made = rollout
    moved = spread(0)
    noise = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for parameter in moved.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=noise))
    loss, metrics = ppo._policy_loss(moved, made, 0.2)
    assert loss.item() == pytest.approx(objective(moved, made), abs=TOLERANCE)
    assert 0 < metrics["clip_fraction"] < 1
    loss.backward()
    step = 1e-6
    for _ in range(10):
        direction = [torch.randn(p.shape, generator=noise) for p in moved.parameters()]
        slope = sum(float((p.grad * d).sum()) for p, d in zip(moved.parameters(), direction, strict=True))
        values = []
        for sign in (1, -1, 0):
            with torch.no_grad():
                for p, d in zip(moved.parameters(), direction, strict=True):
                    p.add_({1: step, -1: -2 * step, 0: step}[sign] * d)
                values.append(objective(moved, made) if sign else None)
        assert slope == pytest.approx((values[0] - values[1]) / (2 * step), abs=TOLERANCE, rel=TOLERANCE)


def test_the_logits_of_the_trainer_are_those_of_a_plain_pass(rollout):
    policy, _, _, drawn, _, made = rollout
    mask = drawn.response_mask
    torch.testing.assert_close(
        response_logits(policy, made.sequences, LONGEST)[mask], _plain(policy, made.sequences)[mask]
    )


def test_the_small_trajectory_is_pinned():
    """Reference of this version; a change here means that every policy changes: write down why."""
    prompts = Sequences(torch.tensor([PROMPT]), torch.tensor([2]), torch.tensor([2]))
    settings = PPOSettings(updates=3, rollout_size=32, minibatch_size=16, max_new_tokens=LONGEST, learning_rate=0.01)
    history = train_ppo(spread(0), prompts, settings, lambda answers: (answers.tokens == 3).sum(1).double())
    figures = history.frame()[["score", "kl", "policy_loss", "value_loss"]].to_numpy()
    assert figures == pytest.approx(np.array(PINNED), rel=1e-3, abs=1e-6)
