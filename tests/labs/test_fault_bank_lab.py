import math
import re
from collections import Counter
from string import ascii_uppercase

import pytest

from rlhf_lessons.diagnostics.doctor.fault_bank import RECIPES
from rlhf_lessons.diagnostics.doctor.signs import CONFUSIONS, SIGNS, suspects
from rlhf_lessons.diagnostics.findings import HEALTHY
from rlhf_lessons.labs import fault_bank as lab
from rlhf_lessons.labs.frame.clinic import ClinicPanel
from rlhf_lessons.labs.frame.gauges import TESTS, log_place

pytestmark = pytest.mark.slow
# Four patients by what ails them; the first test below holds it.
WRONG_WAY, HEALTHY_ONE, CONSTANT, LENGTH = "K", "L", "D", "B"


def test_each_half_of_the_bank_has_every_condition_once():
    planted = {patient: lab.planted_in(patient) for patient in ascii_uppercase}
    assert planted[WRONG_WAY] == "wrong-way update" and planted[HEALTHY_ONE] == HEALTHY
    assert planted[CONSTANT] == "normalisation after the head" and planted[LENGTH] == "length shortcut"
    for half in (ascii_uppercase[:13], ascii_uppercase[13:]):
        assert Counter(planted[patient] for patient in half) == Counter(list(RECIPES))


def shown_text(case: lab.ExaminedPatient) -> str:
    return f"{lab.verdict(case)} {lab.counsel(case)} {lab.text(case)}".lower()


@pytest.mark.parametrize("patient", [WRONG_WAY, HEALTHY_ONE])
@pytest.mark.parametrize("consult", [lab.NOBODY, lab.DOCTOR])
def test_nothing_gives_the_answer_away_before_a_submission(patient, consult):
    case = lab.compute(patient, consult=consult)
    words = shown_text(case)
    assert not [name for name in RECIPES if name in words]
    assert case.report.verdict.lower() not in words


def test_no_gauge_names_a_condition():
    for name, test in TESTS.items():
        gauge = test.read(lab.compute(WRONG_WAY).report)
        words = " ".join([name, test.about, *(mark.text for mark in gauge.marks), gauge.words.removeprefix("healthy:")])
        assert not [condition for condition in RECIPES if condition in words]


def test_a_colleague_names_three_and_the_planted_one_is_among_them():
    for patient in ascii_uppercase:
        planted = lab.planted_in(patient)
        three = suspects(planted, ascii_uppercase.index(patient))
        assert len(set(three)) == 3 and planted in three and three == sorted(three)
    look_alikes = [guess for planted, guess in CONFUSIONS if planted == "inverted labels"]
    assert look_alikes and set(look_alikes) < set(suspects("inverted labels", 0))
    case = lab.compute(WRONG_WAY, consult=lab.COLLEAGUE)
    three = suspects("wrong-way update", ascii_uppercase.index(WRONG_WAY))
    assert [name for name in SIGNS if name in lab.counsel(case)] == [name for name in SIGNS if name in three]
    assert all(SIGNS[name] in re.sub(r"\s+", " ", lab.text(case)) for name in three)


def test_the_right_diagnosis_is_told_with_its_evidence():
    case = lab.compute(WRONG_WAY, "wrong-way update")
    verdict = lab.verdict(case)
    assert case.is_named and verdict.word == "right: wrong-way update" and verdict.mood == "good"
    assert re.match(r"Each step climbs.* The evidence: .*\d\.\d", verdict.sentence)
    assert lab.verdict(lab.compute(HEALTHY_ONE, HEALTHY)).word == "right: healthy"


@pytest.mark.parametrize("diagnosis", [name for name in RECIPES if name != "wrong-way update"])
def test_a_wrong_diagnosis_is_told_what_to_look_at_and_not_the_answer(diagnosis):
    verdict = lab.verdict(lab.compute(WRONG_WAY, diagnosis))
    assert verdict.word == "not yet" and verdict.sentence.endswith("?")
    assert "wrong-way" not in verdict.sentence and "*" not in verdict.sentence


