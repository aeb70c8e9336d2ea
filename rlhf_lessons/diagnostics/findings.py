"""What a diagnosis is made of: findings, each with its evidence, ranked, and one verdict."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np

from rlhf_lessons.diagnostics.logs.curves import Panel
from rlhf_lessons.diagnostics.logs.reading import NO_READING, Reading
from rlhf_lessons.diagnostics.logs.wording import look_alikes
from rlhf_lessons.diagnostics.page import fragment, page, section

HEALTHY = "healthy"
CANNOT_TELL = "the log cannot tell"
PROMISING = "so far so good"  # what would be healthy, if the log could tell

Kind = Literal["reward_model", "dpo", "orpo", "kto", "grpo", "ppo", "sft", "unknown"]
State = Literal["healthy", "sick", "cannot tell"]


@dataclass(frozen=True)
class Finding:
    """One thing the numbers show.

    `evidence` is a sentence that quotes them, `alternatives` are other causes that would produce the same numbers,
    `tell_apart` says what would tell them from this one, and `strength` (0 to 1) how hard it is to explain the numbers
    in any other way. `code` and `advice` (what to do) are those of the rule that found it, empty for other findings;
    `step`: where in the log it begins, as `place` counts (epoch, step or row). A finding that is not `grave` is a
    remark: it makes no run sick. `metrics`: canonical names of what the rule looked at.
    """

    name: str
    evidence: str
    alternatives: tuple[str, ...] = ()
    strength: float = 0.5
    code: str = ""
    tell_apart: str = ""
    advice: str = ""
    step: float | None = None
    place: str = "row"
    grave: bool = True
    metrics: tuple[str, ...] = ()

    def __str__(self) -> str:
        sentence = f"{self.name[0].upper()}{self.name[1:]}: {self.evidence}."
        if self.alternatives:
            sentence += f" {look_alikes(self.alternatives, self.tell_apart)}"
        return sentence


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """Findings, the strongest evidence first; one verdict; what was read; and whether PPO may rely on the model.

    kind: what sort of run it is, state: "healthy", "sick" or "cannot tell". ready_for_ppo is asked of reward models
    alone, and False for all others. log_next: what to log so that more can be said. runs: where the log holds several,
    the diagnosis of each by its name; findings and verdict are then those of all. panels: the curves to draw.
    """

    findings: tuple[Finding, ...]
    verdict: str
    ready_for_ppo: bool
    kind: Kind = "unknown"
    state: State = "cannot tell"
    reading: Reading = NO_READING
    log_next: tuple[str, ...] = ()
    runs: Mapping[str, "Diagnosis"] = field(default_factory=dict)
    panels: tuple[Panel, ...] = field(default=(), repr=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the findings, strongest first."""
        return tuple(finding.name for finding in self.findings)

    def record(self) -> dict[str, Any]:
        """As plain data, for JSON: docs/diagnose.md explains each name. NaN and infinity are None."""
        whole = {name: getattr(self, name) for name in ("kind", "state", "verdict", "ready_for_ppo")}
        parts = {"reading": asdict(self.reading), "findings": [asdict(finding) for finding in self.findings]}
        return {name: _plain(value) for name, value in {**whole, **parts, "log_next": self.log_next}.items()}

    def each_run(self) -> dict[str, "Diagnosis"]:
        """The diagnosis of each run by its name; of a log of one run, itself, under an empty name."""
        return {**self.runs} or {"": self}

    def html(self, name: str = "A training log") -> str:
        """A page that needs nothing but itself: chart, findings, what to do."""
        return page(f"{name}: diagnosis", self.sections())

    def sections(self, name: str = "") -> list[str]:
        """The parts of such a page, one a run, each with `name` before that of its run."""
        return [
            section(" ".join(filter(None, (name, run))), found.record(), str(found.reading), found.panels)
            for run, found in self.each_run().items()
        ]

    def _repr_html_(self) -> str:
        return fragment(self.sections())

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        if self.runs:
            return "\n\n".join(f"{name}\n{diagnosis}" for name, diagnosis in self.runs.items())
        read = [str(self.reading)] if str(self.reading) else []
        told = [finding for finding in self.findings if finding.evidence not in self.verdict]  # not the same twice
        found = [f"{number}. {finding}" for number, finding in enumerate(told, start=1)]
        more = [f"To say more, log {', '.join(self.log_next)}."] if self.log_next else []
        return "\n".join([*read, *found, self.verdict, *more])


def _plain(value: Any) -> Any:
    """What JSON can hold, and every reader of JSON reads."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    value = value.item() if isinstance(value, np.generic) else value  # what a rule computed with numpy
    return None if isinstance(value, float) and not math.isfinite(value) else value
