from pathlib import Path

import pytest
from pydantic import ValidationError

from rlhf_lessons.world.cases import EGFR_VALUES
from rlhf_lessons.world.formulary import DISCLAIMER, DOSES, VERDICTS, load_facts, load_reasons

HEADER = "drug,drug_class,situation,verdict,reason,advice,figure,source"
GOOD_ROW = "metformin,biguanide,egfr <30,avoid,lactic_acidosis,insulin,,FDA label Glucophage"
VERDICT_WORDS = {"avoid", "reduce", "safe", "fine", "dose", "percent", "use"}


def formulary_file(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "formulary.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def reasons_file(folder: Path, *rows: str) -> Path:
    path = folder / "reasons.csv"
    path.write_text("\n".join(["reason,phrase_1,phrase_2", *rows]) + "\n", encoding="utf-8")
    return path


def test_every_drug_has_every_renal_band():
    bands = {"egfr <30", "egfr 30-59", "egfr >=60"}
    for drug in {fact.drug for fact in load_facts()}:
        assert bands <= {fact.situation for fact in load_facts() if fact.drug == drug}, drug


def test_every_drug_belongs_to_one_class():
    assert len({(fact.drug, fact.drug_class) for fact in load_facts()}) == len({fact.drug for fact in load_facts()})


def test_every_fact_has_a_source_and_a_known_reason():
    for fact in load_facts():
        assert len(fact.source.split()) >= 2, fact
        assert fact.reason in load_reasons(), fact


def test_advice_goes_with_the_verdict():
    for fact in load_facts():
        if fact.verdict == "safe":
            assert fact.advice == "", fact
        elif fact.verdict == "reduce":
            assert fact.advice in DOSES, fact
        else:
            assert fact.advice.isalpha(), fact
            assert fact.advice not in (fact.drug, fact.situation), fact


def test_every_reason_is_given_by_some_fact():
    assert {fact.reason for fact in load_facts()} == set(load_reasons())


def test_every_verdict_has_several_reasons():
    for verdict in VERDICTS:
        assert len({fact.reason for fact in load_facts() if fact.verdict == verdict}) >= 5


def test_no_reason_phrase_is_part_of_another():
    phrases = [f" {phrase} " for reason in load_reasons().values() for phrase in reason.phrases]
    for place, phrase in enumerate(phrases):
        assert not any(phrase in other for other in phrases[:place] + phrases[place + 1 :]), phrase


def test_reason_phrases_are_few_simple_words_and_give_no_verdict():
    words = {word for reason in load_reasons().values() for phrase in reason.phrases for word in phrase.split()}
    assert len(words) <= 70
    assert not words & VERDICT_WORDS


def test_facts_and_reasons_cannot_be_changed():
    with pytest.raises(ValidationError):
        load_facts()[0].verdict = "safe"
    with pytest.raises(TypeError):
        load_reasons()["bleeding"] = load_reasons()["sedation"]


def test_disclaimer_says_it_is_not_advice():
    assert "not medical advice" in DISCLAIMER


def test_a_good_file_is_read(tmp_path):
    (fact,) = load_facts(formulary_file(tmp_path, GOOD_ROW))
    assert (fact.drug, fact.situation, fact.verdict, fact.advice) == (
        "metformin",
        "egfr <30",
        "avoid",
        "insulin",
    )


@pytest.mark.parametrize(
    ("field", "old", "new"),
    [
        ("verdict", "avoid", "perhaps"),
        ("reason", "lactic_acidosis", "bad_luck"),
        ("advice", "insulin", ""),
        ("advice", "insulin", "50"),
        ("situation", "egfr <30", "egfr 28"),
        ("source", "FDA label Glucophage", ""),
        ("drug", "metformin", "Metformin"),
        ("drug_class", "biguanide", ""),
    ],
)
def test_a_bad_value_is_named_with_its_row_and_field(tmp_path, field, old, new):
    path = formulary_file(tmp_path, GOOD_ROW.replace("<30", ">=60"), GOOD_ROW.replace(old, new))
    with pytest.raises(ValueError, match=rf"formulary\.csv, row 3: {field}: '{new}' is not allowed; it must match"):
        load_facts(path)


@pytest.mark.parametrize(("verdict", "advice"), [("reduce", "60"), ("reduce", ""), ("safe", "insulin")])
def test_advice_that_contradicts_the_verdict_is_refused(tmp_path, verdict, advice):
    row = f"metformin,biguanide,pregnancy,{verdict},lactic_acidosis,{advice},,NICE NG3"
    with pytest.raises(ValueError, match=f"row 2: advice: '{advice}'"):
        load_facts(formulary_file(tmp_path, row))


@pytest.mark.parametrize(("verdict", "advice", "figure"), [("reduce", "50", ""), ("safe", "", "source")])
def test_a_percentage_and_nothing_else_says_whether_its_source_gives_it(tmp_path, verdict, advice, figure):
    row = f"metformin,biguanide,pregnancy,{verdict},lactic_acidosis,{advice},{figure},NICE NG3"
    with pytest.raises(ValueError, match=f"row 2: figure: '{figure}'"):
        load_facts(formulary_file(tmp_path, row))


def test_the_course_asks_only_at_values_where_every_source_agrees():
    """Metformin is halved under 45, atenolol up to 35, spironolactone under 50; apixaban ends at 15."""
    assert all(15 <= value < 30 for value in EGFR_VALUES["egfr <30"])
    assert all(35 < value < 45 for value in EGFR_VALUES["egfr 30-59"])
    assert all(value >= 60 for value in EGFR_VALUES["egfr >=60"])


@pytest.mark.parametrize(
    ("drug", "situation", "verdict", "reason", "advice"),
    [
        ("metformin", "egfr 30-59", "reduce", "accumulation", "50"),
        ("gabapentin", "egfr <30", "reduce", "accumulation", "25"),
        ("gabapentin", "egfr 30-59", "reduce", "accumulation", "50"),
        ("apixaban", "clarithromycin", "safe", "small_link", ""),
        ("lisinopril", "spironolactone", "reduce", "hyperkalaemia", "50"),
        ("spironolactone", "enalapril", "reduce", "hyperkalaemia", "50"),
    ],
)
def test_facts_that_were_once_wrong(drug, situation, verdict, reason, advice):
    (fact,) = (fact for fact in load_facts() if (fact.drug, fact.situation) == (drug, situation))
    assert (fact.verdict, fact.reason, fact.advice) == (verdict, reason, advice)


def test_some_percentages_are_the_source_s_and_some_are_ours():
    figures = {(fact.drug, fact.situation): fact.figure for fact in load_facts()}
    assert figures["gabapentin", "egfr <30"] == "source"
    assert figures["lisinopril", "spironolactone"] == "teaching"


def test_a_fact_given_twice_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"row 3: situation: 'egfr <30' .* appear once for metformin"):
        load_facts(formulary_file(tmp_path, GOOD_ROW, GOOD_ROW))


def test_missing_columns_and_values_are_refused(tmp_path):
    with pytest.raises(ValueError, match="row 1: columns"):
        load_facts(formulary_file(tmp_path, GOOD_ROW, header="drug,verdict"))
    with pytest.raises(ValueError, match=r"row 2: row: .* have 8 values"):
        load_facts(formulary_file(tmp_path, "metformin,biguanide"))


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ("Bad Key,blood clots less,bleeding risk rises", "reason"),
        ("bleeding,blood,bleeding risk rises", "phrase_1"),
        ("bleeding,blood clots less,Bleeding rises", "phrase_2"),
    ],
)
def test_a_bad_reason_is_refused(tmp_path, row, field):
    with pytest.raises(ValueError, match=rf"reasons\.csv, row 2: {field}"):
        load_reasons(reasons_file(tmp_path, row))


def test_a_reason_given_twice_is_refused(tmp_path):
    row = "bleeding,blood clots less,bleeding risk rises"
    with pytest.raises(ValueError, match="row 3: reason: 'bleeding'"):
        load_reasons(reasons_file(tmp_path, row, row))