def test_after_a_submission_the_doctor_says_all_that_its_report_says():
    for patient in (WRONG_WAY, HEALTHY_ONE):
        case = lab.compute(patient, "inverted labels", lab.DOCTOR)
        _, conclusion, measured, _ = re.split("The doctor concludes|The doctor measured|Training log", lab.text(case))
        assert "".join(conclusion.split()) == "".join(str(case.report).split())
        for what, row in case.report.table().iterrows():
            line = rf"^  {re.escape(what)} +{re.escape(row.value)} +{re.escape(row.healthy)}$"
            assert re.search(line, measured, re.MULTILINE)
        assert all(name in lab.counsel(case) for name in case.report.names)


def test_a_patient_is_trained_and_examined_once():
    assert lab.compute(WRONG_WAY).report is lab.compute(WRONG_WAY, "healthy").report


def drawn(patient: str, canvas):
    canvas.begin()
    lab.draw(lab.compute(patient), canvas)
    return canvas.render()


@pytest.mark.parametrize("patient", [CONSTANT, WRONG_WAY, HEALTHY_ONE])
def test_the_picture_is_drawn_and_labelled(patient):
    canvas = lab.LAB.canvas()
    drawn(patient, canvas)
    assert len(canvas.panels) == 4
    for ax in canvas.panels:
        assert ax.get_xlabel() and ax.get_title(loc="left")
        assert any(line.get_visible() and len(line.get_xdata()) > 1 for line in ax.lines)


def test_a_picture_does_not_depend_on_who_was_seen_before():
    alone = drawn(HEALTHY_ONE, lab.LAB.canvas())
    canvas = lab.LAB.canvas()
    for patient in (CONSTANT, WRONG_WAY, "A"):
        drawn(patient, canvas)
    assert drawn(HEALTHY_ONE, canvas) == alone


def test_the_histograms_hold_every_answer():
    case, canvas = lab.compute(HEALTHY_ONE), lab.LAB.canvas()
    drawn(HEALTHY_ONE, canvas)
    lines = {line.get_label(): line for line in canvas.panels[3].lines}
    for name in ("chosen", "rejected"):
        assert sum(lines[name].get_ydata()[1:-1:2]) == len(case.report.examination.pairs)


def test_the_question_is_answered_by_the_first_loss():
    question = lab.LAB.question
    case = lab.compute(HEALTHY_ONE)
    assert question.answer(case) == case.log[0]["loss"] and case.log[0]["step"] == 1


# The gauges.


def outside(patient: str) -> set[str]:
    """The tests of a patient with a mark out of the healthy band."""
    gauges = {name: test.read(lab.compute(patient).report) for name, test in TESTS.items()}
    places = {
        name: (gauge.band, [mark.at for mark in gauge.marks if mark.at is not None]) for name, gauge in gauges.items()
    }
    return {name for name, ((low, high), marks) in places.items() if any(not low <= at <= high for at in marks)}


def test_a_healthy_patient_is_within_all_healthy_bands():
    assert outside(HEALTHY_ONE) == set()


@pytest.mark.parametrize(
    ("planted", "tests"),
    [
        ("wrong-way update", {"accuracy"}),
        ("common-mode drift", {"drift, margin"}),
        ("inverted labels", {"accuracy"}),
        ("normalisation after the head", {"gradients", "head at 0"}),
        ("saturated head", {"gradients", "head at 0"}),
        ("read-out off the last token", {"last token"}),
        ("identical pairs", {"same twice"}),
        ("length shortcut", {"length"}),
        ("train-test leak", {"seen before"}),
    ],
)
def test_a_fault_is_outside_the_band_of_its_test(planted, tests):
    for patient in ascii_uppercase:
        if lab.planted_in(patient) == planted:
            assert tests <= outside(patient)


def test_a_gauge_shows_what_the_reports_table_says():
    report = lab.compute(LENGTH).report
    table = report.table()
    accuracy = TESTS["accuracy"].read(report)
    assert [mark.text for mark in accuracy.marks] == [
        f"own {report.examination.train.accuracy.value:.0%}", f"new {report.examination.pairs.accuracy.value:.0%}"
    ]  # fmt: skip
    for test in TESTS.values():
        assert test.read(report).words == f"healthy: {table.healthy[test.row]}"
        assert all(mark.at is None or 0 <= mark.at <= 1 for mark in test.read(report).marks)


