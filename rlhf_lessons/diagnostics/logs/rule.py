"""A rule: what it asks of a log, its stable code, and its page."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace

from rlhf_lessons.diagnostics.findings import Finding
from rlhf_lessons.diagnostics.logs.columns import Asked, Log

ANY = frozenset({"reward_model", "dpo", "orpo", "kto", "grpo", "ppo", "sft", "unknown"})
REWARD_MODEL = frozenset({"reward_model"})
DIRECT = frozenset({"dpo", "orpo", "kto"})  # trained on pairs or marks, without a reward model
PAIRS = REWARD_MODEL | DIRECT
POLICY = frozenset({"grpo", "ppo"})
GROUPS = frozenset({"grpo"})
LANGUAGE = frozenset({"sft"})
UNKNOWN = frozenset({"unknown"})
NO_POLICY = ANY - POLICY  # a loss that should fall


@dataclass(frozen=True)
class Signs:
    """What a rule saw: the sentence with the numbers, how hard it is to explain otherwise (0 to 1), and where it began.

    alternatives and grave: in place of the rule's own, where they depend on the numbers.
    """

    evidence: str
    strength: float = 0.8
    alternatives: tuple[str, ...] | None = None
    step: float | None = None
    place: str = "row"
    grave: bool | None = None


@dataclass(frozen=True)
class Rule:
    """One thing that can be wrong with a run, and how a log shows it.

    code: stable, e.g. "RM003". kinds: the kinds of run it is asked of. alternatives: look-alikes, other causes of the
    same numbers; tell_apart: what would tell them from this one; advice: what to do. grave: whether the run is sick
    (else it is a remark); early: whether it holds in a run that has only just begun. The docstring of `check` is the
    rule's page.
    """

    code: str
    name: str
    kinds: frozenset[str]
    check: Callable[[Log], Signs | None]
    alternatives: tuple[str, ...] = ()
    tell_apart: str = ""
    advice: str = ""
    grave: bool = True
    early: bool = False

    def __call__(self, log: Log) -> Finding | None:
        """The finding on this log, whatever its kind; None where the numbers do not show it."""
        columns = Asked(log.columns)
        seen = self.check(replace(log, columns=columns))
        if seen is None:
            return None
        others = self.alternatives if seen.alternatives is None else seen.alternatives
        grave = self.grave if seen.grave is None else seen.grave
        words = (self.code, self.tell_apart, self.advice, seen.step, seen.place, grave)
        return Finding(self.name, seen.evidence, others, seen.strength, *words, tuple(columns.names))

    @property
    def page(self) -> str:
        """What `rlhf-lessons explain` prints."""
        parts = [f"{self.code}: {self.name}", inspect.getdoc(self.check) or ""]
        if self.alternatives:
            tell = f". {self.tell_apart[0].upper()}{self.tell_apart[1:]}." if self.tell_apart else "."
            parts.append(f"Look-alikes: {'; '.join(self.alternatives)}{tell}")
        if self.advice:
            parts.append(f"What to do: {self.advice}.")
        return "\n\n".join(parts)


def rule(
    code: str,
    name: str,
    kinds: frozenset[str],
    *,
    alternatives: tuple[str, ...] = (),
    tell_apart: str = "",
    advice: str = "",
    grave: bool = True,
    early: bool = False,
) -> Callable[[Callable[[Log], Signs | None]], Rule]:
    """Make a function from a log to what it shows the check of a `Rule`."""

    def made(check: Callable[[Log], Signs | None]) -> Rule:
        return Rule(code, name, kinds, check, alternatives, tell_apart, advice, grave, early)

    return made
