"""A head that learns from the learner's own labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from rlhf_lessons import files
from rlhf_lessons.real.features import features
from rlhf_lessons.real.head import fit
from rlhf_lessons.real.model import Messages, RealModel
from rlhf_lessons.statistics.shares import Share

FEWEST, FOLDS, PENALTY = 20, 5, 0.1


def told(model: RealModel | None, path: Path) -> str:
    """What a head on a real model makes of the labels in a file of TRL's form, as a sentence.

    Raises ValueError for a file that is not of that form.
    """
    lines = files.read_text(path).splitlines() if path.exists() else []
    rows = [files.parse_json(line, repr(str(path))) for line in lines if line.strip()]
    if len(rows) < FEWEST:
        return f"You have labelled {len(rows)} pairs; a head needs {FEWEST} at least. The lab above adds to them."
    if model is None:
        return f"You have labelled {len(rows)} pairs. A head that learns from them needs a real model: `make real`."
    share = cross_validated(model, rows)
    return f"{share} of your {share.n} pairs are ranked as you did, each by a head that had not seen it."


def cross_validated(model: RealModel, rows: Sequence[Mapping[str, Messages]]) -> Share:
    """Pairs (`prompt`, `chosen`, `rejected`) ranked as they were labelled: each fifth by a head that saw the others."""
    chosen, rejected = (features(model, [row["prompt"] + row[side] for row in rows]) for side in ("chosen", "rejected"))
    folds, hits = torch.arange(len(rows)) % FOLDS, 0
    for fold in range(FOLDS):
        head = fit(chosen[folds != fold], rejected[folds != fold], PENALTY)
        hits += int((head(chosen[folds == fold]) > head(rejected[folds == fold])).sum())
    return Share(hits, len(rows))
