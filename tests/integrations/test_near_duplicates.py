import random

import pytest

pytest.importorskip("transformers", reason="needs the extra `scale`: pip install -e '.[scale]'")

from rlhf_lessons.integrations.near_duplicates import ALIKE, has_near_duplicate


@pytest.mark.parametrize(
    ("text", "other", "found"),
    [
        ("how do I boil an egg", "How do I boil an egg?", True),
        ("how do I boil 2 eggs", "how do I boil 14 eggs", True),
        ("an egg, how do I boil", "how do I boil an egg", True),
        ("a b c d e f g h", "a b c d e f g h i j", True),  # 8 of 10
        ("a b c d e f g h", "a b c d e f g i j k", False),  # 7 of 11
        ("how do I boil an egg", "how do I fry an egg", False),  # 5 of 7
        ("", "", False),
        ("...", "...", False),
    ],
)
def test_texts_that_share_most_words_are_near_duplicates(text, other, found):
    assert has_near_duplicate([text], ["something else", other]) == [found]


def test_nothing_is_missed_that_comparing_each_with_each_finds():
    draw = random.Random(0)
    texts = [" ".join(draw.choices("abcdefgh", k=draw.randint(1, 12))) for _ in range(400)]
    sets = [frozenset(text.split()) for text in texts]
    expected = [any(len(one & two) >= ALIKE * len(one | two) for two in sets[200:]) for one in sets[:200]]
    assert has_near_duplicate(texts[:200], texts[200:]) == expected and 20 < sum(expected) < 180
