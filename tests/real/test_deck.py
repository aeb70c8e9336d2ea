"""Which pair comes next: sides in balance, old pairs again with their sides changed, nothing twice besides."""

from rlhf_lessons.real.deck import AGAIN_EVERY, APART, BLOCK, Shown, change_sides, next_shown
from rlhf_lessons.real.kept_answers import AnswerPair
from rlhf_lessons.real.labels import Label

POOL = [AnswerPair(f"{n}?", (f"yes {n}", f"no {n}"), "a model") for n in range(30)]


def label(shown: Shown, choice: str = "1") -> Label:
    return Label(window="w", question=shown.question, answers=shown.answers, choice=choice)


def work(choose=lambda n: "1", seed=0) -> tuple[list[Label], list[Shown]]:
    """Label until nothing is left."""
    labels, seen = [], []
    while shown := next_shown(labels, POOL, seed):
        labels.append(label(shown, choose(len(labels))))
        seen.append(shown)
    return labels, seen


def test_each_pair_comes_and_each_sixth_comes_again_later_with_its_sides_changed():
    _, seen = work()
    new = [shown for shown in seen if not shown.again]
    assert [shown.question for shown in new] == [pair.question for pair in POOL]
    again = [place for place, shown in enumerate(seen) if shown.again]
    assert again == [*range(AGAIN_EVERY - 1, len(seen), AGAIN_EVERY)] and len(again) == 6
    for place in again:
        (first,) = [n for n, shown in enumerate(seen[:place]) if shown.pair == seen[place].pair]
        assert seen[first].answers == seen[place].answers[::-1] and place - first > APART


def test_sides_are_in_balance_and_drawn_from_the_seed():
    for seed in range(5):
        drawn = [change_sides(seed, n) for n in range(10 * BLOCK)]
        assert all(sum(drawn[n : n + BLOCK]) == BLOCK / 2 for n in range(0, len(drawn), BLOCK))
        assert drawn == [change_sides(seed, n) for n in range(10 * BLOCK)]
    assert len({tuple(change_sides(seed, n) for n in range(12)) for seed in range(10)}) > 5


def test_what_was_skipped_does_not_come_again_and_what_was_taken_back_comes_as_it_was():
    labels, seen = work(lambda n: "skip")
    assert not any(shown.again for shown in seen) and len(labels) == len(POOL)
    assert next_shown(labels[:7], POOL, 0) == seen[7]
