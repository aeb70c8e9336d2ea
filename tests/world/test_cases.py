from collections import Counter
from dataclasses import replace

import pytest

from rlhf_lessons.world.cases import EGFR_VALUES, SPLITS, all_cases, case_of, cases_in, split_of

SOURCE_TOPICS = {
    "gabapentin with egfr 28 ?": "reduce",
    "warfarin with ibuprofen ?": "avoid",
    "metformin with egfr 28 ?": "avoid",
    "lisinopril with spironolactone ?": "reduce",
    "codeine with cyp2d6 poor metaboliser ?": "avoid",
    "lisinopril with pregnancy ?": "avoid",
    "simvastatin with grapefruit ?": "avoid",
    "lithium with level 2.1 ?": "avoid",
    "amitriptyline with old age ?": "avoid",
    "clarithromycin with long qt ?": "avoid",
    "sertraline with sudden stop ?": "avoid",
    "ibuprofen with egfr 28 ?": "avoid",
    "lamotrigine with new rash ?": "avoid",
    "theophylline with level 25 ?": "avoid",
    "cefalexin with penicillin anaphylaxis ?": "avoid",
    "simvastatin with muscle pain ?": "avoid",
    "metformin with glucose 126 ?": "safe",
    "warfarin with st johns wort ?": "avoid",
    "paracetamol with cirrhosis ?": "reduce",
    "diazepam with polypharmacy ?": "avoid",
    "metformin with cirrhosis ?": "avoid",
    "amoxicillin with penicillin anaphylaxis ?": "avoid",
}


@pytest.mark.parametrize(("prompt", "verdict"), SOURCE_TOPICS.items())
def test_topics_of_the_source_document_are_cases(prompt, verdict):
    assert case_of(prompt).verdict == verdict


def test_metformin_by_kidney_function():
    prompts = [f"metformin with egfr {value} ?" for value in (16, 28, 36, 42, 75, 95)]
    assert [case_of(prompt).verdict for prompt in prompts] == ["avoid"] * 2 + ["reduce"] * 2 + ["safe"] * 2
    assert case_of("metformin with egfr 28 ?").reason == "lactic_acidosis"
    assert case_of("metformin with egfr 42 ?").advice == "50"


def test_a_renal_band_becomes_one_case_for_each_value():
    values = [value for pair in EGFR_VALUES.values() for value in pair]
    for drug in {case.drug for case in all_cases()}:
        renal = {case.situation for case in all_cases() if case.drug == drug and case.situation.startswith("egfr")}
        assert renal == {f"egfr {value}" for value in values}, drug


def test_size_and_verdict_shares():
    shares = {verdict: n / len(all_cases()) for verdict, n in Counter(c.verdict for c in all_cases()).items()}
    assert 550 <= len(all_cases()) <= 700
    assert shares["avoid"] == pytest.approx(0.30, abs=0.05)
    assert shares["reduce"] == pytest.approx(0.25, abs=0.05)
    assert shares["safe"] == pytest.approx(0.45, abs=0.05)


def test_neither_drug_nor_common_situation_gives_the_verdict_away():
    for drug in {case.drug for case in all_cases()}:
        assert len({case.verdict for case in all_cases() if case.drug == drug}) >= 2, drug
    for situation in ("egfr 20", "egfr 42", "old age", "cirrhosis", "clarithromycin", "polypharmacy"):
        verdicts = {case.verdict for case in all_cases() if case.situation == situation}
        assert verdicts == {"avoid", "reduce", "safe"}, situation


def test_prompts_are_unique_lower_case_words():
    prompts = [case.prompt for case in all_cases()]
    assert len(set(prompts)) == len(prompts)
    for prompt in prompts:
        assert prompt == " ".join(prompt.lower().split())
        assert prompt.endswith(" ?")


def test_case_of_finds_every_case_and_names_an_unknown_prompt():
    assert all(case_of(case.prompt) == case for case in all_cases())
    with pytest.raises(ValueError, match="prompt: 'tea with milk \\?' is not allowed"):
        case_of("tea with milk ?")


def test_an_interaction_asked_both_ways_round_has_one_answer():
    by_prompt = {case.prompt: case for case in all_cases()}
    both_ways = [(c, by_prompt.get(f"{c.situation} with {c.drug} ?")) for c in all_cases()]
    pairs = [(case, mirror) for case, mirror in both_ways if mirror]
    assert pairs
    for case, mirror in pairs:
        assert (case.verdict, case.reason) == (mirror.verdict, mirror.reason), case.prompt


def test_the_alternative_is_never_contraindicated_itself():
    verdicts = {case.prompt: case.verdict for case in all_cases()}
    for case in all_cases():
        if case.verdict == "avoid":
            asked = (case.advice, case.situation), (case.drug, case.advice), (case.advice, case.drug)
            answers = {verdicts.get(f"{first} with {second} ?") for first, second in asked}
            assert "avoid" not in answers, case.prompt


def test_splits_are_disjoint_and_complete():
    prompts = [case.prompt for split in SPLITS for case in cases_in(split)]
    assert sorted(prompts) == sorted(case.prompt for case in all_cases())
    assert all(split_of(case) == split for split in SPLITS for case in cases_in(split))


def facts_in(*splits: str) -> set[frozenset[str]]:
    return {case.fact for split in splits for case in cases_in(split)}


def test_alignment_never_sees_a_fact_that_is_far():
    assert not facts_in("train", "near") & facts_in("tuning", "held_out")
    assert not facts_in("tuning") & facts_in("held_out")


def test_every_near_case_has_a_trained_twin_and_every_such_fact_holds_one_back():
    assert facts_in("near") <= facts_in("train")
    several = {fact for fact, n in Counter(c.fact for c in all_cases()).items() if n > 1}
    near = Counter(case.fact for case in cases_in("near"))
    assert near == {fact: 1 for fact in facts_in("train") & several}


def test_a_fact_is_a_drug_and_a_band_or_an_interaction_in_either_order():
    assert case_of("metformin with egfr 20 ?").fact == case_of("metformin with egfr 28 ?").fact
    assert case_of("metformin with egfr 20 ?").fact != case_of("metformin with egfr 75 ?").fact
    assert case_of("warfarin with ibuprofen ?").fact == case_of("ibuprofen with warfarin ?").fact
    for case in all_cases():
        twins = [other for other in all_cases() if other.fact == case.fact]
        assert {(twin.verdict, twin.reason) for twin in twins} == {(case.verdict, case.reason)}


def test_splits_are_stratified_by_verdict():
    totals = Counter(case.verdict for case in all_cases())
    for splits, share in {("train", "near"): 0.65, ("tuning",): 0.1, ("held_out",): 0.25}.items():
        counts = Counter(case.verdict for split in splits for case in cases_in(split))
        for verdict, total in totals.items():
            assert counts[verdict] / total == pytest.approx(share, abs=0.03), (splits, verdict)


def test_cases_of_one_renal_band_have_one_truth():
    for case in all_cases():
        for values in EGFR_VALUES.values():
            if case.situation in {f"egfr {value}" for value in values}:
                twins = [case_of(f"{case.drug} with egfr {value} ?") for value in values]
                assert {(twin.verdict, twin.reason, twin.advice) for twin in twins} == {
                    (case.verdict, case.reason, case.advice)
                }


def test_unknown_splits_and_cases_are_refused():
    with pytest.raises(
        ValueError, match="split: 'test' is not allowed; it must be one of train, near, tuning, held_out"
    ):
        cases_in("test")
    with pytest.raises(ValueError, match="prompt: 'tea with old age \\?'"):
        split_of(replace(case_of("metformin with old age ?"), drug="tea"))
