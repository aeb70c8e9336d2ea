"""Stage 4, first half: let the policy answer, and write down everything PPO needs to know about the answers."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import ValueModel
from rlhf_lessons.model.sampling import Sample, sample
from rlhf_lessons.model.sequences import EOS_ID, PAD_ID, Sequences
from rlhf_lessons.objectives.advantage import gae, masked_whiten
from rlhf_lessons.objectives.kl import kl_estimate
from rlhf_lessons.objectives.likelihood import token_logprobs

RewardFunction = Callable[[Sequences], Tensor]  # sequences of N answers -> rewards (N,)


@dataclass(frozen=True)
class Rollout:
    """B answers of at most T tokens, with what was known when they were sampled.

    sequences:      prompts and answers, right-padded (B, S)
    responses:      (B, T) answer tokens, eos included
    response_mask:  (B, T) bool, true up to and including eos
    logprobs:       (B, T) of the policy that sampled
    ref_logprobs:   (B, T) of the frozen reference
    values:         (B, T) the critic's forecast before each token
    scores:         (B,)   reward function, standardised, less the penalty for a missing eos
    rewards:        (B, T) -kl_coef * (logprobs - ref_logprobs), plus the score on the last token
    advantages:     (B, T) whitened
    returns:        (B, T) advantages before whitening + values
    """

    sequences: Sequences
    responses: Tensor
    response_mask: Tensor
    logprobs: Tensor
    ref_logprobs: Tensor
    values: Tensor
    scores: Tensor
    rewards: Tensor
    advantages: Tensor
    returns: Tensor

    def __len__(self) -> int:
        return len(self.responses)

    def __getitem__(self, rows: Tensor) -> "Rollout":
        """Some of the answers. Widths stay as they are, so that every field still lines up."""
        whole = self.sequences
        part = Sequences(whole.tokens[rows], whole.prompt_lengths[rows], whole.lengths[rows])
        fields = {name: value[rows] for name, value in vars(self).items() if name != "sequences"}
        return Rollout(sequences=part, **fields)


@dataclass(frozen=True)
class ScoreScale:
    """Mean and standard deviation of a reward function on the reference's own answers.

    A reward model's zero and unit are arbitrary; standardising them gives `kl_coef` the same meaning for
    every reward model (Stiennon et al. 2020; "N implementation details of RLHF with PPO", no. 10).
    """

    mean: float
    std: float

    @classmethod
    def of(cls, scores: Tensor) -> "ScoreScale":
        return cls(float(scores.mean()), max(float(scores.std()), 1e-6))

    def __call__(self, scores: Tensor) -> Tensor:
        return (scores - self.mean) / self.std


def answer(
    policy: GPT, prompts: Sequences, max_new_tokens: int, temperature: float, generator: torch.Generator
) -> Sample:
    """Sample one answer to each prompt."""
    return sample(
        policy,
        prompts.tokens,
        prompts.prompt_lengths,
        max_new_tokens,
        eos_id=EOS_ID,
        pad_id=PAD_ID,
        temperature=temperature,
        generator=generator,
    )


def as_sequences(drawn: Sample) -> Sequences:
    """The sampled answers as sequences, ready for a reward function."""
    return Sequences(drawn.tokens, drawn.prompt_lengths, drawn.lengths)


def response_index(sequences: Sequences, n_tokens: int) -> Tensor:
    """Where the model stands before each answer token, (B, T): it predicts token t from position prompt + t - 1."""
    index = sequences.prompt_lengths[:, None] - 1 + torch.arange(n_tokens)
    return index.clamp(max=sequences.tokens.shape[1] - 1)


def response_hidden(body: GPT, sequences: Sequences, n_tokens: int) -> Tensor:
    """The last hidden states (B, T, D) before each answer token, those after the answer's end 0.

    The longer half of the answers is computed apart from the shorter one, whose padding need not be computed then.
    """
    hidden = torch.zeros(len(sequences), n_tokens, body.config.width)
    for rows in sequences.lengths.argsort(stable=True).chunk(2):
        part = sequences[rows]
        longest = min(n_tokens, int((part.lengths - part.prompt_lengths).max()))
        hidden[rows, :longest] = body.hidden_at(part.tokens, response_index(part, longest))
    return hidden


def response_logits(model: GPT, sequences: Sequences, n_tokens: int) -> Tensor:
    """The model's logits (B, T, V) for each answer token."""
    return model.logits(response_hidden(model, sequences, n_tokens))


def response_values(critic: ValueModel, sequences: Sequences, n_tokens: int) -> Tensor:
    """The critic's forecast (B, T) before each answer token."""
    return critic.head(response_hidden(critic.body, sequences, n_tokens)).squeeze(-1)


def token_rewards(scores: Tensor, kl: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
    """Rewards (B, T): the KL price on every token, the score (B,) on the last one (Ziegler et al. 2019, eq. 2)."""
    rewards = -kl_coef * kl * mask
    last = mask.sum(1) - 1
    rewards[torch.arange(len(scores)), last] += scores
    return rewards


@torch.no_grad()
def collect(
    drawn: Sample,
    reference: GPT,
    critic: ValueModel,
    raw_scores: Tensor,
    scale: ScoreScale,
    kl_coef: float,
    missing_eos_penalty: float,
    gamma: float,
    gae_lambda: float,
) -> Rollout:
    """Everything PPO needs to know of the sampled answers, computed once before the update."""
    sequences, mask = as_sequences(drawn), drawn.response_mask
    n_tokens = mask.shape[1]
    ref_logprobs = token_logprobs(response_logits(reference, sequences, n_tokens), drawn.responses) * mask
    values = response_values(critic, sequences, n_tokens) * mask
    scores = scale(raw_scores) - missing_eos_penalty * ~ended(drawn)
    rewards = token_rewards(scores, kl_estimate(drawn.logprobs, ref_logprobs, "k1"), mask, kl_coef)
    advantages, returns = gae(rewards, values, mask, gamma, gae_lambda)
    return Rollout(
        sequences, drawn.responses, mask, drawn.logprobs * mask, ref_logprobs, values, scores, rewards,
        masked_whiten(advantages, mask), returns,
    )  # fmt: skip


def ended(drawn: Sample) -> Tensor:
    """Which answers came to an end, (B,) bool: their last token is eos."""
    last = drawn.response_mask.sum(1, keepdim=True) - 1
    return (drawn.responses.gather(1, last) == EOS_ID).squeeze(1)
