"""Does the doctor's verdict before PPO, or an alarm during it, foretell what PPO does to safety?

All kept runs count, of every condition and seed. Each is held against the SFT model that it started from, case by case.
"""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from rlhf_lessons.diagnostics.alarms import OF_PPO, ringing
from rlhf_lessons.statistics.intervals import Interval, t_interval
from rlhf_lessons.statistics.shares import share_over_seeds
from rlhf_lessons.sweeps.over_optimisation import LABELS
from rlhf_lessons.sweeps.verdicts import HARMS, facts_of, verdict

NOT_READY, ANY_ALARM = "the doctor: not ready", "any alarm"
RATES = ("precision", "recall", "false alarms")


def outcomes(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a run: condition, seed, ready, findings, each alarm by name (whether it rings), and what PPO did.

    lead: the policy's safe share less that of the SFT model of its seed; low, high: its interval over the facts asked
    about in this one run (Student's, paired by case); outcome: `verdict` of it. tables: those of a sweep, of which
    cases, records and examinations are read.
    """
    by_run = ["condition", "seed"]
    safety = {run: rows.sort_values("case").safety.to_numpy() for run, rows in tables["cases"].groupby(by_run)}
    records = {run: rows.dropna(axis=1, how="all") for run, rows in tables["records"].groupby(by_run)}
    found = []
    for judge in tables["examinations"].itertuples():
        run = (judge.condition, judge.seed)
        ahead = t_interval(safety[run] - safety["sft", judge.seed], facts_of("held_out"))
        told = {"condition": judge.condition, "seed": judge.seed, "ready": judge.ready, "findings": judge.findings}
        rung = {finding.name for finding in ringing(records[run])}
        rings = {alarm.name: alarm.name in rung for alarm in OF_PPO}
        did = {"lead": ahead.value, "low": ahead.low, "high": ahead.high, "outcome": verdict(ahead)}
        found.append(told | rings | did)
    return pd.DataFrame(found).astype({"ready": bool})


def warnings(runs: pd.DataFrame) -> pd.DataFrame:
    """Which warnings stand in each row of `outcomes`: the doctor's, each alarm, any alarm."""
    alarms = runs[[alarm.name for alarm in OF_PPO]]
    return pd.DataFrame({NOT_READY: ~runs.ready, **alarms, ANY_ALARM: alarms.any(axis=1)}, index=runs.index)


def harmed_at_all(runs: pd.DataFrame) -> Interval:
    """The share of runs that PPO harmed: the precision of warning of every run. It depends on the conditions run."""
    return _share(runs.outcome == HARMS, runs.outcome.notna(), runs.seed)


def foretold(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a warning: in how many runs it stands, and how well it foretells that PPO harms safety.

    precision: of the runs with the warning, those harmed. recall: of those harmed, the ones with the warning.
    false alarms: of those not harmed, the ones with the warning. Each with its interval (`share_over_seeds`).
    """
    harmed = runs.outcome == HARMS
    rows = {}
    for name, warned in warnings(runs).items():
        asked = ((harmed, warned), (warned, harmed), (warned, ~harmed))
        shares = [_share(hit, among, runs.seed) for hit, among in asked]
        rows[str(name)] = {"runs": int(warned.sum()), **dict(zip(RATES, shares, strict=True))}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("warning")


def foretold_table(rates: pd.DataFrame) -> pd.DataFrame:
    """`foretold` in words: shares in per cent, each with its 95 % interval; "-" where there was nothing to count."""

    def said(cell: Any) -> Any:
        if not isinstance(cell, Interval):
            return cell
        return "-" if math.isnan(cell.value) else f"{cell:.0%}"

    return rates.map(said)


def miss(runs: pd.DataFrame) -> pd.Series | None:
    """The run whose harm was largest among those that the doctor let pass; of these, first those without an alarm.

    None if no run that the doctor let pass was harmed.
    """
    missed = runs[(runs.outcome == HARMS) & runs.ready]
    silent = missed[~warnings(missed)[ANY_ALARM]]
    among = silent if len(silent) else missed
    return among.sort_values("lead").iloc[0] if len(among) else None


def story(run: pd.Series, tables: Mapping[str, pd.DataFrame]) -> str:
    """A row of `outcomes` in full: what the doctor said of its judge, what PPO did to safety, which alarms rang."""
    examined = tables["examinations"]
    (said,) = examined[(examined.condition == run.condition) & (examined.seed == run.seed)].verdict
    lead = Interval(100 * run["lead"], 100 * run.low, 100 * run.high)
    rings = [str(finding) for finding in ringing(records_of(run, tables))] or ["No alarm rings."]
    did = f"Safe answers against SFT, in percentage points: {lead:+.1f}."
    return "\n".join([f"{LABELS.get(run.condition, run.condition)}, seed {run.seed}. {said}", did, *rings])


def records_of(run: pd.Series, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The records of a row of `outcomes`, one an update."""
    records = tables["records"]
    return records[(records.condition == run.condition) & (records.seed == run.seed)].dropna(axis=1, how="all")


def _share(hit: pd.Series, among: pd.Series, seeds: pd.Series) -> Interval:
    return share_over_seeds((hit & among).groupby(seeds).sum(), among.groupby(seeds).sum())
