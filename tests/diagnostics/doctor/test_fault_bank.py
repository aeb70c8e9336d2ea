"""The doctor against the fault bank: seeds 0 to 4 were not looked at when its thresholds were set."""

import pytest

from rlhf_lessons.diagnostics.doctor.fault_bank import FAULTS, Patient, diagnose_patient, make_fault, mystery_patient
from rlhf_lessons.diagnostics.findings import HEALTHY

SEEDS = range(5)


def test_there_are_twelve_faults():
    assert len(FAULTS) == 12


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_the_doctor_names_the_planted_cause(name):
    named = [diagnose_patient(make_fault(name, seed)).names[0] for seed in SEEDS]
    assert named == [name] * len(SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_healthy_patients_are_healthy_and_called_so(seed):
    report = diagnose_patient(make_fault(HEALTHY, seed))
    assert report.examination.pairs.accuracy.value >= 0.85
    assert report.names == (HEALTHY,) and report.ready_for_ppo


def test_a_patient_tells_neither_its_name_nor_its_learning_rate():
    patient = make_fault(HEALTHY)
    assert set(vars(patient)) == {"model", "train_pairs", "test_pairs", "history"} == set(Patient.__annotations__)
    assert "learning_rate" not in patient.history.latest


def test_the_same_seed_gives_the_same_patient():
    first, second = (mystery_patient(3) for _ in range(2))
    assert list(first.history) == list(second.history)
    assert first.score(first.test_pairs.chosen).equal(second.score(second.test_pairs.chosen))


def test_an_unknown_fault_is_refused():
    with pytest.raises(ValueError, match="name: 'gremlins' is not allowed; it must be one of wrong-way update"):
        make_fault("gremlins")
