"""The doctor's report as strips: a strip is unhealthy where, and only where, the doctor says so."""

from dataclasses import replace

import pytest

from rlhf_lessons.diagnostics import bars
from rlhf_lessons.diagnostics.doctor import symptoms
from rlhf_lessons.diagnostics.logs.seed_log import seed_log
from rlhf_lessons.diagnostics.reward_report import conclude, reward_report
from rlhf_lessons.plots.strips import GROUPS, Strip, report_strips
from rlhf_lessons.world.datasets import written_pairs

PAIRS = written_pairs(120, "held_out", seed=6)
CHOSEN = {(pair.prompt, pair.chosen) for pair in PAIRS}


def oracle(answers):
    return [2.0 * (answer in CHOSEN) for answer in answers]


def strips(report):
    return {strip.name: strip for of in GROUPS.values() for strip in of(report.examination)}


def state(report, name):
    return strips(report)[name].state[1]


def test_a_healthy_report_is_healthy_in_every_strip_and_holds_its_whole_table():
    report = reward_report(oracle, PAIRS)
    assert report.ready_for_ppo and {strip.state[1] for strip in strips(report).values()} == {"healthy"}
    picture = report_strips(report)
    assert picture.table.equals(report.table()) and picture.png().startswith(b"\x89PNG")
    assert picture.alt.startswith(report.verdict) and "accuracy, held-out pairs 100%, healthy" in picture.alt
    unsaid = report_strips(report, concludes=False).alt
    assert report.verdict not in unsaid and unsaid == picture.alt.removeprefix(report.verdict).strip()


def test_the_documents_log_is_too_high_where_the_doctor_found_it():
    report = reward_report(oracle, PAIRS, log=seed_log("reward_model"))
    assert state(report, "late training loss (nats)") == state(report, "drift of both rewards (times the margin)")
    assert state(report, "late training loss (nats)") == "too high"


@pytest.mark.parametrize(
    ("measured", "bar", "name", "finding"),
    [
        ("ece", symptoms.LARGEST_ECE, "calibration error (ECE)", "overconfident"),
        ("hedging", symptoms.HEDGING, "correlation of reward and hedging", "hedging is rewarded"),
    ],
)
def test_a_strip_turns_where_the_check_turns(measured, bar, name, finding):
    e = reward_report(oracle, PAIRS).examination
    under, over = (conclude(replace(e, **{measured: bar + step})) for step in (-1e-6, 1e-6))
    assert (state(under, name), state(over, name)) == ("healthy", "too high")
    found = [{each for each in report.names if each in (finding, "underconfident")} for report in (under, over)]
    assert not found[0] and found[1]


def test_the_bar_of_an_accuracy_moves_with_the_ceiling_and_an_interval_over_it_is_not_sure():
    report = reward_report(oracle, PAIRS, ceiling=0.8)
    strip = strips(report)["accuracy, held-out pairs"]
    assert strip.bar == bars.Bars(0.8).accuracy(bars.READY_ACCURACY) and strip.best == 0.8
    few = reward_report(lambda answers: [float(answer in CHOSEN) for answer in answers], PAIRS[:4])
    assert state(few, "accuracy, held-out pairs") == "not sure" and not few.ready_for_ppo


def test_a_value_beyond_the_scale_lies_on_its_end_and_none_has_no_place():
    strip = Strip("s", 0.0, True, 1e-3, (1e-7, 10), powers=True)
    assert strip.place(0.0) == 0 and strip.place(1e-3) == pytest.approx(0.5) and strip.place(1e9) == 1
    assert strip.state == ("bad", "too low") and replace(strip, value=float("nan")).state[1] == "no number"
