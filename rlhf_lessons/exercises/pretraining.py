"""Exercises of notebook 01: what a loss is worth, how a word is drawn, and how a model is trained."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.model.gpt import GPT, GPTConfig


def chance_level(vocab_size: int) -> float:
    # A model that knows nothing gives every one of the V tokens the probability 1 / V.
    return -math.log(1 / vocab_size)


CHANCE_LEVEL = Exercise(
    name="01.chance_level",
    stars=1,
    minutes=3,
    task="Write the cross-entropy, in nats, of a model that gives every token the same probability.",
    reference=chance_level,
    cases=[(2,), (100,), (50257,)],
    mistakes=[
        Mistake(
            lambda v: math.log2(v),
            "That is in bits (log base 2). PyTorch's loss is in nats: use the natural log.",
        ),
        Mistake(lambda v: math.log10(v), "That is log base 10. PyTorch's loss uses the natural log."),
        Mistake(lambda v: math.log(1 / v), "The sign: a loss is the *negative* log of the probability."),
        Mistake(lambda v: 1 / v, "That is the probability of the right token. The loss is its negative log."),
    ],
    hints=[
        "What probability does each of V tokens get?",
        "The loss is -log of the probability of the right token.",
    ],
)


def bits_per_character(nats_per_token: float, n_tokens: int, n_characters: int) -> float:
    # A bit is ln 2 nats. The whole text costs the same, however it is cut into tokens; so share it over its characters.
    return nats_per_token * n_tokens / math.log(2) / n_characters


BITS_PER_CHARACTER = Exercise(
    name="01.bits_per_character",
    stars=1,
    minutes=5,
    task="A text of `n_characters` characters is cut into `n_tokens` tokens; a model's loss on it is `nats_per_token`. "
    "Return what the model pays for one character, in bits.",
    reference=bits_per_character,
    cases=[(3.0, 200, 1000), (1.4, 500, 500), (6.2, 90, 420)],
    mistakes=[
        Mistake(
            lambda nats, tokens, letters: nats * tokens / letters,
            "That is nats per character. How many nats is one bit, a choice between two equal things, worth?",
        ),
        Mistake(
            lambda nats, tokens, letters: nats / math.log(2),
            "That is bits per *token*. Another tokenizer would get another number for the same text.",
        ),
        Mistake(
            lambda nats, tokens, letters: nats * tokens * math.log(2) / letters,
            "Bits are smaller than nats, so it takes more of them: -log(1/2) is 0.693 nats, and one bit.",
        ),
        Mistake(
            lambda nats, tokens, letters: nats / math.log(2) * letters / tokens,
            "That is the loss times the *length* of a token: longer tokens would make a character dearer.",
        ),
        Mistake(
            lambda nats, tokens, letters: nats * tokens / math.log(2),
            "That is the price of the whole text, in bits. Now share it over its characters.",
        ),
    ],
    hints=[
        "What does the model pay for the whole text, in nats?",
        "One bit is ln 2 = 0.693 nats. How many bits is the price of the whole text?",
    ],
)


def temperature(logits: Sequence[float], temperature: float) -> list[float]:
    # Probabilities see only differences of logits. Less the largest, none is over 0, and no exp overflows.
    weights = [math.exp((logit - max(logits)) / temperature) for logit in logits]
    return [weight / sum(weights) for weight in weights]


TEMPERATURE = Exercise(
    name="01.temperature",
    stars=2,
    minutes=8,
    task="Return the probabilities that a word is drawn with, as a list: the softmax of logits / temperature, "
    "by hand. It must also work for logits of a thousand.",
    reference=temperature,
    cases=[([2.0, 1.0, 0.0], 0.5), ([0.3, -1.2], 2.0), ([1.0, 1.0, 1.0, 1.0], 1.0), ([1000.0, 999.0], 1.0)],
    mistakes=[
        Mistake(
            lambda logits, t: temperature(logits, 1 / t),
            "You multiplied by the temperature. A low one must make the likeliest word likelier still.",
        ),
        Mistake(
            lambda logits, t: temperature(logits, 1.0),
            "Those are the probabilities at temperature 1: yours does not count (a factor after exp cancels out).",
        ),
        Mistake(
            lambda logits, t: [p / t for p in temperature(logits, 1.0)],
            "These do not add up to 1: the temperature divides the logits, before exp, not the probabilities.",
        ),
        Mistake(
            lambda logits, t: [_exp(logit / t) for logit in logits],
            "These are the weights, and do not add up to 1 yet.",
        ),
        Mistake(
            lambda logits, t: [math.log(p) for p in temperature(logits, t)],
            "These are log-probabilities: nothing can be drawn with numbers under 0.",
        ),
        Mistake(
            lambda logits, t: [math.nan if max(logits) / t > 700 else p for p in temperature(logits, t)],
            "exp(1000) is more than a number can hold, and infinity over infinity is nan. "
            "A constant in all logits changes no probability: which constant keeps exp small?",
        ),
    ],
    hints=[
        "exp makes every logit a positive weight. What makes weights probabilities?",
        "Divide each logit by the temperature before exp: twice as hot is half as far apart.",
        "exp(1000) overflows: take the largest logit off all of them first. Their differences stay as they are.",
    ],
)


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


def training_loop(model: nn.Module, batches: Sequence[Tensor], learning_rate: float) -> list[float]:
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    losses = []
    for tokens in batches:
        inputs, targets = tokens[:, :-1], tokens[:, 1:]  # (B, T-1) each: every token is asked for the next one
        logits = model(inputs)  # (B, T-1, V)
        loss = F.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def _wrong_loop(
    model: nn.Module,
    batches: Sequence[Tensor],
    learning_rate: float,
    targets: Callable[[Tensor], Tensor] = lambda tokens: tokens[:, 1:],
    **options: Any,
) -> list[float]:
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=learning_rate, **options), []
    for tokens in batches:
        losses.append(F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), targets(tokens).flatten()))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    return [loss.item() for loss in losses]


def _tiny_model() -> GPT:
    return GPT(GPTConfig(vocab_size=5, context=8, layers=1, heads=1, width=8))


TRAINING_LOOP = Exercise(
    name="01.training_loop",
    stars=3,
    minutes=15,
    task="Train `model` for one step a batch, with torch.optim.SGD at `learning_rate`, and return the list of losses, "
    "each measured before its step. A batch is a tensor of tokens (B, T); model(tokens) gives logits (B, T, V), at "
    "every position for the token after it.",
    reference=training_loop,
    cases=[
        (_tiny_model(), [torch.tensor([[0, 1, 2, 3, 4, 0, 1, 2]])] * 12, 0.1),
        (_tiny_model(), [torch.tensor([[4, 3, 4, 3], [1, 1, 2, 2]]), torch.tensor([[2, 2, 1, 1], [3, 4, 3, 4]])], 1.0),
    ],
    mistakes=[
        Mistake(
            lambda model, batches, rate: _wrong_loop(model, batches, rate, momentum=1.0),
            "The gradients of all batches add up, a push that never fades: at first that even looks fast. backward() "
            "adds to what is there. Who sets it back to zero?",
        ),
        Mistake(
            lambda model, batches, rate: _wrong_loop(model, batches, 0.0),
            "The loss is that of the untrained model throughout: gradients alone change no weight. Who takes the step?",
        ),
        Mistake(
            lambda model, batches, rate: _wrong_loop(model, batches, rate, maximize=True),
            "The loss climbs: each step goes up the gradient. What should be small when the model is good?",
        ),
        Mistake(
            lambda model, batches, rate: _wrong_loop(model, batches, rate, targets=lambda tokens: tokens[:, :-1]),
            "The targets are the inputs themselves: this model learns to repeat a token. It is to foretell the next.",
        ),
        Mistake(
            lambda model, batches, rate: [sum(losses := training_loop(model, batches, rate)) / len(losses)],
            "That is one number, the mean of all losses. A curve needs one number a batch.",
        ),
    ],
    hints=[
        "Three lines do it once the loss is there: forget the old gradients, compute new ones, take the step.",
        "The token at position t is the target of position t - 1: inputs are tokens[:, :-1], targets tokens[:, 1:].",
        "F.cross_entropy wants logits (N, V) and targets (N,): flatten(0, 1) and flatten(). Then "
        "optimizer.zero_grad(), loss.backward(), optimizer.step(), and loss.item() for the list.",
    ],
)
