"""Words to numbers and back."""

import random

import pytest

from rlhf_lessons.model.sequences import BOS_ID, EOS_ID, PAD_ID
from rlhf_lessons.world import source_sets
from rlhf_lessons.world.answers import KINDS, careful_answer, careless_answer
from rlhf_lessons.world.cases import all_cases
from rlhf_lessons.world.tokenizer import Tokenizer, course_tokenizer


def test_whatever_the_world_can_say_survives_the_round_trip():
    tokenizer, rng = course_tokenizer(), random.Random(0)
    for case in all_cases():
        for text in [case.prompt, careful_answer(case, rng), *(careless_answer(case, k, rng) for k in KINDS)]:
            assert tokenizer.decode(tokenizer.encode(text)) == text


def test_the_source_sets_can_be_encoded():
    for text in source_sets.every_text():
        assert course_tokenizer().encode(text)


def test_special_tokens_have_their_fixed_ids():
    assert [course_tokenizer().ids[t] for t in ("<pad>", "<bos>", "<eos>")] == [0, 1, 2]


def test_decoding_stops_at_eos_and_drops_special_tokens():
    tokenizer = course_tokenizer()
    ids = tokenizer.encode("avoid it")
    assert tokenizer.decode([BOS_ID, *ids, EOS_ID, *ids, PAD_ID]) == "avoid it"


def test_a_word_the_vocabulary_lacks_is_named():
    with pytest.raises(ValueError, match=r"text: \['aspirinn'\] is not allowed"):
        course_tokenizer().encode("avoid aspirinn it")


def test_training_twice_gives_the_same_vocabulary():
    texts = ["b a", "a c", "d"]
    assert Tokenizer.train(texts).ids == Tokenizer.train(texts).ids
