"""Rows of tokens as tensors: prompts with answers, and pairs of answers, padded to one length."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

PAD_ID, BOS_ID, EOS_ID = 0, 1, 2  # the first ids of every vocabulary


@dataclass(frozen=True)
class Sequences:
    """N token sequences `<bos> prompt answer <eos>`, right-padded.

    tokens (N, T) long; prompt_lengths (N,) counts bos and prompt; lengths (N,) counts all, eos included.
    """

    tokens: Tensor
    prompt_lengths: Tensor
    lengths: Tensor

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: Tensor | slice) -> "Sequences":
        """The chosen rows, with the padding cut to the longest of them."""
        lengths = self.lengths[index]
        return Sequences(self.tokens[index][:, : int(lengths.max())], self.prompt_lengths[index], lengths)


@dataclass(frozen=True)
class PairSet:
    """N preference pairs as tensors: row i of `chosen` was preferred to row i of `rejected`."""

    chosen: Sequences
    rejected: Sequences

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, index: Tensor | slice) -> "PairSet":
        return PairSet(self.chosen[index], self.rejected[index])


def pad(rows: Sequence[tuple[list[int], list[int]]]) -> Sequences:
    """Sequences of (prompt ids, answer ids), padded to the longest. Raises ValueError if there are none."""
    if not rows:
        raise ValueError("rows: 0 is not allowed; at least one text is needed")
    full = [torch.tensor(head + tail) for head, tail in rows]
    tokens = torch.nn.utils.rnn.pad_sequence(full, batch_first=True, padding_value=PAD_ID)
    prompt_lengths = torch.tensor([len(head) for head, _ in rows])
    return Sequences(tokens, prompt_lengths, torch.tensor([len(row) for row in full]))


def join(first: Sequences, second: Sequences) -> Sequences:
    """Two sets of sequences as one, padded to the longer."""
    width = max(first.tokens.shape[1], second.tokens.shape[1])
    tokens = [torch.nn.functional.pad(s.tokens, (0, width - s.tokens.shape[1]), value=PAD_ID) for s in (first, second)]
    lengths, prompts = [(getattr(first, n), getattr(second, n)) for n in ("lengths", "prompt_lengths")]
    return Sequences(torch.cat(tokens), torch.cat(prompts), torch.cat(lengths))
