"""The fault bank: what is planted, and whether the doctor finds it.

Over seeds 0 to 9, each measurement that decides a finding of `NAMED_FIRST` is exact or at least 4.5 standard deviations
from its threshold. (For one seed, two threads instead of one move it by under a thousandth. Only the learning rate that
is too high makes a training chaotic.) The other faults have a measurement nearer to its threshold, so their patients
are asked only for what they show clearly; that the doctor names these faults is shown in `test_checks` on logs and
scores by hand. `make verify` counts over seeds how often each fault is named.
"""

import pytest

from rlhf_lessons.diagnostics.bars import READY_ACCURACY
from rlhf_lessons.diagnostics.doctor import causes, checks, symptoms
from rlhf_lessons.diagnostics.doctor.fault_bank import FAULTS, Patient, diagnose_patient, make_fault, mystery_patient
from rlhf_lessons.diagnostics.findings import HEALTHY
from rlhf_lessons.diagnostics.logs.trends import change

NAMED_FIRST = (
    *(causes.WRONG_WAY, causes.DRIFT, causes.SATURATED, causes.NORMALISED, causes.LARGE_HEAD),
    *(causes.READ_OUT, causes.IDENTICAL, causes.LENGTH, causes.LEAK),
)


@pytest.fixture
def report(patient):
    return lambda name: diagnose_patient(patient(name))


def test_there_are_twelve_faults():
    assert len(FAULTS) == 12


@pytest.mark.parametrize("name", NAMED_FIRST)
def test_the_doctor_names_the_planted_cause(report, name):
    assert report(name).names[0] == name and not report(name).ready_for_ppo


def test_a_healthy_patient_ranks_new_pairs_well_and_knows_how_sure_to_be(report):
    e = report(HEALTHY).examination
    assert e.pairs.accuracy.interval.low > READY_ACCURACY
    assert e.ece < symptoms.LARGEST_ECE


def test_inverted_labels_are_learned_and_lead_the_wrong_way(patient, report):
    inverted, healthy = patient(causes.INVERTED).train_pairs, patient(HEALTHY).train_pairs
    assert inverted.chosen.tokens.equal(healthy.rejected.tokens)
    assert inverted.rejected.tokens.equal(healthy.chosen.tokens)
    e = report(causes.INVERTED).examination
    assert e.pairs.accuracy.interval.high < 0.5 < e.train.accuracy.interval.low


def test_too_small_a_learning_rate_moves_nothing_though_there_is_a_gradient(report):
    e = report(causes.RATE_LOW).examination
    assert abs(change(e.log.values("loss"))) < checks.LARGEST_STANDSTILL
    assert e.gradients.largest_gradient.max() > checks.SMALLEST_GRADIENT


def test_the_faults_of_an_update_begin_as_a_healthy_patient_does(patient):
    """The first loss is measured before the first step, so these four share it to the last digit."""
    first = {name: patient(name).history.records[0]["loss"] for name in (*FAULTS, HEALTHY)}
    same = (causes.WRONG_WAY, causes.DRIFT, causes.RATE_HIGH, causes.RATE_LOW)
    assert [first[name] for name in same] == [first[HEALTHY]] * 4


def test_a_patient_tells_neither_its_name_nor_its_learning_rate(patient):
    shown = patient(HEALTHY)
    assert set(vars(shown)) == {"model", "train_pairs", "test_pairs", "history"} == set(Patient.__annotations__)
    assert "learning_rate" not in shown.history.latest


def test_the_same_seed_gives_the_same_patient():
    first, second = (mystery_patient(3) for _ in range(2))
    assert list(first.history) == list(second.history)
    assert first.score(first.test_pairs.chosen).equal(second.score(second.test_pairs.chosen))


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="name: 'gremlins' is not allowed; it must be one of wrong-way update"):
        make_fault("gremlins")
