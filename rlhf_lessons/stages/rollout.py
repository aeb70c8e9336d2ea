"""Stage 4, first half: what is written down about the policy's answers, and what each model says of them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import ValueModel
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.objectives.likelihood import token_logprobs

RewardFunction = Callable[[Sequences], Tensor]  # sequences of N answers -> rewards (N,)


@dataclass(frozen=True)
class Rollout:
    """B answers of at most T tokens, with what was known when they were sampled.

    sequences:      prompts with their answers, B rows
    responses:      (B, T) answer tokens, eos included
    response_mask:  (B, T) bool, true up to and including eos
    logprobs:       (B, T) of the policy that sampled
    ref_logprobs:   (B, T) of the frozen reference
    values:         (B, T) the critic's forecast before each token
    ended:          (B,)   bool, true where the answer ends with eos
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
    ended: Tensor
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
        others = {name: value[rows] for name, value in vars(self).items() if name != "sequences"}
        return Rollout(sequences=part, **others)


@dataclass(frozen=True)
class ScoreScale:
    """Mean and standard deviation of a reward function on the reference's own answers.

    A reward model's zero and unit are arbitrary. With its scores standardised, `kl_coef` means the same for
    every reward model (Stiennon et al. 2020; "N implementation details of RLHF with PPO", no. 10).
    """

    mean: float
    std: float

    @classmethod
    def of(cls, scores: Tensor) -> "ScoreScale":
        return cls(float(scores.mean()), max(float(scores.std()), 1e-6))

    def __call__(self, scores: Tensor) -> Tensor:
        return (scores - self.mean) / self.std


def response_index(sequences: Sequences, n_tokens: int) -> Tensor:
    """The position (B, T) from which the model predicts each answer token: the one before it."""
    index = sequences.prompt_lengths[:, None] - 1 + torch.arange(n_tokens)
    return index.clamp(max=sequences.tokens.shape[1] - 1)


def response_hidden(body: GPT, sequences: Sequences, n_tokens: int) -> Tensor:
    """The hidden states (B, T, D) from which the answer tokens are predicted; 0 after an answer's end.

    Short and long answers are computed apart, so that less padding is computed.
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


def response_logprobs(model: GPT, sequences: Sequences, responses: Tensor) -> Tensor:
    """The model's log-probability (B, T) of each answer token; what stands after an answer's end means nothing."""
    return token_logprobs(response_logits(model, sequences, responses.shape[1]), responses)


def response_values(critic: ValueModel, sequences: Sequences, n_tokens: int) -> Tensor:
    """The critic's forecast (B, T) before each answer token."""
    return critic.head(response_hidden(critic.body, sequences, n_tokens)).squeeze(-1)
