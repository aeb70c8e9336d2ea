"""What all trainers share: batches, a decaying learning rate, one optimiser step, and a way to stop."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from rlhf_lessons.stages.history import Record

OnStep = Callable[[Record], bool | None]  # called after each step; the training ends if it returns true


def optimiser(model: nn.Module, learning_rate: float, weight_decay: float = 0.0) -> torch.optim.AdamW:
    """AdamW over all parameters (Loshchilov and Hutter 2019), the fused version where there is one."""
    return torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=weight_decay, fused=True)


def decay(optimizer: torch.optim.Optimizer, learning_rate: float, step: int, steps: int) -> float:
    """Set the learning rate to its linear decay from `learning_rate` (step 0) to 0 (step `steps`)."""
    rate = learning_rate * (1 - step / steps)
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate


def take_step(optimizer: torch.optim.Optimizer, loss: Tensor, model: nn.Module, grad_clip: float) -> float:
    """One step down the gradient of `loss`; returns the gradient's norm before clipping to `grad_clip`."""
    optimizer.zero_grad()
    loss.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), grad_clip)
    optimizer.step()
    return float(norm)


def batches(n_rows: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Row numbers of one pass over the data in a random order, `batch_size` at a time."""
    yield from torch.randperm(n_rows, generator=generator).split(batch_size)


def endless_batches(n_rows: int, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Pass after pass, for trainers that count steps rather than epochs."""
    while True:
        yield from batches(n_rows, batch_size, generator)
