"""Exercises of notebook 02: which tokens count in SFT, and what they cost."""

import torch

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.model.sequences import Sequences
from rlhf_lessons.objectives.likelihood import masked_cross_entropy, masked_mean, token_logprobs
from rlhf_lessons.stages.language_model import target_mask


def answer_mask(prompt_length: int, length: int, width: int) -> list[bool]:
    row = Sequences(torch.zeros(1, width), torch.tensor([prompt_length]), torch.tensor([length]))
    return target_mask(row, answers_only=True)[0].tolist()


ANSWER_MASK = Exercise(
    name="02.answer_mask",
    stars=1,
    minutes=5,
    task="A row holds `prompt_length` prompt tokens, then the answer, `length` tokens in all, padded to `width`. "
    "Return a list of `width - 1` booleans: does the target of position j (which is token j + 1) count?",
    reference=answer_mask,
    source=target_mask,
    cases=[(3, 6, 8), (1, 2, 2), (5, 9, 9)],
    mistakes=[
        Mistake(
            lambda p, n, w: [p <= j < n for j in range(w - 1)],
            "You are one off: the target of position j is token j + 1, so the first answer word would not count.",
        ),
        Mistake(
            lambda p, n, w: [j + 1 < n for j in range(w - 1)],
            "That counts the prompt too: it is pretraining's mask. SFT imitates the answer only.",
        ),
        Mistake(
            lambda p, n, w: [p <= j + 1 for j in range(w - 1)],
            "That counts the padding: the model would be taught to say <pad>.",
        ),
        Mistake(
            lambda p, n, w: [p <= j + 1 < n - 1 for j in range(w - 1)],
            "That leaves out <eos>: the model would never learn to stop.",
        ),
    ],
    hints=[
        "Write down the tokens of one row and the target under each position.",
        "Token i counts if prompt_length <= i < length.",
    ],
)

_LOGITS = torch.tensor(
    [
        [[2.0, 0.0, 0.0], [0.0, 1.0, -1.0], [0.0, 0.0, 3.0], [1.0, 0.0, 0.0]],
        [[0.5, 0.0, 1.0], [0.0, 2.0, 0.0], [1.0, -1.0, 0.0], [0.0, 0.0, 1.0]],
    ]
)
_TARGETS = torch.tensor([[1, 1, 2, 0], [2, 0, 0, 0]])
_MASK = torch.tensor([[False, True, True, True], [False, True, False, False]])

MASKED_CROSS_ENTROPY = Exercise(
    name="02.masked_cross_entropy",
    stars=2,
    minutes=10,
    task="Return the loss of SFT, in nats: `logits` (B, T, V) are the predictions for the tokens `targets` (B, T); "
    "only where `mask` (B, T) is true does a token count, and all that count weigh the same.",
    reference=masked_cross_entropy,
    cases=[(_LOGITS, _TARGETS, _MASK), (torch.zeros(1, 2, 4), torch.tensor([[3, 1]]), torch.tensor([[True, False]]))],
    mistakes=[
        Mistake(
            lambda logits, targets, mask: -token_logprobs(logits, targets).mean(),
            "That is the mean over all positions: prompt and padding are in it.",
        ),
        Mistake(
            lambda logits, targets, mask: -(token_logprobs(logits, targets) * mask).mean(),
            "The sum is over the answer, but you divide by the number of all positions. By how many did you add?",
        ),
        Mistake(
            lambda logits, targets, mask: -(token_logprobs(logits, targets) * mask).sum(),
            "That is the sum: long answers would pull harder. The loss is what one token costs.",
        ),
        Mistake(
            lambda logits, targets, mask: -((token_logprobs(logits, targets) * mask).sum(1) / mask.sum(1)).mean(),
            "That is the mean of the rows' means: a word of a short answer would weigh more than one of a long answer.",
        ),
        Mistake(
            lambda logits, targets, mask: masked_mean(token_logprobs(logits, targets), mask),
            "Wrong sign: that is the mean log-probability, and training would make the answers less likely.",
        ),
        Mistake(
            lambda logits, targets, mask: masked_mean(-token_logprobs(logits, targets).exp(), mask),
            "That is the mean probability, with a minus. The log makes a word that was thought impossible dear.",
        ),
        Mistake(
            lambda logits, targets, mask: masked_cross_entropy(logits, targets, ~mask),
            "That is what the *other* tokens cost: the mask is true where a token counts.",
        ),
    ],
    hints=[
        "Three steps: a log-probability for every token, those that count, their mean.",
        "logits.log_softmax(-1) has all V log-probabilities; gather(-1, targets[..., None])[..., 0] takes one of each.",
        "With a tensor of booleans, x[mask] is what counts, in one row.",
    ],
)
