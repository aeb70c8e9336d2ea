"""Words to numbers and back: a word-level tokenizer trained on every sentence the world can say.

One word is one token, so that a learner can read what the model reads. The vocabulary holds every word of the
grammar, whether or not a sample of notes uses it: so its size V, and with it the chance level ln V of the loss,
stays the same when the corpus grows.
"""

import itertools
from collections.abc import Iterable, Mapping
from functools import cache

from tokenizers import Tokenizer as WordTokenizer
from tokenizers import models, pre_tokenizers, trainers

from rlhf_lessons.model.sequences import EOS_ID
from rlhf_lessons.world import answers, source_sets
from rlhf_lessons.world.cases import all_cases
from rlhf_lessons.world.formulary import load_reasons

PAD, BOS, EOS = "<pad>", "<bos>", "<eos>"


class Tokenizer:
    """Encodes texts of lower-case words separated by spaces. The special tokens have the ids of `model.sequences`.

    ids: the id of every word. words: the word of every id.
    """

    def __init__(self, ids: Mapping[str, int]):
        self.ids = ids
        self.words = {id_: word for word, id_ in ids.items()}

    @classmethod
    def train(cls, texts: Iterable[str]) -> "Tokenizer":
        """Learn the vocabulary of `texts`: every word that occurs, the most frequent first."""
        words = WordTokenizer(models.WordLevel())
        words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        words.train_from_iterator(texts, trainers.WordLevelTrainer(special_tokens=[PAD, BOS, EOS], show_progress=False))
        return cls(words.get_vocab())

    @property
    def vocab_size(self) -> int:
        return len(self.ids)

    def encode(self, text: str) -> list[int]:
        """The ids of a text's words, without bos or eos. Raises ValueError for a word the vocabulary lacks."""
        unknown = [word for word in text.split() if word not in self.ids]
        if unknown:
            raise ValueError(
                f"text: {unknown} is not allowed; words must be among the vocabulary's {self.vocab_size}, in lower case"
            )
        return [self.ids[word] for word in text.split()]

    def decode(self, ids: Iterable[int]) -> str:
        """The words of `ids` up to the first eos, special tokens left out."""
        kept = itertools.takewhile(lambda id_: id_ != EOS_ID, map(int, ids))
        return " ".join(self.words[id_] for id_ in kept if id_ > EOS_ID)


@cache
def course_tokenizer() -> Tokenizer:
    """The tokenizer of the course: trained on every phrase of the grammar and on the source sets."""
    return Tokenizer.train(_every_text())


def _every_text() -> Iterable[str]:
    yield from answers.every_phrase()
    for case in all_cases():
        yield case.prompt
        yield from answers.advice_phrases(case.verdict, case.advice)
    for reason in load_reasons().values():
        yield from reason.phrases
    yield from source_sets.every_text()