def test_saturation_and_normalisation_part_where_the_head_is_moved():
    moved = {lab.planted_in(patient): TESTS["head at 0"].read(lab.compute(patient).report).marks[1] for patient in "DJ"}
    assert moved["normalisation after the head"].at == 0 and moved["saturated head"].at > 0.5


def test_what_was_not_measured_has_no_mark():
    identical = next(patient for patient in ascii_uppercase if lab.planted_in(patient) == "identical pairs")
    assert [mark.at for mark in TESTS["length"].read(lab.compute(identical).report).marks] == [None, None]


def test_a_logarithmic_strip_ends_where_it_ends():
    assert log_place(0.0, 1e-3, 1e3) == log_place(1e-9, 1e-3, 1e3) == 0 and log_place(1e9, 1e-3, 1e3) == 1
    assert math.isclose(log_place(1.0, 1e-3, 1e3), 0.5)


# The clinic, as the page works it.


def does(panel: ClinicPanel, do: str, **given) -> None:
    panel.receive({"do": do, "n": panel.stage.state["answered"] + 1, **given})
    assert panel.stage.state["message"] == "" and not panel.stage.errors


def go(panel: ClinicPanel, patient: str) -> None:
    does(panel, "move", knob="patient", place=ascii_uppercase.index(patient))


def submit(panel: ClinicPanel, diagnosis: str) -> None:
    does(panel, "move", knob="diagnosis", place=panel.controls["diagnosis"].stops.index(diagnosis))


def consult(panel: ClinicPanel, who: str) -> None:
    does(panel, "move", knob="consult", place=panel.controls["consult"].stops.index(who))


def marks(panel: ClinicPanel) -> dict[str, str]:
    found = zip(ascii_uppercase, panel.stage.state["knobs"]["patient"]["marks"], strict=True)
    return {patient: mark for patient, mark in found if mark}


def test_the_page_gets_a_ward_a_submission_and_tests():
    spec = lab.show(patient=HEALTHY_ONE).stage.spec
    assert {knob["name"]: knob["kind"] for knob in spec["knobs"]} == {
        "patient": "tiles", "diagnosis": "submit", "consult": "tiles"
    }  # fmt: skip
    assert [test["name"] for test in spec["tests"]] == list(TESTS)


def test_a_test_shows_its_gauge_once_it_is_ordered():
    panel = lab.show(patient=HEALTHY_ONE)
    assert set(panel.stage.state["tests"].values()) == {None}
    does(panel, "order", test="calibration")
    does(panel, "order", test="calibration")
    found = {name: gauge for name, gauge in panel.stage.state["tests"].items() if gauge}
    assert list(found) == ["calibration"] and found["calibration"]["words"].startswith("healthy: under")
    panel.receive({"do": "order", "test": "blood count"})
    assert "blood count" in panel.stage.state["message"] and "calibration" in panel.stage.state["message"]


def test_tests_and_diagnosis_stay_with_their_patient():
    panel = lab.show(patient=WRONG_WAY)
    does(panel, "order", test="accuracy")
    submit(panel, "inverted labels")
    consult(panel, lab.DOCTOR)
    go(panel, CONSTANT)
    assert panel.settings == {"patient": CONSTANT, "diagnosis": lab.NOT_YET, "consult": lab.NOBODY}
    assert set(panel.stage.state["tests"].values()) == {None} and panel.verdict.word == "open case"
    assert panel.stage.state["knobs"]["consult"]["note"] == "" and "doctor" not in panel.stage.state["text"]
    go(panel, WRONG_WAY)
    assert panel.settings["diagnosis"] == "inverted labels" and panel.verdict.word == "not yet"
    assert panel.stage.state["tests"]["accuracy"]


