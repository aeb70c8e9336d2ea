"""What was found in a reward model of transformers: as sentences, as a table, as JSON."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch

from rlhf_lessons.diagnostics.bars import READY_ACCURACY
from rlhf_lessons.diagnostics.doctor import measures
from rlhf_lessons.diagnostics.findings import Finding, State
from rlhf_lessons.diagnostics.reward_report import RewardReport
from rlhf_lessons.integrations import read_out
from rlhf_lessons.integrations.pairs import Pair
from rlhf_lessons.integrations.read_out import ReadOut
from rlhf_lessons.statistics.shares import Share

SCHEMA_VERSION = 1  # of the JSON: a name that is removed, or means something else, raises it
COIN, CALIBRATION = "no better than a coin", ("overconfident", "underconfident")
# Of calibrated rewards up to 46 % look miscalibrated on 20 pairs, up to 24 % on 50, up to 3 % on 100 (300 draws each of
# margins with a spread of 0.5 to 4).
FEWEST_FOR_CALIBRATION = 100
OF_THE_COURSE = ["correlation of reward and hedging"]  # its words for hedging are those of the course's answers
POSITION, FEWEST_FOR_POSITION = 0.5, 30


@dataclass(frozen=True)
class Reading:
    """The tokens of N pairs as the model reads them, and what was cut.

    chosen, rejected: tokens. cut: which of the 2N texts were cut, the chosen ones first.
    """

    pairs: Sequence[Pair]
    chosen: Sequence[list[int]]
    rejected: Sequence[list[int]]
    cut: Share

    @property
    def leads(self) -> torch.Tensor:
        """By how many tokens the chosen answer is the longer one, (N,)."""
        return torch.tensor([len(c) - len(r) for c, r in zip(self.chosen, self.rejected, strict=True)])

    @property
    def lengths(self) -> torch.Tensor:
        """The mean length of a pair's two texts in tokens, prompt included, (N,)."""
        return torch.tensor([(len(c) + len(r)) / 2 for c, r in zip(self.chosen, self.rejected, strict=True)])

    @property
    def identical(self) -> Share:
        """Pairs whose answers are the same tokens."""
        return Share(sum(c == r for c, r in zip(self.chosen, self.rejected, strict=True)), len(self.pairs))


@dataclass(frozen=True)
class ModelReport:
    """What the doctor found in a reward model: `report` on its rewards, `read_out` on where they are read."""

    model: str
    architecture: str
    max_length: int | None
    reading: Reading
    report: RewardReport
    read_out: ReadOut
    near_prompts: Share | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Strongest first."""
        return self.report.findings

    @property
    def by_chance(self) -> tuple[Finding, ...]:
        """Findings that so few pairs show of a healthy model too."""
        e = self.report.examination
        coin = e.pairs.accuracy.interval.high >= e.bars.accuracy(READY_ACCURACY)
        names = [COIN] if coin else []
        names += CALIBRATION if len(e.pairs) < FEWEST_FOR_CALIBRATION else ()
        return tuple(finding for finding in self.findings if finding.name in names)

    @property
    def state(self) -> State:
        """Sick where anything was found that is not chance; what is neither sick nor ready cannot be told."""
        if self.report.ready_for_ppo:
            return "healthy"
        return "sick" if len(self.findings) > len(self.by_chance) else "cannot tell"

    @property
    def verdict(self) -> str:
        """One sentence: whether PPO may rely on the rewards, and why."""
        if self.state != "cannot tell" or not self.by_chance:
            return self.report.verdict
        names = " and ".join(finding.name for finding in self.by_chance)
        pairs = len(self.reading.pairs)
        return f"Ready for PPO: no, because {pairs} pairs are too few to tell: they show {names}, which may be chance."

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader should know beside the findings."""
        return (*self.report.cautions, *read_out.cautions(self.read_out), *self._position())

    @property
    def position(self) -> float:
        """Correlation of a pair's mean reward with its mean length in tokens, prompt included."""
        e = self.report.examination.pairs
        return measures.correlation((e.chosen + e.rejected) / 2, self.reading.lengths)

    def _position(self) -> list[str]:
        if len(self.reading.pairs) < FEWEST_FOR_POSITION or not abs(self.position) >= POSITION:
            return []
        return [
            f"the level of the rewards follows the length of prompt and answers (correlation {self.position:.2f}): no "
            "pair shows it, for it moves both answers, but a policy compared across prompts would be paid for it"
        ]

    def table(self) -> pd.DataFrame:
        """Every measurement, one a row: its value and what a healthy model shows."""
        rows = [
            ("texts cut", str(self.reading.cut), "few"),
            ("accuracy of choosing the longer answer", str(_longer(self.reading.leads)), "under the model's"),
            ("correlation of a pair's mean reward and length", f"{self.position:.2f}", "near 0"),
            ("largest change, padded on the right", _change(self.read_out, self.read_out.right), "0"),
            ("largest change, padded on the left", _change(self.read_out, self.read_out.left), "0"),
            ("largest change, read at the last token", _change(self.read_out, self.read_out.last), "0"),
        ]
        if self.near_prompts:
            rows.append(("test prompts with a near-duplicate in training", str(self.near_prompts), "few"))
        own = pd.DataFrame(rows, columns=["measured", "value", "healthy"]).set_index("measured")
        table = pd.concat([self.report.table().drop(index=OF_THE_COURSE), own])
        return table.replace({"value": {str(Share(0, 0)): "no such pairs", "nan": "cannot be measured"}})

    def record(self) -> dict[str, Any]:
        """As plain data, for JSON: docs/examine.md explains each name."""
        names = ("name", "evidence", "alternatives", "strength")
        return {
            "schema_version": SCHEMA_VERSION,
            "model": self.model,
            "architecture": self.architecture,
            "pairs": len(self.reading.pairs),
            "max_length": self.max_length,
            "state": self.state,
            "ready_for_ppo": self.report.ready_for_ppo,
            "verdict": self.verdict,
            "findings": [{name: getattr(finding, name) for name in names} for finding in self.findings],
            "notes": list(self.cautions),
            "measured": self.table().to_dict("index"),
        }

    def __str__(self) -> str:
        most = "whole texts" if self.max_length is None else f"texts of at most {self.max_length} tokens"
        read = f"Read: {self.architecture} from {self.model}, {len(self.reading.pairs)} pairs, {most}."
        found = [f"{number}. {finding}" for number, finding in enumerate(self.findings, start=1)]
        notes = [f"Note: {caution}." for caution in self.cautions]
        return "\n".join([read, "", self.table().to_string(), "", *found, *notes, self.verdict])


def _longer(leads: torch.Tensor) -> Share:
    differ = leads[leads != 0]
    return Share(int((differ > 0).sum()), len(differ))


def _change(e: ReadOut, other: torch.Tensor | None) -> str:
    return "refused" if other is None else f"{e.change(other):.2g} (spread {e.spread:.2g})"
