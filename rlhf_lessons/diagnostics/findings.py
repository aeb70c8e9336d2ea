"""What a diagnosis is made of: findings, each with its evidence, ranked, and one verdict."""

from dataclasses import dataclass

HEALTHY = "healthy"
CANNOT_TELL = "the log cannot tell"


@dataclass(frozen=True)
class Finding:
    """One thing the numbers show.

    `evidence` is a sentence that quotes them, `alternatives` are other causes that would produce the same
    numbers, and `strength` (0 to 1) says how hard it is to explain the numbers in any other way.
    """

    name: str
    evidence: str
    alternatives: tuple[str, ...] = ()
    strength: float = 0.5

    def __str__(self) -> str:
        sentence = f"{self.name[0].upper()}{self.name[1:]}: {self.evidence}."
        if self.alternatives:
            sentence += f" The same numbers could come from {' or '.join(self.alternatives)}."
        return sentence


@dataclass(frozen=True)
class Diagnosis:
    """Findings, the strongest evidence first; one verdict; and whether PPO may rely on the reward model."""

    findings: tuple[Finding, ...]
    verdict: str
    ready_for_ppo: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the findings, strongest first."""
        return tuple(finding.name for finding in self.findings)

    def __str__(self) -> str:
        lines = [f"{number}. {finding}" for number, finding in enumerate(self.findings, start=1)]
        return "\n".join([*lines, self.verdict])
