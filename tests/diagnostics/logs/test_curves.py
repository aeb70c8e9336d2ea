"""What is drawn of a log: the right metrics, at their places, and no spike lost."""

import math

import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.curves import MOST_PANELS, MOST_POINTS, panels
from rlhf_lessons.diagnostics.logs.parsing import parse

RISING = [{"epoch": n, "loss": 0.69 + n / 100, "accuracy": 0.5, "grad_norm": 1.0} for n in range(1, 21)]


def drawn(records):
    return {panel.curves[0].name: panel for panel in panels(parse(records))}


def test_training_and_held_out_values_share_a_panel_and_its_places():
    records = [{"step": 10 * n, "loss": 1 / (n + 1)} for n in range(9)]
    records += [{"step": 40, "eval_loss": 0.5}, {"step": 80, "eval_loss": 0.4}]
    panel = drawn(records)["loss"]
    assert [curve.name for curve in panel.curves] == ["loss", "eval_loss"]
    assert panel.place == "step" and panel.curves[1].places == [40, 80]


def test_chosen_and_rejected_rewards_share_a_panel():
    panel = drawn([{"r_chosen": n, "r_rejected": -n, "loss": 1} for n in range(3)])["reward_chosen"]
    assert [(curve.name, curve.printed) for curve in panel.curves] == [
        ("reward_chosen", "r_chosen"),
        ("reward_rejected", "r_rejected"),
    ]


def test_without_epoch_and_step_the_rows_are_counted():
    panel = drawn([{"loss": 1.0}, {"eval_loss": 2.0}, {"loss": 0.5}])["loss"]
    assert panel.place == "row"
    assert [curve.places for curve in panel.curves] == [[0, 2], [1]]


@pytest.mark.parametrize("last", [math.nan, math.inf, 1.0])
def test_an_epoch_that_is_no_place_does_not_count(last):
    panel = drawn([{"epoch": 1, "step": 5, "loss": 1.0}, {"epoch": last, "step": 6, "loss": 0.9}])["loss"]
    assert (panel.place, panel.curves[0].places) == ("step", [5, 6])


def test_nan_and_infinity_are_not_drawn():
    values = [1.0, math.nan, math.inf, 0.5]
    (curve,) = drawn([{"step": n, "loss": value} for n, value in enumerate(values)])["loss"].curves
    assert (curve.places, curve.values) == ([0, 3], [1.0, 0.5])


def test_of_a_long_log_the_spike_and_both_ends_stay():
    values = [1.0 + n / 1e6 for n in range(20_000)]
    values[7_777] = 50.0
    (curve,) = drawn([{"step": n, "loss": value} for n, value in enumerate(values)])["loss"].curves
    assert len(curve.values) <= MOST_POINTS and max(curve.values) == 50.0
    assert (curve.places[0], curve.places[-1]) == (0, 19_999) and curve.places == sorted(curve.places)


def test_what_the_strongest_finding_looked_at_comes_first():
    log = parse([{"loss": 0.6, "accuracy": 0.6, "margin": n, "logps_chosen": -n, "grad_norm": 0} for n in range(9)])
    assert panels(log)[0].curves[0].name == "loss"
    found = panels(log, asked=[["grad_norm"], ["margin"]])
    assert [panel.curves[0].name for panel in found] == ["grad_norm", "margin", "loss", "accuracy"]
    assert len(found) == MOST_PANELS


def test_a_finding_names_what_its_rule_looked_at():
    found = diagnose(RISING)
    assert found.names[0] == "wrong-way update"
    assert "loss" in found.findings[0].metrics and "grad_norm" not in found.findings[0].metrics
    assert found.panels[0].curves[0].name == "loss"
