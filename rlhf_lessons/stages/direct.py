"""Alignment without a reward model: DPO (Rafailov et al. 2023) and IPO (Azar et al. 2023) on preference pairs."""

import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from rlhf_lessons import knobs
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import PairSet, Sequences, join
from rlhf_lessons.objectives.direct import Info, dpo_loss, ipo_loss
from rlhf_lessons.objectives.likelihood import token_logprobs
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.language_model import target_mask
from rlhf_lessons.stages.loop import OnStep, batches, decay, optimiser, take_step

SCORING_BATCH = 256


class DPOSettings(knobs.Settings):
    """How to train on pairs directly. The learning rate decays linearly to 0 over all epochs."""

    direct_loss: knobs.DirectLoss = "dpo"
    beta: knobs.Beta = 0.1
    label_smoothing: knobs.LabelSmoothing = 0.0
    learning_rate: knobs.LearningRate = 5e-5
    epochs: knobs.Epochs = 1
    batch_size: knobs.BatchSize = 64
    grad_clip: knobs.GradClip = 1.0
    seed: knobs.Seed = 0


def train_dpo(
    policy: GPT,
    data: PairSet,
    settings: DPOSettings,
    reference: GPT | None = None,
    on_step: OnStep | None = None,
    held_out: PairSet | None = None,
) -> History:
    """Make chosen answers likelier than rejected ones, against a frozen `reference`. Trains in place.

    reference: defaults to a copy of the policy as it comes in.
    Records at every step loss, accuracy, margin, both implicit rewards and both log-probabilities (logps_chosen,
    logps_rejected: nats an answer), and with `held_out` pairs the same with held_out_ at the end of every epoch.
    """
    reference = reference or copy.deepcopy(policy)
    generator = torch.Generator().manual_seed(settings.seed)
    optimizer = optimiser(policy, settings.learning_rate)
    ref_chosen, ref_rejected = pair_logprobs(reference, data)
    history, step = History(), 0
    steps_an_epoch = -(-len(data) // settings.batch_size)
    for epoch in range(settings.epochs):
        for rows in batches(len(data), settings.batch_size, generator):
            rate = decay(optimizer, settings.learning_rate, step, settings.epochs * steps_an_epoch)
            pairs = data[rows]
            logprobs = answer_logprobs(policy, join(pairs.chosen, pairs.rejected))
            chosen, rejected = logprobs.split(len(rows))
            loss, info = loss_of(settings)(chosen, rejected, ref_chosen[rows], ref_rejected[rows])
            norm = take_step(optimizer, loss, policy, settings.grad_clip)
            step += 1
            metrics = {"loss": loss.item(), **info, **_levels(chosen, rejected)}
            if held_out is not None and step % steps_an_epoch == 0:
                measured = evaluate(policy, reference, held_out, settings)
                metrics |= {f"held_out_{name}": value for name, value in measured.items()}
            record = history.append(step=step, epoch=epoch + 1, grad_norm=norm, learning_rate=rate, **metrics)
            if on_step and on_step(record):
                return history
    return history


def loss_of(settings: DPOSettings) -> Callable[..., tuple[Tensor, Info]]:
    """The objective that the settings name, with its knobs set."""
    if settings.direct_loss == "ipo":
        return partial(ipo_loss, beta=settings.beta)
    return partial(dpo_loss, beta=settings.beta, label_smoothing=settings.label_smoothing)


def answer_logprobs(model: GPT, sequences: Sequences) -> Tensor:
    """Log-probability (N,) of each whole answer, eos included, given its prompt: in nats, with gradient."""
    logits = model(sequences.tokens[:, :-1])  # (N, T-1, V)
    mask = target_mask(sequences, answers_only=True)
    return (token_logprobs(logits, sequences.tokens[:, 1:]) * mask).sum(dim=1)


@torch.no_grad()
def pair_logprobs(model: GPT, pairs: PairSet) -> tuple[Tensor, Tensor]:
    """`answer_logprobs` of all chosen and all rejected answers, (N,) each, without gradient."""
    found = [
        torch.cat([answer_logprobs(model, side[rows]) for rows in torch.arange(len(pairs)).split(SCORING_BATCH)])
        for side in (pairs.chosen, pairs.rejected)
    ]
    return found[0], found[1]


def implicit_reward(policy: GPT, reference: GPT, beta: float) -> Callable[[Sequences], Tensor]:
    """What the policy prizes: beta * (log pi - log pi_ref) of whole answers, as a reward function (N,)."""

    @torch.no_grad()
    def reward(sequences: Sequences) -> Tensor:
        return beta * (answer_logprobs(policy, sequences) - answer_logprobs(reference, sequences))

    return reward


def evaluate(policy: GPT, reference: GPT, pairs: PairSet, settings: DPOSettings) -> dict[str, float]:
    """Loss, implicit rewards, accuracy and log-probabilities on pairs the policy is not trained on."""
    (chosen, rejected), (ref_chosen, ref_rejected) = pair_logprobs(policy, pairs), pair_logprobs(reference, pairs)
    loss, info = loss_of(settings)(chosen, rejected, ref_chosen, ref_rejected)
    return {"loss": loss.item(), **info, **_levels(chosen, rejected)}


def _levels(chosen: Tensor, rejected: Tensor) -> dict[str, float]:
    return {"logps_chosen": chosen.mean().item(), "logps_rejected": rejected.mean().item()}