def test_only_the_first_submission_of_a_patient_counts():
    panel = lab.show(patient=WRONG_WAY)
    assert panel.score == "" and marks(panel) == {}
    does(panel, "order", test="accuracy")
    does(panel, "order", test="calibration")
    submit(panel, "inverted labels")
    assert panel.score == "Named at first submission: 0 of 1, with 2.0 tests each."
    does(panel, "order", test="length")
    submit(panel, "wrong-way update")
    assert panel.verdict.mood == "good"
    assert panel.score == "Named at first submission: 0 of 1, with 2.0 tests each."
    go(panel, HEALTHY_ONE)
    does(panel, "order", test="accuracy")
    submit(panel, HEALTHY)
    assert panel.stage.state["knobs"]["patient"]["note"] == panel.score
    assert panel.score == "Named at first submission: 1 of 2, with 1.5 tests each."
    assert marks(panel) == {WRONG_WAY: "missed", HEALTHY_ONE: "solved"}
    assert lab.show(patient=WRONG_WAY).score == "", "each lab on the screen counts for itself"


def test_what_somebody_else_told_does_not_count():
    panel = lab.show(patient=CONSTANT)
    for name, changes in lab.LAB.presets.items():
        does(panel, "preset", name=name)
        assert panel.verdict.mood == "good" and "The doctor concludes" in panel.stage.state["text"]
        submit(panel, "length shortcut")
        submit(panel, changes["diagnosis"])
    assert panel.score == "" and marks(panel) == {}


def test_reset_forgets_no_submission():
    panel = lab.show(patient=WRONG_WAY)
    submit(panel, "inverted labels")
    go(panel, HEALTHY_ONE)
    does(panel, "reset")
    assert panel.settings["patient"] == WRONG_WAY and panel.settings["diagnosis"] == "inverted labels"
    assert marks(panel) == {WRONG_WAY: "missed"}


def test_surprise_is_another_patient_without_a_diagnosis():
    panel = lab.show(patient=WRONG_WAY, diagnosis="wrong-way update", consult=lab.DOCTOR)
    for patient in ascii_uppercase:
        if patient not in (WRONG_WAY, CONSTANT):
            panel.charts[patient] = type(panel.chart)(said=HEALTHY)
    does(panel, "surprise")
    assert panel.settings == {"patient": CONSTANT, "diagnosis": lab.NOT_YET, "consult": lab.NOBODY}


def test_a_pinned_patient_stays_in_grey_and_no_other():
    panel = lab.show(patient=WRONG_WAY)
    go(panel, HEALTHY_ONE)
    assert not any(panel.canvas._ghosts)
    does(panel, "pin")
    go(panel, CONSTANT)
    assert any(panel.canvas._ghosts)


def test_the_other_patients_are_made_ready_once_somebody_looks(monkeypatch):
    panel = lab.show(patient=CONSTANT)
    asked = []
    monkeypatch.setattr(type(panel), "_prepare", lambda self: asked.append(self))
    does(panel, "place", width=600, height=400)
    does(panel, "place", width=700, height=400)
    panel.preparing.join()
    assert asked == [panel]


def test_neighbours_are_made_ready_first_and_pictures_before_tests(monkeypatch):
    panel = lab.show(patient="C")
    seen = []
    monkeypatch.setattr(lab, "_case", lambda planted, seed: seen.append(ascii_uppercase[seed]) or lab.Case(None))
    monkeypatch.setattr(lab.Case, "report", property(lambda self: seen.append("report")))
    panel._prepare()
    trained, examined = seen[:26], seen[26:]
    assert trained[0] == "C" and set(trained[1:3]) == {"B", "D"} and sorted(trained) == list(ascii_uppercase)
    assert examined == [each for patient in trained for each in (patient, "report")]


def test_getting_others_ready_waits_while_the_learner_does(monkeypatch):
    panel, idle = lab.show(patient=CONSTANT), []
    monkeypatch.setattr(panel, "tell", lambda **_: idle.append(panel._idle.is_set()))
    panel.receive({"do": "skip"})
    assert idle and not any(idle) and panel._idle.is_set()


def test_the_code_line_gives_the_same_result():
    panel = lab.show(patient=HEALTHY_ONE, diagnosis="length shortcut")
    scope: dict = {}
    exec(panel.stage.state["code"], scope)
    assert scope["result"] == panel.result
