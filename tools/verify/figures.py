"""The README's figures, the doctor's and the kept runs', each remade and judged by its spread over seeds."""

from collections.abc import Sequence

import torch

from rlhf_lessons.diagnostics.doctor.fault_bank import FAULTS, diagnose_patient, make_fault
from rlhf_lessons.diagnostics.findings import HEALTHY
from rlhf_lessons.sweeps import comparison, gate, kept, methods, over_optimisation, verdicts
from rlhf_lessons.sweeps.policy_runs import policy_run
from rlhf_lessons.sweeps.quality import pretrained_quality, quality
from tools.verify import readme
from tools.verify.rows import EXACT, Row, compare, promise, spread_of_extreme, spread_of_mean, within

SEEDS = range(5)
STAGES = {
    name: [f"{stage}_{how}" for how in ("safe", "greedy", "best_of_4", "near")]
    for name, stage in {"SFT": "sft", "PPO": "ppo"}.items()
}
POLICIES = {
    "SFT, no PPO": "sft",
    "PPO, the document's failing program as judge": "broken",
    "PPO, judge of 20 pairs, no price on distance": "pairs_20_unpriced",
    "the same with a strong price": "pairs_20_strong_price",
    "PPO, full reward model of annotators who like long answers, no price": "biased",
    "PPO on the rubric itself": "gold_course_price",
}
WAYS = ("ppo", "rloo", "grpo", "dr_grpo", "dpo", "ipo", "distilled", "best_of_16")
WAYS_BY = ("safe to act on, %", "interval", "KL, nats")
LIVE_CONDITIONS, LIVE_SEEDS = ("full", "pairs_200_unpriced", "strong_price"), (0, 1, 2)
LIVE_MEASURES = {"safety": "safe answers", "gold_score": "gold score", "kl": "KL, nats"}


