"""What pretraining costs at each size: counted where it can be counted, and timed on this machine for a few steps."""

import itertools
import statistics
import time
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from rlhf_lessons import scales
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.pipeline import STAGES, PretrainedPlan
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.pretrain import train_pretrain
from rlhf_lessons.world import datasets
from rlhf_lessons.world.tokenizer import course_tokenizer

BYTES_A_WEIGHT = 16  # 4 each for weight, gradient and the two means of AdamW
FEWEST_STEPS = 3  # of which the first is not timed
N_NOTES = 2_000  # to measure on, at every size: a step takes a batch of them


@dataclass(frozen=True)
class Cost:
    """Pretraining at one size.

    weights; tokens: read in all steps, padding left out; flops: 6 * weights * tokens (Kaplan et al. 2020, section 2.1);
    memory: bytes of weights, gradients, optimiser and what one step keeps for its way back; step_seconds: the median
    of a few steps here; minutes: all steps at this pace.
    """

    plan: PretrainedPlan
    weights: int
    tokens: int
    memory: int
    step_seconds: float

    @property
    def flops(self) -> int:
        return 6 * self.weights * self.tokens

    @property
    def minutes(self) -> float:
        return self.plan.steps * self.step_seconds / 60


def measure(size: str, seconds: float = 3.0) -> Cost:
    """Count and time the size called `size`; steps are timed for about `seconds`, at least two of them.

    Raises ValueError for a size that is none.
    """
    plan = PretrainedPlan(**scales.of(size))
    model = cast(GPT, STAGES["pretrained"].start(plan))
    notes = datasets.corpus(N_NOTES, plan.careful_share, plan.popular_share, plan.seed)
    data = datasets.encode_notes(course_tokenizer(), notes)
    kept = kept_for_backward(model, data[: plan.batch_size])
    durations = time_steps(model, data, plan, seconds)
    tokens = round(plan.steps * plan.batch_size * float((data.lengths - 1).float().mean()))
    weights = model.parameter_count()
    memory = BYTES_A_WEIGHT * weights + kept
    return Cost(plan, weights, tokens, memory, statistics.median(durations))


def time_steps(model: GPT, data: Sequences, plan: PretrainedPlan, seconds: float) -> list[float]:
    """Seconds of each optimiser step, the first left out, which also warms up."""
    began, ends = time.perf_counter(), []

    def clock(_: Record) -> bool:
        ends.append(time.perf_counter())
        return len(ends) >= FEWEST_STEPS and ends[-1] - began >= seconds

    train_pretrain(model, data, plan, clock)
    return [after - before for before, after in itertools.pairwise(ends)]


def kept_for_backward(model: nn.Module, batch: Sequences) -> int:
    """Bytes of what a forward pass of a batch (B, T) keeps for the gradient, beside the weights themselves."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        loss = model(batch.tokens[:, :-1]).log_softmax(dim=-1).mean()
        del loss
    return sum(tensor.untyped_storage().nbytes() for place, tensor in kept.items() if place not in own)
