"""Lists, which learners write, as the rows of tensors that the objectives take."""

from collections.abc import Sequence

import torch
from torch import Tensor


def row(values: Sequence[float]) -> Tensor:
    """T numbers as one row (1, T)."""
    return torch.tensor([values], dtype=torch.float64)


def everywhere(values: Tensor) -> Tensor:
    """A mask of the same shape that marks all of them."""
    return torch.ones_like(values, dtype=torch.bool)
