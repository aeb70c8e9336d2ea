"""Each alarm is quiet on a run in order, and rings on the run it was made for, at the right update."""

import pandas as pd
import pytest

from rlhf_lessons.diagnostics.alarms import ALARMS, COLLAPSE, SHIFT, WEAK_SIGNAL, dashboard, ringing, rules
from rlhf_lessons.stages.history import History
from rlhf_lessons.stages.metrics import METRICS

UPDATES = 50
IN_ORDER = {
    "kl": 1.0, "entropy": 0.4, "response_length": 11.5, "ended": 1.0, "clip_fraction": 0.02, "approx_kl": 0.005,
    "explained_variance": 0.6,
}  # fmt: skip


def run(**changes) -> list[dict[str, float]]:
    """A healthy run's records; each change is a metric with a value, or a function of the update."""
    curves = IN_ORDER | {"score": lambda u: 0.5 * u / UPDATES, "sample_accuracy": lambda u: 0.95} | changes
    records = []
    for update in range(1, UPDATES + 1):
        values = {name: curve(update) if callable(curve) else curve for name, curve in curves.items()}
        if update != 1 and update % 10:
            del values["sample_accuracy"]
        records.append({"step": update, **values})
    return records


def names(records) -> list[str]:
    return [finding.name for finding in ringing(records)]


def test_a_run_in_order_is_quiet():
    assert names(run()) == []
    assert names(History(run())) == []


@pytest.mark.parametrize(
    ("name", "changes", "update"),
    [
        (WEAK_SIGNAL, {"sample_accuracy": lambda u: 0.7, "score": lambda u: 0.0 if u <= 20 else 1.0}, 22),
        (WEAK_SIGNAL, {"sample_accuracy": lambda u: 0.7, "score": lambda u: 0.5 * min(u - 1, 4) / 4}, 6),  # early climb
        (SHIFT, {"kl": lambda u: 0.15 * u, "sample_accuracy": lambda u: 0.95 if u == 1 else 0.75}, 13),
        (COLLAPSE, {"sample_accuracy": 0.4, "score": lambda u: 5.0 if u <= 30 else 4.0}, 32),
        (COLLAPSE, {"sample_accuracy": 0.4, "entropy": lambda u: 0.4 if u <= 20 else 0.0}, 24),
        ("falling score", {"score": lambda u: 5.0 if u <= 30 else 4.0}, 32),
        ("far away", {"kl": lambda u: 20.0 if u >= 40 else 1.0}, 42),
        ("no variety", {"entropy": 0.05}, 5),
        ("length", {"response_length": lambda u: 11.5 if u <= 10 else 3.0}, 12),
        ("length", {"response_length": lambda u: 11.5 if u <= 10 else 16.0}, 14),
        ("no end", {"ended": 0.9}, 5),
        ("clipping", {"clip_fraction": 0.3}, 5),
        ("long steps", {"approx_kl": 0.08}, 5),
        ("lost critic", {"explained_variance": lambda u: -4.0}, 11),
    ],
)
def test_it_rings_for_its_fault_and_says_since_when(name, changes, update):
    found = {finding.name: str(finding) for finding in ringing(run(**changes))}
    assert name in found
    assert f"from update {update} on" in found[name]


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        (WEAK_SIGNAL, {"sample_accuracy": lambda u: 0.7, "score": 0.0}),  # weak, but nothing follows it
        (WEAK_SIGNAL, {"sample_accuracy": lambda u: 0.9}),
        (SHIFT, {"kl": lambda u: 0.15 * u}),  # far, but the judge keeps up
        (SHIFT, {"sample_accuracy": lambda u: 0.95 if u == 1 else 0.6}),  # near: only harder comparisons
        ("falling score", {"score": lambda u: 0.5 + 0.1 * (u % 2)}),  # noise
        (COLLAPSE, {"sample_accuracy": 0.4}),  # a coin, but nothing broke yet
        (COLLAPSE, {"entropy": 0.0}),  # broken, but not for the judge's sake
        ("lost critic", {"explained_variance": lambda u: -4.0 if u <= 5 else 0.5}),  # it starts from nothing
    ],
)
def test_half_of_a_sign_is_not_enough(name, changes):
    assert name not in names(run(**changes))


def test_a_metric_that_was_not_recorded_keeps_its_alarms_quiet():
    records = [{key: value for key, value in r.items() if key != "sample_accuracy"} for r in run(kl=20.0)]
    assert names(records) == ["far away"]
    assert names([]) == []


def test_a_run_of_few_updates_is_read_as_it_is():
    assert "far away" in names(run(kl=20.0)[:3])


def test_no_alarm_reads_the_truth():
    assert not {"gold_score", "gold_sd", "safety"} & {metric for alarm in ALARMS for metric in alarm.metrics}


def test_every_alarm_has_its_reasons_and_the_three_challenges_their_claims():
    assert all(alarm.rule and alarm.why and set(alarm.metrics) <= set(METRICS) for alarm in ALARMS)
    assert list(rules().index) == [alarm.name for alarm in ALARMS] and rules().notna().all().all()
    claims = {alarm.name: alarm.claim for alarm in ALARMS if alarm.claim}
    assert claims == {WEAK_SIGNAL: "C24", SHIFT: "C25", COLLAPSE: "C26"}


def test_the_dashboard_explains_every_metric_and_names_its_alarm():
    shown = dashboard(run(kl=20.0))
    assert set(shown.index) == {"step", *IN_ORDER, "score", "sample_accuracy"}
    assert shown.loc["kl", "alarm"] == "far away" and shown.loc["entropy", "alarm"] == "quiet"
    assert shown.loc["kl", "formula"] == METRICS["kl"].formula and shown.loc["score", "last"] == pytest.approx(0.5)


def test_a_frame_of_records_will_do_too():
    assert names(pd.DataFrame(run(ended=0.5))) == ["no end"]
