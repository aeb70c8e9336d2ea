"""Read a training log of a reward model or a policy, and say what its numbers prove."""

from collections.abc import Iterable
from dataclasses import replace
from typing import get_args

from rlhf_lessons.diagnostics.bars import Bars
from rlhf_lessons.diagnostics.findings import CANNOT_TELL, PROMISING, Diagnosis, Finding, Kind, State
from rlhf_lessons.diagnostics.logs.beginnings import too_early
from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.curves import panels
from rlhf_lessons.diagnostics.logs.health import HEALTH
from rlhf_lessons.diagnostics.logs.kinds import kind_of
from rlhf_lessons.diagnostics.logs.missing import missing as to_log
from rlhf_lessons.diagnostics.logs.parsing import Source, split_stages
from rlhf_lessons.diagnostics.logs.rules import CERTAIN_AT_ONCE, RULES
from rlhf_lessons.refusals import check_choice


def diagnose(text_or_records: Source | Log, kind: Kind | None = None, ceiling: float | None = None) -> Diagnosis:
    """What a training log proves, the strongest evidence first.

    Takes text or bytes in any of the forms that trainers print (docs/formats.md), records such as a `History` or the
    `log_history` of a Hugging Face trainer, a data frame, or what `parse` made of one. kind: what sort of run it is,
    where the names do not say. ceiling: the best possible accuracy where labels are noisy, over 0.5 and at most 1; the
    bars follow it. Of a log that holds several runs, the diagnosis of all: its `runs` has one a run. A reward model is
    ready for PPO only if its log is healthy on held-out pairs and shows no fault. Raises ValueError for another kind or
    ceiling, and where nothing can be read.
    """
    runs = diagnose_all(text_or_records, kind, ceiling)
    return next(iter(runs.values())) if len(runs) == 1 else _together(runs)


def diagnose_all(source: Source | Log, kind: Kind | None = None, ceiling: float | None = None) -> dict[str, Diagnosis]:
    """As `diagnose`, one a run, by the name of the run or stage; "" for the only run of a log that names none."""
    if kind is not None:
        check_choice("kind", kind, get_args(Kind))
    bars = Bars(ceiling)
    logs = {"": source} if isinstance(source, Log) else split_stages(source)
    return {
        run: _diagnose(replace(log, bars=bars, reading=replace(log.reading, run=run)), kind)
        for run, log in logs.items()
    }


def _diagnose(log: Log, given: Kind | None) -> Diagnosis:
    kind, why = (given, f"Read as {given}, as asked.") if given else kind_of(log)
    log = replace(log, kind=kind, reading=replace(log.reading, kind=why))
    early = too_early(log)
    asked = [rule for rule in RULES.values() if kind in rule.kinds]
    found = [rule(log) for rule in asked if rule.early or not early]
    if early:
        remarks = (rule(log) for rule in asked if rule.code in CERTAIN_AT_ONCE)
        found += [replace(remark, grave=False) for remark in remarks if remark]
    findings = sorted(filter(None, found), key=lambda found: -found.strength)
    faults = [finding.name for finding in findings if finding.grave]
    if not faults:
        good, missing = HEALTH[kind](log, findings)
        missing = early or missing
        if good and not early:
            findings.append(replace(good, name=PROMISING) if missing else good)
        findings += [Finding(CANNOT_TELL, missing, strength=0.3)] if missing else []
    state: State = "sick" if faults else "cannot tell" if missing else "healthy"
    ready = kind == "reward_model" and state == "healthy"
    metrics = [finding.metrics for finding in sorted(findings, key=lambda found: not found.grave)]
    places = [finding.place for finding in findings if finding.step is not None]
    verdict = _verdict(kind, faults, "" if faults else missing)
    drawn = panels(log, metrics, places)
    more = to_log(log) if state == "cannot tell" else ()
    return Diagnosis(tuple(findings), verdict, ready, kind, state, log.reading, more, panels=drawn)


def _verdict(kind: Kind, faults: Iterable[str], missing: str) -> str:
    asked, yes, no = ("Ready for PPO: ", "yes", "no") if kind == "reward_model" else ("Verdict: ", "healthy", "sick")
    if faults:
        return f"{asked}{no}, because the log shows {' and '.join(faults)}."
    if missing:
        return f"{asked}{no if kind == 'reward_model' else 'open'}, because the log cannot tell: {missing}."
    if kind == "reward_model":
        return f"{asked}{yes}, because the model ranks held-out pairs well and the log shows no fault."
    return f"{asked}{yes}, because the log shows no fault."


def _together(runs: dict[str, Diagnosis]) -> Diagnosis:
    """The diagnosis of several runs: all findings, each with the name of its run; sick if one of them is."""
    findings = [replace(found, evidence=f"in {run}, {found.evidence}") for run in runs for found in runs[run].findings]
    findings.sort(key=lambda found: -found.strength)
    kinds = [diagnosis.kind for diagnosis in runs.values()]
    states = {diagnosis.state for diagnosis in runs.values()}
    state: State = "sick" if "sick" in states else "cannot tell" if "cannot tell" in states else "healthy"
    verdict = " ".join(f"{run}: {diagnosis.verdict}" for run, diagnosis in runs.items())
    ready = all(diagnosis.ready_for_ppo for diagnosis in runs.values())
    return Diagnosis(tuple(findings), verdict, ready, max(kinds, key=kinds.count), state, runs=runs)
