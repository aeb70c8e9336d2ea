"""Exercise of notebook 04: the token at which a reward is read."""

import torch
from torch import Tensor

from rlhf_lessons.exercises.exercise import Exercise, Mistake
from rlhf_lessons.model.heads import RewardModel


def read_out(tokens: Tensor, pad_id: int) -> Tensor:
    # The last real token has seen the whole answer; padding after it says nothing.
    return (tokens != pad_id).sum(dim=1) - 1


READ_OUT = Exercise(
    name="04.read_out",
    stars=1,
    minutes=6,
    task="`tokens` (B, T) holds B rows, each padded on the right with `pad_id` to the longest. A reward model's head "
    "gives a number at every position. Return for each row the position, counted from 0, whose number is the reward.",
    reference=read_out,
    source=RewardModel.forward,
    cases=[
        (torch.tensor([[1, 7, 9, 2, 0, 0], [1, 8, 2, 0, 0, 0], [1, 5, 5, 6, 4, 2]]), 0),
        (torch.tensor([[1, 4, 2]]), 0),
        (torch.tensor([[3, 0, 0, 9, 9], [3, 3, 9, 9, 9]]), 9),
    ],
    mistakes=[
        Mistake(
            lambda tokens, pad_id: torch.full((len(tokens),), tokens.shape[1] - 1),
            "That is the last column. In a short row it holds padding, and a reward read there is the same for all.",
        ),
        Mistake(
            lambda tokens, pad_id: (tokens != pad_id).sum(1),
            "That is the number of tokens, one too far: positions are counted from 0. The longest row would have none.",
        ),
        Mistake(
            lambda tokens, pad_id: (tokens == pad_id).int().argmax(1) - 1,
            "Right wherever there is padding. argmax gives 0 where nothing is true: which row got -1, and why?",
        ),
        Mistake(
            lambda tokens, pad_id: (tokens != pad_id).sum(1) - 2,
            "That is the token before the last: it has not seen that the answer ends there.",
        ),
        Mistake(
            lambda tokens, pad_id: torch.zeros(len(tokens)),
            "The first token has seen nothing of the answer: a token sees only what stands to its left.",
        ),
    ],
    hints=[
        "A token sees what stands to its left. Which one has seen the whole answer, and no padding?",
        "How many tokens of a row are not padding? (tokens != pad_id) is true for each of them.",
    ],
)