def stages(text: str, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """The README's first table of results, and what the course promises of every stage (C5, C21)."""
    where, measured = f"README, {readme.STAGES}", quality(seeds)
    rows = []
    for stage, cells in readme.table(text, readme.STAGES, STAGES).items():
        for column, cell in zip(STAGES[stage], cells, strict=True):
            values = (100 * measured[column]).tolist()
            mean, extremes = cell.rstrip(")").split(" (")
            low, high = extremes.split(" to ")
            rows += [
                compare(where, f"{column}, mean", mean, sum(values) / len(values), spread_of_mean(values), MEANS),
                compare(where, f"{column}, lowest", low, min(values), spread_of_extreme(values), EXTREMES),
                compare(where, f"{column}, highest", high, max(values), spread_of_extreme(values), EXTREMES),
            ]
    for column, mean in readme.sentence(text, readme.RANKS).items():
        values = (100 * measured[column]).tolist()
        rows.append(compare(where, f"{column}, mean", mean, sum(values) / len(values), spread_of_mean(values), MEANS))
    means = measured.mean()
    gap = {kind: means[f"best_possible_{kind}"] - means[f"reward_accuracy_{kind}"] for kind in ("curated", "sampled")}
    share, seconds = "{:.1%}", "{:.0f} s"
    return [
        *rows,
        promise("C21", "SFT policy safe, mean", share, means.sft_safe, 0.78, 0.86),
        promise("C21", "SFT policy safe, greedy, mean", share, means.sft_greedy, high=0.9),
        *(promise("C21", f"reward model under the best, {kind}", share, gap[kind], high=0.03) for kind in gap),
        promise("C21", "PPO policy safe, mean", share, means.ppo_safe, 0.94),
        promise("C21", "PPO policy safe, greedy, mean", share, means.ppo_greedy, 0.96),
        promise("C21", "PPO training, longest", seconds, measured.ppo_seconds.max(), high=120),
        *pretrained(text),
    ]


def pretrained(text: str) -> list[Row]:
    """The README's sentence on the pretrained model. Its spread was never measured: what C5 promises is allowed."""
    where, found, said = f"README, {readme.STAGES}", pretrained_quality(), readme.sentence(text, readme.PRETRAINED)
    greedy, sampled = (100 * found[f"pretrained_{how}"] for how in ("greedy", "safe"))
    return [
        within(where, "pretrained model safe, greedy", said["greedy"], greedy, 60, 85, "promised: at most 85 % (C5)"),
        within(where, "pretrained model safe, sampled", said["sampled"], sampled, 45, 65, "promised: 45 to 65 % (C5)"),
    ]


def policies(text: str) -> list[Row]:
    """The README's second table of results and its sentences on the kept runs, computed anew from the kept tables."""
    where, found = f"README, {readme.POLICIES}", kept.read(over_optimisation.NAME)
    cases, rows = found.tables["cases"], []
    for name, (mean, interval) in readme.table(text, readme.POLICIES, POLICIES).items():
        safe = verdicts.mean_of(cases, POLICIES[name])
        quoted = {"mean": mean, **dict(zip(("low", "high"), interval.split(" to "), strict=True))}
        remade = {"mean": safe.value, "low": safe.low, "high": safe.high}
        rows += [compare(where, f"{name}, {end}", quoted[end], 100 * remade[end], 0, EXACT) for end in quoted]
    runs = readme.sentence(text, readme.RUNS)["runs"]
    return [*rows, compare("README", "PPO runs kept", runs, len(found.tables["seconds"]), 0, EXACT), *gates(text)]


def ways(text: str) -> list[Row]:
    """The README's table of methods, a column each, computed anew from the kept tables."""
    where, found = f"README, {readme.WAYS}", kept.read(methods.NAME).tables
    cases, rows = comparison.with_choice(found, kept.read(over_optimisation.NAME).tables), []
    columns = zip(WAYS, *(readme.table(text, readme.WAYS, WAYS_BY)[row] for row in WAYS_BY), strict=True)
    for name, mean, interval, far in columns:
        low, high = interval.split(" to ")
        safe, kl = verdicts.mean_of(cases, name), verdicts.mean_of(cases, name, "kl")
        quoted = {"mean": (mean, safe.value), "low": (low, safe.low), "high": (high, safe.high)}
        rows += [compare(where, f"{name}, {end}", said, 100 * now, 0, EXACT) for end, (said, now) in quoted.items()]
        rows.append(compare(where, f"{name}, KL", far, kl.value, 0, EXACT))
    return rows


def gates(text: str) -> list[Row]:
    """What the doctor's verdicts before PPO foretold of the kept runs, against the README's sentence."""
    said, where = readme.sentence(text, readme.GATE), f"README, {readme.POLICIES}"
    runs = gate.outcomes(kept.read(over_optimisation.NAME).tables)
    doctor = gate.foretold(runs).loc[gate.NOT_READY]
    remade = {"harmed": gate.harmed_at_all(runs), "recall": doctor.recall, "precision": doctor.precision}
    return [compare(where, f"gate, {name}", said[name], 100 * one.value, 0, EXACT) for name, one in remade.items()]


def live(conditions: Sequence[str] = LIVE_CONDITIONS, seeds: Sequence[int] = LIVE_SEEDS) -> list[Row]:
    """Runs made now against the kept runs of the same seeds; another machine is like another seed."""
    cases, rows = kept.read(over_optimisation.NAME).tables["cases"], []
    torch.set_num_threads(1)  # as the kept runs were made; `surroundings` sets it back
    for name in conditions:
        runs = [policy_run(over_optimisation.CONDITIONS[name], seed).cases for seed in seeds]
        for measure, what in LIVE_MEASURES.items():
            by_seed = verdicts.matrix(cases, name, measure).mean(axis=1)
            now = sum(sum(run[measure]) / len(run[measure]) for run in runs) / len(runs)
            allowed = spread_of_mean(by_seed.tolist()) * (len(by_seed) / len(seeds)) ** 0.5
            quoted = f"{by_seed[list(seeds)].mean():.3f}"
            rows.append(compare(f"kept runs, {name}", f"{what}, seeds {list(seeds)}", quoted, now, allowed, LIVE))
    return rows


def doctor(seeds: Sequence[int] = SEEDS) -> list[Row]:
    """How many patients of each cause the doctor names first; its thresholds were set on other seeds."""
    rows = []
    for cause in (*FAULTS, HEALTHY):
        reports = [diagnose_patient(make_fault(cause, seed)) for seed in seeds]
        right = sum(report.names[0] == cause for report in reports)
        rows.append(promise("the doctor", f"{cause}: named first, of {len(seeds)}", "{:.0f}", right, len(seeds)))
    weakest = min(report.examination.pairs.accuracy.value for report in reports)
    ready = sum(report.ready_for_ppo for report in reports)
    return [
        *rows,
        promise("the doctor", f"healthy: ready for PPO, of {len(seeds)}", "{:.0f}", ready, len(seeds)),
        promise("the doctor", "healthy: pairs ranked right, lowest", "{:.1%}", weakest, 0.85),
    ]


MEANS = "4 standard errors of the difference of two means of five seeds"
EXTREMES = "4 standard deviations of five seeds"
LIVE = "4 standard errors of the difference of two means of so many seeds, from the spread of all kept seeds"
