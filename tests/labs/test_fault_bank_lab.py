import html
import re
from collections import Counter
from string import ascii_uppercase

import pytest

from rlhf_lessons.diagnostics.doctor.fault_bank import RECIPES
from rlhf_lessons.diagnostics.doctor.signs import CONFUSIONS, SIGNS, suspects
from rlhf_lessons.diagnostics.findings import HEALTHY
from rlhf_lessons.labs import fault_bank as lab

pytestmark = pytest.mark.slow
WRONG_WAY, HEALTHY_ONE = "K", "L"  # two patients by what ails them; the first test below holds it


def test_each_half_of_the_bank_has_every_condition_once():
    planted = {patient: lab.planted_in(patient) for patient in ascii_uppercase}
    assert planted[WRONG_WAY] == "wrong-way update" and planted[HEALTHY_ONE] == HEALTHY
    for half in (ascii_uppercase[:13], ascii_uppercase[13:]):
        assert Counter(planted[patient] for patient in half) == Counter(list(RECIPES))


def shown_text(case: lab.ExaminedPatient) -> str:
    return f"{lab.verdict(case)} {lab.text(case)}".lower()


@pytest.mark.parametrize("patient", [WRONG_WAY, HEALTHY_ONE])
@pytest.mark.parametrize("consult", [lab.NOBODY, "the laboratory", "the doctor"])
def test_nothing_gives_the_answer_away_before_a_guess(patient, consult):
    case = lab.compute(patient, consult=consult)
    words = shown_text(case).replace("healthy\n", "\n")  # the heading of the laboratory's column
    assert not [name for name in RECIPES if name in words]
    assert case.report.verdict.lower() not in words


def test_a_colleague_names_three_and_the_planted_one_is_among_them():
    for patient in ascii_uppercase:
        planted = lab.planted_in(patient)
        three = suspects(planted, ascii_uppercase.index(patient))
        assert len(set(three)) == 3 and planted in three and three == sorted(three)
    look_alikes = [guess for planted, guess in CONFUSIONS if planted == "inverted labels"]
    assert look_alikes and set(look_alikes) < set(suspects("inverted labels", 0))
    words = shown_text(lab.compute(WRONG_WAY, consult="a colleague"))
    assert [name for name in SIGNS if name in words] and "wrong-way update" in words


def test_a_right_guess_is_told_with_its_evidence():
    case = lab.compute(WRONG_WAY, "wrong-way update", "the doctor")
    assert case.is_named
    assert re.match(r"Right: wrong-way update; each step climbs.* The evidence: .*\d\.\d", lab.verdict(case))
    assert lab.verdict(lab.compute(HEALTHY_ONE, HEALTHY)).startswith("Right: healthy; nothing is wrong.")


@pytest.mark.parametrize("guess", [name for name in RECIPES if name != "wrong-way update"])
def test_a_wrong_guess_is_told_what_to_look_at_and_not_the_answer(guess):
    words = lab.verdict(lab.compute(WRONG_WAY, guess))
    assert words.startswith("Not yet. ") and words.endswith("?")
    assert "wrong-way" not in words


def test_after_a_guess_the_doctor_says_all_that_its_report_says():
    for patient in (WRONG_WAY, HEALTHY_ONE):
        case = lab.compute(patient, "inverted labels", "the doctor")
        _, conclusion = lab.text(case).split("The doctor concludes")
        assert "".join(conclusion.split()) == "".join(str(case.report).split())


def test_the_laboratory_tells_every_measurement():
    case = lab.compute(WRONG_WAY, consult="the laboratory")
    words = lab.text(case)
    for what, row in case.report.table().iterrows():
        assert re.search(
            rf"^  {re.escape(what)} +{re.escape(row.value)} +{re.escape(row.healthy)}$", words, re.MULTILINE
        )


def test_a_patient_is_examined_once():
    assert lab.compute(WRONG_WAY).report is lab.compute(WRONG_WAY, "healthy").report


@pytest.mark.parametrize("patient", ["D", WRONG_WAY, HEALTHY_ONE])  # D's rewards are constant
def test_the_picture_is_drawn_and_labelled(patient):
    canvas = lab.LAB.canvas()
    canvas.begin()
    lab.draw(lab.compute(patient), canvas)
    canvas.render()
    for ax in canvas.panels:
        assert ax.get_xlabel() and ax.get_ylabel() and ax.get_title(loc="left")
        assert any(line.get_visible() and len(line.get_xdata()) > 1 for line in ax.lines)


def test_the_histograms_hold_every_answer_and_every_pair():
    case, canvas = lab.compute(HEALTHY_ONE), lab.LAB.canvas()
    canvas.begin()
    lab.draw(case, canvas)
    canvas.render()
    n = len(case.report.examination.pairs)
    for panel, names in ((3, ("chosen", "rejected")), (4, ("margins",))):
        lines = {line.get_label(): line for line in canvas.panels[panel].lines}
        for name in names:
            assert sum(lines[name].get_ydata()[1:-1:2]) == n


def test_the_question_is_answered_by_the_first_loss():
    question = lab.LAB.question
    case = lab.compute(HEALTHY_ONE)
    assert question.answer(case) == case.log[0]["loss"] and case.log[0]["step"] == 1


def test_a_guess_and_a_consultation_end_with_their_patient():
    panel = lab.show(patient=WRONG_WAY)
    panel.controls["guess"].selector.value = "wrong-way update"
    panel.controls["consult"].selector.value = "the doctor"
    assert "The doctor concludes" in panel.text.value
    panel.controls["patient"].selector.value = "D"
    assert panel.settings == {"patient": "D", "guess": lab.NOT_YET, "consult": lab.NOBODY}
    assert panel.result.patient == "D" and "Make a guess." in panel.sentence
    assert "doctor" not in panel.text.value


def test_first_guesses_are_counted_and_later_ones_are_not():
    panel = lab.show(patient=WRONG_WAY)
    assert "first guess" not in panel.sentence
    panel.controls["guess"].selector.value = "inverted labels"
    assert "Named at your first guess: 0 of 1." in panel.sentence
    panel.controls["guess"].selector.value = "wrong-way update"
    assert "Named at your first guess: 0 of 1." in panel.sentence
    panel.controls["patient"].selector.value = HEALTHY_ONE
    panel.controls["guess"].selector.value = HEALTHY
    assert "Named at your first guess: 1 of 2." in panel.sentence
    assert "first guess" not in lab.show(patient=WRONG_WAY).sentence, "each lab on the screen counts for itself"


def test_presets_show_solved_cases_and_do_not_count():
    panel = lab.show(patient="D")
    panel.controls["consult"].selector.value = "the doctor"
    for changes in lab.LAB.presets.values():
        panel.set(**(panel.first_settings | changes))
        assert panel.result.is_named and "The doctor concludes" in panel.text.value
        assert "first guess" not in panel.sentence


def test_surprise_tells_nothing():
    panel = lab.show(patient=WRONG_WAY, guess="wrong-way update", consult="the doctor")
    panel.surprise()
    assert panel.settings["guess"] == lab.NOT_YET and panel.settings["consult"] == lab.NOBODY


def test_the_code_line_gives_the_same_result():
    panel = lab.show(patient=HEALTHY_ONE, guess="length shortcut")
    scope: dict = {}
    exec(html.unescape(re.sub("<[^>]*>", "", panel.code.value)), scope)
    assert scope["result"] == panel.result
