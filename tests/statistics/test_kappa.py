"""Cohen's kappa by hand, and what agreement on pairs makes of it."""

import math

import pytest

from rlhf_lessons.statistics.kappa import TURNED, Agreement, agreement, by_chance, kappa

ABOUT = pytest.approx


def said(*opinions: str) -> dict[int, str]:
    return dict(enumerate(opinions))


def table(*rows: tuple[int, str, str]) -> tuple[dict[int, str], dict[int, str]]:
    """So many pairs of which one says this and the other that."""
    a, b = zip(*[(x, y) for n, x, y in rows for _ in range(n)], strict=True)
    return said(*a), said(*b)


def test_by_hand():
    """50 proposals, yes or no: both yes 20, first alone 5, second alone 10, both no 15. p_o 0.7, p_e 0.5, kappa 0.4."""
    a, b = table((20, "y", "y"), (5, "y", "n"), (10, "n", "y"), (15, "n", "n"))
    expected = by_chance([*a.values()], [*b.values()])
    assert expected == ABOUT(0.5 * 0.6 + 0.5 * 0.4)
    assert kappa(0.7, expected) == ABOUT(0.4)
    assert (kappa(1.0, expected), kappa(expected, expected)) == (1.0, 0.0)


def test_three_categories_by_hand():
    """first/first 4, second/second 3, tie/tie 2, first/second 1, tie/first 2: p_o 9/12.

    Each pair in both orders: a says tie 4 of 12 times, b 2 of 12, so p_e = 4/12 * 2/12 + (8/12 * 10/12) / 2 = 1/3.
    """
    rows = (
        (4, "first", "first"),
        (3, "second", "second"),
        (2, "tie", "tie"),
        (1, "first", "second"),
        (2, "tie", "first"),
    )
    found = agreement(*table(*rows))
    assert (found.n, found.alike) == (12, 9)
    assert found.kappa.value == ABOUT((3 / 4 - 1 / 3) / (1 - 1 / 3)) and found.kappa.value == ABOUT(0.625)
    z, n, share = 1.959964, 12, 9 / 12
    middle, half = share + z**2 / (2 * n), z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = ((middle + sign * half) / (1 + z**2 / n) for sign in (-1, 1))
    assert (found.kappa.low, found.kappa.high) == (ABOUT((low - 1 / 3) / (2 / 3)), ABOUT((high - 1 / 3) / (2 / 3)))
    assert str(found) == f"9 of 12 alike, kappa {found.kappa:.2f}"


def test_it_does_not_matter_which_answer_is_called_the_first():
    a, b = table((6, "first", "first"), (3, "second", "first"), (2, "tie", "second"), (1, "tie", "tie"))
    turned = [{pair: TURNED[x] if pair % 2 else x for pair, x in each.items()} for each in (a, b)]
    assert agreement(*turned) == agreement(a, b) == agreement(b, a)


def test_only_pairs_that_both_have_judged_count():
    assert agreement(said("first", "tie"), {1: "tie", 7: "first"}) == Agreement(1, 1, None)
    assert agreement({}, said("tie")) == Agreement(0, 0, None)


@pytest.mark.parametrize(
    ("both", "told"),
    [
        ([], "no pair yet"),
        (["first"] * 9, "9 of 9 alike, too few for kappa, which takes 10"),
        (["tie"] * 10, "10 of 10 alike, ties alone, so no kappa"),
    ],
)
def test_where_there_is_no_kappa_it_says_why(both, told):
    assert str(agreement(said(*both), said(*both))) == told
