"""Which cause the doctor names on logs written by hand, beside a score that ranks as an oracle does."""

from graphlib import TopologicalSorter

import pytest

from rlhf_lessons.diagnostics.doctor import checks as causes
from rlhf_lessons.diagnostics.doctor.checks import CAUSES, Check, find_causes
from rlhf_lessons.diagnostics.findings import Finding
from rlhf_lessons.diagnostics.reward_report import reward_report
from rlhf_lessons.world.datasets import Pair

PAIRS = [Pair(f"drug{n} ?", f"avoid drug{n} .", f"take drug{n} .", "") for n in range(60)]
RISES = [0.7 + 0.3 * n for n in range(20)]
FLAT = [0.69, 0.70] * 10
LEAPS = [0.7, 4.0, 9.0, 3.0, *[0.3] * 16]
FALLS_FROM_HIGH = [5.0 / (1 + n) for n in range(20)]
FALLS = [0.69 - 0.03 * n for n in range(20)]


def named(loss, drift=0.0, score=lambda answers: [float("avoid" in answer) * 3 for _, answer in answers], pairs=PAIRS):
    """The findings on a log with this loss, in which both rewards move by `drift` a row and are 0.1 apart."""
    log = [
        {"step": n + 1, "loss": value, "reward_chosen": drift * n + 0.1, "reward_rejected": drift * n}
        for n, value in enumerate(loss)
    ]
    return reward_report(score, pairs, log=log).names


@pytest.mark.parametrize(
    ("loss", "drift", "names"),
    [
        (FALLS, 0.0, ("healthy",)),
        (FALLS, 1.0, (causes.DRIFT,)),
        (FLAT, 0.0, (causes.RATE_LOW,)),
        (LEAPS, 0.0, (causes.RATE_HIGH,)),
        (LEAPS, 1.0, (causes.RATE_HIGH,)),  # which explains the drift
        (FALLS_FROM_HIGH, 0.0, (causes.LARGE_HEAD,)),
        (FALLS_FROM_HIGH, 1.0, (causes.LARGE_HEAD,)),  # so does this
        (RISES, 0.0, (causes.WRONG_WAY,)),  # which explains the high loss
        (RISES, 1.0, (causes.WRONG_WAY, causes.DRIFT)),
    ],
)
def test_a_log_has_its_cause(loss, drift, names):
    assert named(loss, drift) == names


def test_an_untrained_head_may_prefer_a_length_by_chance():
    longer = [Pair(p.prompt, f"{p.chosen} please", p.rejected, "") for p in PAIRS[::2]]
    shorter = [Pair(p.prompt, p.chosen, f"{p.rejected} please", "") for p in PAIRS[1::2]]
    report = {"score": lambda answers: [float("please" in answer) for _, answer in answers], "pairs": longer + shorter}
    assert causes.LENGTH in named(FALLS, **report)
    assert causes.LENGTH not in named(FLAT, **report)


def test_a_cause_that_is_itself_ruled_out_rules_nothing_out(monkeypatch):
    def found(name):
        return lambda examination: Finding(name, "")

    table = {"a": Check(found("a"), ("b",)), "b": Check(found("b"), ("c",)), "c": Check(found("c"))}
    monkeypatch.setattr(causes, "CAUSES", table)
    assert [finding.name for finding in find_causes(None)] == ["a", "c"]
    del table["c"]
    table["b"] = Check(found("b"))
    assert [finding.name for finding in find_causes(None)] == ["b"]


def test_what_rules_out_is_in_the_table_and_goes_round_no_circle():
    TopologicalSorter({name: check.unless for name, check in CAUSES.items()}).prepare()
    assert {name for check in CAUSES.values() for name in check.unless} <= set(CAUSES)
