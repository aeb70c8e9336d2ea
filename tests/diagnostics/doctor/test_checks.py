"""Which cause the doctor names on logs written by hand, beside a score that ranks as an oracle does."""

import math
from dataclasses import replace
from graphlib import TopologicalSorter

import pytest

from rlhf_lessons.diagnostics.doctor import causes, checks
from rlhf_lessons.diagnostics.doctor.checks import CAUSES, Check, find_causes
from rlhf_lessons.diagnostics.doctor.probes import HeadProbe
from rlhf_lessons.diagnostics.findings import Finding
from rlhf_lessons.diagnostics.reward_report import reward_report
from rlhf_lessons.world.datasets import Pair

PAIRS = [Pair(f"drug{n} ?", f"avoid drug{n} .", f"take drug{n} .", "") for n in range(60)]
RISES = [0.7 + 0.3 * n for n in range(20)]
FLAT = [0.69, 0.70] * 10
RISES_SLOWLY = [0.69 + 0.001 * n for n in range(20)]
RISES_FROM_HIGH = [2.0 + 0.3 * n for n in range(20)]
LEAPS = [0.7, 4.0, 9.0, 3.0, *[0.3] * 16]
LEAPS_AND_RETURNS = [0.7, 0.69, 0.7, 4.0, *[0.7, 0.69] * 8]
LEAPS_AT_THE_END = [*[0.7, 0.69] * 8, 9.0, 4.0, 9.0, 4.0]
FALLS_FROM_HIGH = [5.0 / (1 + n) for n in range(20)]
FALLS = [0.69 - 0.03 * n for n in range(20)]


def oracle(answers):
    return [3.0 * ("avoid" in answer) for _, answer in answers]


def named(loss, drift=0.0, score=oracle, pairs=PAIRS):
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
        (LEAPS, 1.0, (causes.RATE_HIGH,)),  # it explains the drift
        (FALLS_FROM_HIGH, 0.0, (causes.LARGE_HEAD,)),
        (FALLS_FROM_HIGH, 1.0, (causes.LARGE_HEAD,)),  # and so does this
        # Each of these explains the height of the loss, its end, or that it hardly moves.
        (RISES, 0.0, (causes.WRONG_WAY,)),
        (RISES_SLOWLY, 0.0, (causes.WRONG_WAY,)),
        (RISES_FROM_HIGH, 0.0, (causes.WRONG_WAY,)),
        ([*RISES, math.nan], 0.0, (causes.WRONG_WAY,)),
        (LEAPS_AND_RETURNS, 0.0, (causes.RATE_HIGH,)),
        (LEAPS_AT_THE_END, 0.0, (causes.RATE_HIGH,)),
        (RISES, 1.0, (causes.WRONG_WAY, causes.DRIFT)),
    ],
)
def test_a_log_has_its_cause(loss, drift, names):
    assert named(loss, drift) == names


def please(answers):
    return [float("please" in answer) for _, answer in answers]


LONGER = [Pair(p.prompt, f"{p.chosen} please", p.rejected, "") for p in PAIRS]
SHORTER = [Pair(p.prompt, p.chosen, f"{p.rejected} please", "") for p in PAIRS]


def test_an_untrained_head_may_prefer_a_length_by_chance():
    assert causes.LENGTH in named(FALLS, score=please, pairs=LONGER[::2] + SHORTER[1::2])
    assert causes.LENGTH not in named(FLAT, score=please, pairs=LONGER[::2] + SHORTER[1::2])


def test_reversed_ranking_may_come_from_length_or_from_the_update():
    assert causes.INVERTED in named(FALLS, score=lambda answers: [-x for x in oracle(answers)])
    assert causes.INVERTED not in named(RISES, score=lambda answers: [-x for x in oracle(answers)])
    assert causes.INVERTED not in named(FALLS, score=please, pairs=LONGER[:10] + SHORTER[10:])


def test_a_flat_loss_may_come_from_the_data_or_the_head():
    assert causes.RATE_LOW not in named(FLAT, pairs=[Pair(p.prompt, p.chosen, p.chosen, "") for p in PAIRS])
    e = reward_report(oracle, PAIRS, log=[{"step": n, "loss": value} for n, value in enumerate(FLAT)]).examination
    for cause, recentred_std in ((causes.SATURATED, 0.5), (causes.NORMALISED, 0.0)):
        head = HeadProbe(raw_mean=-20.0, raw_std=0.5, reward_std=0.0, recentred_std=recentred_std)
        assert [finding.name for finding in find_causes(replace(e, head=head))] == [cause]


def test_divergence_is_found_once():
    assert named([*FALLS, math.nan], score=lambda answers: [math.nan] * len(answers)).count("divergence") == 1


def test_a_cause_that_is_itself_ruled_out_rules_nothing_out(monkeypatch):
    def found(name):
        return lambda examination: Finding(name, "")

    table = {"a": Check(found("a"), ("b",)), "b": Check(found("b"), ("c",)), "c": Check(found("c"))}
    monkeypatch.setattr(checks, "CAUSES", table)
    assert [finding.name for finding in find_causes(None)] == ["a", "c"]
    del table["c"]
    table["b"] = Check(found("b"))
    assert [finding.name for finding in find_causes(None)] == ["b"]


def test_what_rules_out_is_in_the_table_and_goes_round_no_circle():
    TopologicalSorter({name: check.unless for name, check in CAUSES.items()}).prepare()
    assert {name for check in CAUSES.values() for name in check.unless} <= set(CAUSES)
