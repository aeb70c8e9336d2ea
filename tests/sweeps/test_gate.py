"""What the doctor's verdict and the alarms foretell, on made-up runs of which every number is known."""

import numpy as np
import pandas as pd
import pytest

from rlhf_lessons import keys, plots
from rlhf_lessons.diagnostics.alarms import COLLAPSE, OF_PPO
from rlhf_lessons.diagnostics.reward_report import reward_report
from rlhf_lessons.keys import Key
from rlhf_lessons.sweeps import examinations, gate, policy_runs, selection
from rlhf_lessons.sweeps.verdicts import HARMS, HELPS, UNCLEAR
from rlhf_lessons.world.cases import cases_in

QUIET = {"score": 0.1, "entropy": 0.4, "approx_kl": 0.001, "sample_accuracy": 0.9}
SICK = QUIET | {"sample_accuracy": 0.4, "entropy": 0.01}
N_CASES = len(cases_in("held_out"))
SAFE = {"sft": 0.5, "good": 0.95, "same": 0.51, "bad": 0.1, "sly": 0.25}  # shares of safe answers to each case
SEEDS = range(4)


def tables() -> dict[str, pd.DataFrame]:
    """The judges of `good`, `same` and `sly` pass the doctor; the alarms ring in `bad`, and in one run of `same`."""
    cases, records, examinations = [], [], []
    for seed in SEEDS:
        for condition, safe in SAFE.items():
            safety = safe + 0.1 * (-1.0) ** np.arange(N_CASES) * (condition == "same")
            one = pd.DataFrame({"safety": safety, "case": range(N_CASES)})
            cases.append(one.assign(condition=condition, seed=seed))
            if condition != "sft":
                sick = condition == "bad" or (condition, seed) == ("same", 0)
                run = pd.DataFrame({"step": range(1, 21), **(SICK if sick else QUIET)})
                records.append(run.assign(condition=condition, seed=seed))
                told = {"ready": condition != "bad", "findings": "length" if condition == "bad" else "healthy"}
                examinations.append({"condition": condition, "seed": seed, **told})
    return {"cases": pd.concat(cases), "records": pd.concat(records), "examinations": pd.DataFrame(examinations)}


@pytest.fixture(scope="module")
def runs():
    return gate.outcomes(tables())


def test_a_run_is_held_against_the_sft_model_of_its_seed(runs):
    assert len(runs) == 16
    told = runs.groupby("condition").outcome.unique().map(list).to_dict()
    assert told == {"good": [HELPS], "same": [UNCLEAR], "bad": [HARMS], "sly": [HARMS]}
    assert runs.groupby("condition")["lead"].first().to_dict() == pytest.approx(
        {"good": 0.45, "same": 0.01, "bad": -0.4, "sly": -0.25}
    )
    assert (runs[runs.condition == "same"].low < 0).all() and (runs.low <= runs["lead"] + 1e-9).all()
    assert runs[runs[COLLAPSE]].condition.tolist().count("bad") == 4 and runs[COLLAPSE].sum() == 5


def test_precision_recall_and_false_alarms_are_counted_over_all_runs(runs):
    rates = gate.foretold(runs)
    assert list(rates.index) == [gate.NOT_READY, *[alarm.name for alarm in OF_PPO], gate.ANY_ALARM]
    values = {name: tuple(one.value for one in rates.loc[name, list(gate.RATES)]) for name in rates.index}
    assert values[gate.NOT_READY] == (1.0, 0.5, 0.0) and values[COLLAPSE] == (0.8, 0.5, 0.125)
    assert rates.runs[gate.NOT_READY] == 4 and rates.runs[gate.ANY_ALARM] == 5
    assert gate.harmed_at_all(runs).value == 0.5
    assert rates.loc[gate.NOT_READY, "precision"].low == pytest.approx(0.5101, abs=1e-4)  # Wilson: 4 of 4 seeds
    false = rates.loc[COLLAPSE, "false alarms"]
    assert false.low == 0 and 0.25 <= false.high <= 0.5  # the one seed in four that rings is drawn 0 to 3 times or more


def test_the_rates_in_words_and_as_a_picture(runs):
    rates = gate.foretold(runs)
    words = gate.foretold_table(rates)
    assert words.loc["falling score", "precision"] == "-" and words.loc[COLLAPSE, "precision"].startswith("80% (")
    assert f"{COLLAPSE} precision 80%, recall 50%, false alarms 12%" in plots.foretold(rates).alt


def test_the_miss_is_the_worst_silent_run_that_the_doctor_let_pass(runs):
    missed = gate.miss(runs)
    assert missed.condition == "sly" and not missed[gate.warnings(runs).columns[1:-1].tolist()].any()
    louder = runs.copy()
    louder.loc[(runs.condition == "sly") & (runs.seed != 2), COLLAPSE] = True
    louder.loc[(runs.condition == "sly") & (runs.seed == 1), "lead"] = -0.9
    assert gate.miss(louder).seed == 2, "a silent one goes before a worse one that rang"
    louder.loc[runs.condition == "sly", COLLAPSE] = True
    assert gate.miss(louder).seed == 1
    assert gate.miss(runs[runs.condition != "sly"]) is None


def test_a_run_is_told_in_full(runs):
    made = tables()
    made["examinations"]["verdict"] = made["examinations"].condition + " passes."
    lines = gate.story(gate.miss(runs), made).splitlines()
    assert lines[0] == "sly, seed 0. sly passes." and lines[2:] == ["No alarm rings."]
    assert lines[1].startswith("Safe answers against SFT, in percentage points: -25.0 (-25.0 to -25.0).")
    bad = runs[(runs.condition == "bad") & (runs.seed == 3)].iloc[0]
    assert any(line.startswith("Reward collapse: from update") for line in gate.story(bad, made).splitlines())
    assert len(gate.records_of(bad, made)) == 20


def test_a_change_of_the_doctor_asks_for_new_examinations_and_for_no_new_run():
    doctor = "rlhf_lessons.diagnostics.reward_report.conclude"
    runs = (policy_runs.train_and_judge, policy_runs.RunSettings, selection.curves, selection.cases)
    assert doctor in reached(examinations.examine) and doctor not in reached(*runs)


def reached(*starts) -> set[str]:
    return keys.reached_from(Key.of("x", {}, starts).starts)


def test_a_new_form_of_log_asks_for_no_new_examination():
    readers = {name for name in reached(examinations.examine) if ".logs.readers." in name or ".logs.parsing." in name}
    assert not readers
    assert "rlhf_lessons.diagnostics.logs.parsing.parse" in reached(reward_report)
