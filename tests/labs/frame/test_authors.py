"""Pairs by their author: always the same, and sampled once."""

import torch

from rlhf_lessons.labs.frame import authors
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.world.annotators import curated_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer


def ignore(*_) -> None:
    """An `on_part` that does nothing."""


def test_fewer_pairs_are_the_first_of_more():
    many, few = (authors.make_pairs({None: n}, 0, ignore) for n in (100, 70))
    assert (len(many), len(few)) == (100, 70)
    width = few.chosen.tokens.shape[1]
    torch.testing.assert_close(many.chosen.tokens[:70, :width], few.chosen.tokens)
    other = authors.make_pairs({None: 70}, 1, ignore)
    assert other.chosen.lengths.tolist() != few.chosen.lengths.tolist()


def test_an_author_answers_once(monkeypatch):
    """A training that follows finds the pairs of the last one, though it was stopped while they were made."""
    sampled = []

    def compared(author, asked, generator):
        sampled.append(len(asked))
        return curated_pairs(40, "train", seed=len(sampled))  # the others are ties

    def stop(*_) -> None:
        raise InterruptedError

    monkeypatch.setattr(authors.pipeline, "compared", compared)
    author = GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=8), seed=0)
    try:
        authors.make_pairs({author: 60}, 0, stop)
    except InterruptedError:
        assert len(sampled) == 1
    told = []
    for _ in range(2):
        pairs = authors.make_pairs({None: 10, author: 60}, 0, lambda by, n: told.append((by, n)))
        assert len(pairs) == 70 and len(sampled) == 2
    assert told == [(None, 10), (author, 40), (author, 20)] * 2
