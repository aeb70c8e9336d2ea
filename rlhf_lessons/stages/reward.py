"""Stage 3, the reward model (RM): learn from comparisons which answer people prefer."""

import torch
from torch import Tensor, nn

from rlhf_lessons import knobs
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.model.sequences import PairSet, Sequences, join
from rlhf_lessons.objectives.preference import accuracy, bradley_terry_loss
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.loop import OnStep, batches, decay, optimiser, take_step

SCORING_BATCH = 256


class RewardSettings(knobs.Settings):
    """How to train a reward model. The learning rate decays linearly to 0 over all epochs."""

    learning_rate: knobs.LearningRate = 5e-4
    epochs: knobs.Epochs = 4
    batch_size: knobs.BatchSize = 64
    center_coef: knobs.CenterCoef = 0.0
    weight_decay: knobs.WeightDecay = 0.1
    grad_clip: knobs.GradClip = 1.0
    seed: knobs.Seed = 0


def train_reward(
    model: RewardModel,
    data: PairSet,
    settings: RewardSettings,
    on_step: OnStep | None = None,
    held_out: PairSet | None = None,
) -> History:
    """Minimise the Bradley-Terry loss -log sigma(r_chosen - r_rejected) (Christiano et al. 2017). Trains in place.

    Records loss, margin, accuracy and both rewards of the batch at every step, and with `held_out` pairs the
    held_out_ metrics at the end of every epoch.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    optimizer = optimiser(model, settings.learning_rate, settings.weight_decay)
    history, step = History(), 0
    steps_an_epoch = -(-len(data) // settings.batch_size)
    for epoch in range(settings.epochs):
        for rows in batches(len(data), settings.batch_size, generator):
            rate = decay(optimizer, settings.learning_rate, step, settings.epochs * steps_an_epoch)
            chosen, rejected = score_pairs(model, data[rows])
            loss = bradley_terry_loss(chosen, rejected, settings.center_coef)
            norm = take_step(optimizer, loss, model, settings.grad_clip)
            step += 1
            metrics = {"loss": loss.item(), **pair_metrics(chosen.detach(), rejected.detach())}
            if held_out is not None and step % steps_an_epoch == 0:
                metrics |= {f"held_out_{name}": value for name, value in evaluate(model, held_out).items()}
            record = history.append(step=step, epoch=epoch + 1, grad_norm=norm, learning_rate=rate, **metrics)
            if on_step and on_step(record):
                return history
    return history


def score_pairs(model: nn.Module, pairs: PairSet) -> tuple[Tensor, Tensor]:
    """Rewards of the chosen and the rejected answers, in one pass: (B,) of a RewardModel, (K, B) of an ensemble."""
    both = join(pairs.chosen, pairs.rejected)
    chosen, rejected = model(both.tokens, both.lengths).split(len(pairs), dim=-1)
    return chosen, rejected


def pair_metrics(chosen: Tensor, rejected: Tensor) -> dict[str, float]:
    """Accuracy, margin and the two mean rewards of scored pairs (B,)."""
    return {
        "accuracy": float(accuracy(chosen, rejected)),
        "margin": float((chosen - rejected).mean()),
        "reward_chosen": float(chosen.mean()),
        "reward_rejected": float(rejected.mean()),
    }


@torch.no_grad()
def score(model: RewardModel, sequences: Sequences) -> Tensor:
    """Rewards (N,) of any number of sequences, shorter ones first so that little padding is computed."""
    order = sequences.lengths.argsort(stable=True)
    rewards = torch.empty(len(sequences))
    for rows in order.split(SCORING_BATCH):
        part = sequences[rows]
        rewards[rows] = model(part.tokens, part.lengths)
    return rewards


def evaluate(model: RewardModel, pairs: PairSet) -> dict[str, float]:
    """Loss, accuracy and margin on pairs the model is not trained on."""
    chosen, rejected = score(model, pairs.chosen), score(model, pairs.rejected)
    metrics = pair_metrics(chosen, rejected)
    return {
        "loss": float(bradley_terry_loss(chosen, rejected)),
        "accuracy": metrics["accuracy"],
        "margin": metrics["margin"],
    }
