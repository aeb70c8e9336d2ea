import numpy as np
import pytest

from rlhf_lessons import bag_of_words

PAIRS = [("avoid it .", "take it ."), ("avoid it , avoid it .", "it depends .")]


def test_a_row_counts_words_of_the_first_answer_minus_those_of_the_second():
    numbers = bag_of_words.columns(answer for pair in PAIRS for answer in pair)
    assert list(numbers) == ["avoid", "depends", "it", "take"]
    assert bag_of_words.differences(PAIRS, numbers).tolist() == [[1, 0, 0, -1], [2, -1, 1, 0]]


def test_weights_descend_the_loss_and_words_of_both_answers_stay_at_zero():
    labels = np.array([[1.0, -1.0, 0.0]])
    gained, lost, shared = bag_of_words.fit(labels)
    assert gained == -lost > 0 == shared
    weight = 0.0  # the same by hand: the gradient of -log sigma(2 w) by each of the two weights
    for _ in range(bag_of_words.STEPS):
        weight += bag_of_words.LEARNING_RATE / (1 + np.exp(2 * weight))
    assert gained == pytest.approx(weight)


def test_without_labels_nothing_is_learned():
    assert bag_of_words.fit(np.zeros((0, 3))).tolist() == [0, 0, 0]
