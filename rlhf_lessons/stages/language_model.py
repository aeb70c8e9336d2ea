"""Learning to write: the likelihood training that pretraining and SFT share."""

import torch
from torch import Tensor

from rlhf_lessons import knobs
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.objectives.likelihood import masked_cross_entropy
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.loop import OnStep, decay, endless_batches, optimiser, take_step


class LanguageModelSettings(knobs.Settings):
    """How to train on text. Steps are optimiser steps; the learning rate decays linearly to 0."""

    learning_rate: knobs.LearningRate
    steps: knobs.Steps
    batch_size: knobs.BatchSize
    weight_decay: knobs.WeightDecay = 0.0
    grad_clip: knobs.GradClip = 1.0
    seed: knobs.Seed = 0


def target_mask(data: Sequences, answers_only: bool) -> Tensor:
    """Which next tokens count, (N, T-1) bool: all real ones, or those of the answer and eos alone."""
    position = torch.arange(1, data.tokens.shape[1])
    mask = position < data.lengths[:, None]
    return mask & (position >= data.prompt_lengths[:, None]) if answers_only else mask


def fit(
    model: GPT,
    data: Sequences,
    settings: LanguageModelSettings,
    answers_only: bool,
    on_step: OnStep | None = None,
) -> History:
    """Minimise the masked cross-entropy of the next token on random batches of `data`.

    Records loss (nats a token), token_accuracy, grad_norm and learning_rate at every step.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    optimizer = optimiser(model, settings.learning_rate, settings.weight_decay)
    history = History()
    rows = endless_batches(len(data), settings.batch_size, generator)
    for step in range(settings.steps):
        rate = decay(optimizer, settings.learning_rate, step, settings.steps)
        batch = data[next(rows)]
        mask, targets = target_mask(batch, answers_only), batch.tokens[:, 1:]
        logits = model(batch.tokens[:, :-1])  # (B, T-1, V)
        loss = masked_cross_entropy(logits, targets, mask)
        norm = take_step(optimizer, loss, model, settings.grad_clip)
        hits = (logits.argmax(-1) == targets)[mask].float().mean()
        record = history.append(
            step=step + 1, loss=loss.item(), token_accuracy=float(hits), grad_norm=norm, learning_rate=rate
        )
        if on_step and on_step(record):
            break
    return history


@torch.no_grad()
def evaluate(model: GPT, data: Sequences, answers_only: bool) -> dict[str, float]:
    """Mean loss (nats a token) and token accuracy on all of `data`, without training."""
    mask, targets = target_mask(data, answers_only), data.tokens[:, 1:]
    logits = model(data.tokens[:, :-1])
    hits = (logits.argmax(-1) == targets)[mask].float().mean()
    return {"loss": float(masked_cross_entropy(logits, targets, mask)), "token_accuracy": float(hits)}
