"""Exercise of notebook 02: which tokens count in SFT."""

from rlhf_lessons.exercises.exercise import Exercise, Mistake


def answer_mask(prompt_length: int, length: int, width: int) -> list[bool]:
    # Column j of the targets is token j + 1. Prompt tokens are given, padding is nothing: neither counts.
    return [prompt_length <= j + 1 < length for j in range(width - 1)]


ANSWER_MASK = Exercise(
    name="02.answer_mask",
    stars=1,
    minutes=5,
    task="A row holds `prompt_length` prompt tokens, then the answer, `length` tokens in all, padded to `width`. "
    "Return a list of `width - 1` booleans: does the target of position j (which is token j + 1) count?",
    reference=answer_mask,
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
