"""The table counts what a reader says, shown on readers whose answers are known."""

import pytest

from rlhf_lessons.diagnostics.findings import Diagnosis, Finding
from tools.simulated_logs import KINDS, __main__
from tools.simulated_logs.planted import ANY, EARLY, HEALTHY, SICK, Planted
from tools.simulated_logs.rates import HELD_OUT, TUNING, Rates, measure, right, seeds, summary

OVERFIT = Finding("overfit", "the held-out loss rises")
SLOW = Finding("slow", "the loss hardly moves")


def planted(state: str = SICK, words: tuple[str, ...] = ("overfit",), runs: int = 4, name: str = "x/y") -> Planted:
    return Planted(name, lambda rng: [{"loss": float(rng.random())}], ("reward_model",), state, words, runs)


def diagnosis(*findings: Finding, state: str = "sick") -> Diagnosis:
    return Diagnosis(findings, "", False, "reward_model", state)  # type: ignore[arg-type]


def test_a_reader_is_counted_by_its_first_finding_and_by_all():
    rates = Rates(planted())
    for said in (diagnosis(OVERFIT, SLOW), diagnosis(SLOW, OVERFIT), diagnosis(SLOW), diagnosis(state="healthy")):
        rates.add(0, said)
    assert str(rates) == "| x/y | 4 | 1 | 0 | 3 | 1 | 2 | 4 |"
    assert [miss.split(": ", 1)[1] for miss in rates.misses] == [str(SLOW), str(SLOW), "no finding"]


def test_words_are_looked_for_in_name_and_evidence_and_not_in_other_causes():
    elsewhere = Finding("slow", "the loss hardly moves", alternatives=("overfit pairs",))
    assert not right(planted(), diagnosis(elsewhere))
    assert right(planted(words=("held-out loss",)), diagnosis(OVERFIT))


def test_a_word_is_found_where_it_begins_and_may_be_a_regular_expression():
    assumed = Finding("ceiling", "69 % is assumed")
    assert not right(planted(words=("sum",)), diagnosis(assumed))
    assert right(planted(words=("ceil.{0,20}69",)), diagnosis(assumed))


@pytest.mark.parametrize(
    ("state", "said", "expected"),
    [
        (HEALTHY, diagnosis(state="healthy"), True),
        (HEALTHY, diagnosis(SLOW, state="cannot tell"), True),
        (HEALTHY, diagnosis(OVERFIT), False),
        (EARLY, diagnosis(OVERFIT, state="cannot tell"), True),
        (EARLY, diagnosis(OVERFIT), False),
        (ANY, diagnosis(OVERFIT, state="healthy"), True),
        (SICK, diagnosis(OVERFIT, state="cannot tell"), False),
    ],
)
def test_what_is_right_follows_from_the_planted_state(state, said, expected):
    assert right(planted(state), said) is expected


def test_tuning_never_sees_a_held_out_seed():
    for kind in KINDS.values():
        assert max(seeds(kind, held_out=False)) < TUNING <= HELD_OUT <= min(seeds(kind, held_out=True))
        assert len(seeds(kind, held_out=True)) == kind.runs


def test_every_run_of_a_kind_is_read_once():
    read = []

    def reader(records):
        read.append(records[0]["loss"])
        return diagnosis(OVERFIT)

    (rates,) = measure(reader, [planted(runs=6)], held_out=True)
    assert (rates.runs, rates.first, len(set(read))) == (6, 6, 6)


def test_the_summary_adds_up_false_alarms_and_names_weak_kinds():
    well, ill = Rates(planted(HEALTHY, ())), Rates(planted(name="x/ill"))
    for said in (diagnosis(SLOW), diagnosis(state="healthy")):
        well.add(0, said)
        ill.add(0, said)
    assert summary([well, ill]).splitlines() == [
        "x: 1 false alarms in 2 runs.",
        "Faults named first: 0 of 2.",
        "Sick runs called healthy: 1.",
        "Under 90 %: x/ill 0 of 2.",
    ]


@pytest.mark.parametrize(
    ("arguments", "refusal"),
    [
        (["unheard"], "kind: 'unheard' is not allowed"),
        (["--show", "rm", "1"], "kind: 'rm' is not allowed"),
        (["--show", "rm/overfit", "1000"], "seed: '1000' is not allowed; it must be a whole number from 0 to 99"),
        (["--held-out", "--misses"], "misses: True is not allowed"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(arguments, refusal, capsys):
    assert __main__.main(arguments) == 2
    shown = capsys.readouterr().err
    assert shown.startswith(refusal)
    assert shown.count("\n") == 1


def test_the_command_prints_a_row_a_kind(capsys, monkeypatch):
    monkeypatch.setattr(__main__, "KINDS", {"x/y": planted(), "z/y": planted(name="z/y")})
    monkeypatch.setattr(__main__, "diagnose", lambda records: diagnosis(OVERFIT))
    assert __main__.main(["x"]) == 0
    printed = capsys.readouterr().out
    assert "| x/y | 4 | 0 | 0 | 4 | 4 | 4 | 4 |" in printed
    assert "z/y" not in printed
