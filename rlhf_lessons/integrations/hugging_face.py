"""The doctor's report on any reward model of Hugging Face transformers, and any pairs.

    report = examine("path/to/model", "pairs.jsonl", train="train.jsonl")
    print(report)

It needs nothing of the course's world. What it measures, and what it cannot:

- *position*: the model sees one answer at a time, so the order of the two in the file cannot sway it. What can is where
  a text ends and how it is padded: the same texts are scored alone, padded on either side, and at their last token
  (`read_out`), and a pair's mean reward is held against its length, which no pair shows, for it moves both answers.
- *length*: in tokens, within pairs: how far the longer answer is ahead, against by how many tokens it is longer.
- *near-duplicates*: prompts, or whole pairs, that share 80 % of their words with one of training.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from rlhf_lessons.diagnostics.bars import Bars
from rlhf_lessons.diagnostics.doctor import measures
from rlhf_lessons.diagnostics.doctor.examination import Examination
from rlhf_lessons.diagnostics.doctor.measures import ScoredPairs
from rlhf_lessons.diagnostics.findings import Finding
from rlhf_lessons.diagnostics.reward_report import RewardReport, conclude
from rlhf_lessons.integrations import read_out
from rlhf_lessons.integrations.judge import Judge, load
from rlhf_lessons.integrations.near_duplicates import has_near_duplicate
from rlhf_lessons.integrations.pairs import Pair, Source, read_pairs
from rlhf_lessons.integrations.report import ModelReport, Reading
from rlhf_lessons.statistics.shares import Share

BATCH_SIZE = 8
MOST_TRAIN = 1_000  # training pairs that are scored; all of them are searched for duplicates


def examine(
    model: str | Path,
    pairs: Source,
    train: Source | None = None,
    max_length: int | None = None,
    batch_size: int = BATCH_SIZE,
    ceiling: float | None = None,
) -> ModelReport:
    """Examine the reward model in a folder on held-out pairs.

    model: a folder with an `AutoModelForSequenceClassification` of one output and its tokenizer.
    pairs, train: held-out and training pairs, in a file or as records, as `pairs.read_pairs` takes them.
    max_length: how many tokens of a text are read; without it, what model and tokenizer allow.
    ceiling: the best possible accuracy on labels with noise, over 0.5 and at most 1.
    Raises ValueError, in one line, for a model or pairs that cannot be read and for a value out of its range.
    """
    bars = Bars(ceiling)
    for name, value in (("max_length", max_length), ("batch_size", batch_size)):
        if value is not None and value < 1:
            raise ValueError(f"{name}: {value} is not allowed; it must be 1 or more")
    held_out = read_pairs(pairs)
    training = [] if train is None else read_pairs(train, "train")
    judge = load(Path(model), max_length)
    reading = _read(judge, held_out)
    probed = read_out.probe(judge, reading.chosen, reading.rejected, batch_size)
    if probed.refusal:
        batch_size = 1
    scored = _score(judge, reading, batch_size, "pairs")
    extra: dict[str, Any] = {"bars": bars}
    near = _near_prompts(held_out, training) if training else None
    if training:
        sample = training[:: -(-len(training) // MOST_TRAIN)]
        scored_train = _score(judge, _read(judge, sample), batch_size, "training pairs")
        extra |= _beside_training(scored, scored_train, training)
    report = _with(read_out.faults(probed), conclude(_examination(scored, reading, extra)))
    return ModelReport(str(model), type(judge.model).__name__, judge.max_length, reading, report, probed, near)


def _read(judge: Judge, pairs: Sequence[Pair]) -> Reading:
    chosen, cut = zip(*(judge.tokens(pair.prompt, pair.chosen) for pair in pairs), strict=True)
    rejected, also_cut = zip(*(judge.tokens(pair.prompt, pair.rejected) for pair in pairs), strict=True)
    return Reading(pairs, chosen, rejected, Share(sum(cut) + sum(also_cut), 2 * len(pairs)))


def _score(judge: Judge, reading: Reading, batch_size: int, words: str) -> ScoredPairs:
    chosen, rejected = judge.score([*reading.chosen, *reading.rejected], batch_size, words).chunk(2)
    return ScoredPairs([pair.texts for pair in reading.pairs], chosen, rejected)


def _beside_training(scored: ScoredPairs, train: ScoredPairs, all_train: Sequence[Pair]) -> dict[str, Any]:
    known = [pair.texts for pair in all_train]
    twins = torch.tensor(has_near_duplicate([" ".join(t) for t in scored.texts], [" ".join(t) for t in known]))
    return {
        "train": train,
        "seen_pairs": measures.seen_pairs(scored.texts, known),
        "seen_prompts": measures.seen_prompts(scored.texts, known),
        "with_twin": scored.accuracy_where(twins),
        "without_twin": scored.accuracy_where(~twins),
    }


def _near_prompts(pairs: Sequence[Pair], train: Sequence[Pair]) -> Share:
    found = has_near_duplicate([pair.texts[0] for pair in pairs], [pair.texts[0] for pair in train])
    return Share(sum(found), len(found))


def _examination(scored: ScoredPairs, reading: Reading, extra: dict[str, Any]) -> Examination:
    bins = measures.reliability(scored)
    return Examination(
        pairs=scored,
        bins=bins,
        ece=measures.calibration_error(bins),
        length=measures.correlation(scored.margins, reading.leads.double()),
        hedging=float("nan"),
        longer_chosen=scored.accuracy_where(reading.leads > 0),
        shorter_chosen=scored.accuracy_where(reading.leads < 0),
        identical=reading.identical,
        shift=measures.shift_gradient(scored),
        **extra,
    )


def _with(faults: list[Finding], report: RewardReport) -> RewardReport:
    """The report with the faults of the read-out among its findings."""
    if not faults:
        return report
    others = report.findings if not report.ready_for_ppo else ()
    findings = sorted([*faults, *others], key=lambda finding: finding.strength, reverse=True)
    verdict = f"Ready for PPO: no, because the doctor found {findings[0].name}: {findings[0].evidence}."
    return replace(report, findings=tuple(findings), verdict=verdict, ready_for_ppo=False)
