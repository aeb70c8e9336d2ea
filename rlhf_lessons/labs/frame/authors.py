"""Preference pairs by their author, made a few at a time and kept: a lab can report, or stop, while they are made."""

from collections.abc import Callable, Mapping
from functools import cache, reduce

import torch

from rlhf_lessons import pipeline
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.sequences import PairSet, join
from rlhf_lessons.world.annotators import curated_pairs
from rlhf_lessons.world.datasets import encode_pairs, prompts_in
from rlhf_lessons.world.tokenizer import course_tokenizer

ASKED = 64  # prompts, or pairs that people write, at a time
SEEDS = 10_000  # parts of one seed, far more than any lab asks for


Author = GPT | None  # whose answers are sampled, or people


def make_pairs(wanted: Mapping[Author, int], seed: int, on_part: Callable[[Author, int], None]) -> PairSet:
    """So many pairs by each author about train cases, in one set. `on_part` is told of each author's next few pairs."""
    parts: list[PairSet] = []
    for author, missing in wanted.items():
        number = SEEDS * seed
        while missing:
            part = some_pairs(author, number)[:missing]
            parts.append(part)
            missing, number = missing - len(part), number + 1
            on_part(author, len(part))
    return PairSet(*(reduce(join, [getattr(part, side) for part in parts]) for side in ("chosen", "rejected")))


@cache
def some_pairs(author: Author, seed: int) -> PairSet:
    """At most `ASKED` pairs, as annotators choose. The author is known by identity: pass the same object again."""
    if author is None:
        return encode_pairs(course_tokenizer(), curated_pairs(ASKED, "train", seed=seed))
    generator = torch.Generator().manual_seed(seed)
    prompts = prompts_in("train")
    asked = [prompts[row] for row in torch.randint(len(prompts), (ASKED,), generator=generator).tolist()]
    return encode_pairs(course_tokenizer(), pipeline.compared(author, asked, generator))


@cache
def course_sft() -> GPT:
    """The course's SFT model, the same object whenever it is asked for."""
    return pipeline.ensure("sft", progress=False).model
