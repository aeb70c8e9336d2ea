"""How a reader of logs does on simulated runs: counted kind by kind."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from rlhf_lessons.diagnostics.findings import Diagnosis, Finding
from tools.simulated_logs.planted import ANY, HEALTHY, SICK, Planted
from tools.simulated_logs.printing import Record

Reader = Callable[[list[Record]], Diagnosis]
TUNING = 100  # seeds below this one are for tuning rules
HELD_OUT = 1000  # seeds from this one on are looked at by nobody who tunes rules
COLUMNS = ("kind of run", "runs", "healthy", "cannot tell", "sick", "named first", "named at all", "kind read right")
HEADER = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}"


@dataclass
class Rates:
    """Counts over the runs of a kind; misses: of the runs that were read wrongly, seed and first finding."""

    planted: Planted
    runs: int = 0
    healthy: int = 0
    cannot_tell: int = 0
    sick: int = 0
    first: int = 0
    anywhere: int = 0
    kind: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, seed: int, diagnosis: Diagnosis) -> None:
        """Count one run."""
        named = [names(self.planted, finding) for finding in diagnosis.findings]
        self.runs += 1
        self.healthy += diagnosis.state == "healthy"
        self.cannot_tell += diagnosis.state == "cannot tell"
        self.sick += diagnosis.state == "sick"
        self.first += bool(named and named[0])
        self.anywhere += any(named)
        self.kind += diagnosis.kind in self.planted.read_as
        if not right(self.planted, diagnosis):
            said = str(diagnosis.findings[0]) if diagnosis.findings else "no finding"
            self.misses.append(f"{self.planted.name}, seed {seed} ({diagnosis.kind}, {diagnosis.state}): {said}")

    def __str__(self) -> str:
        """A row under `HEADER`."""
        named = (self.first, self.anywhere) if self.planted.words else ("", "")
        counts = (self.runs, self.healthy, self.cannot_tell, self.sick, *named, self.kind)
        return f"| {self.planted.name} | {' | '.join(str(count) for count in counts)} |"


def names(planted: Planted, finding: Finding) -> bool:
    """Whether a finding names what is planted: one of its words is in the finding's name or evidence."""
    said = f"{finding.name}: {finding.evidence}".lower()
    return any(re.search(rf"\b(?:{word})", said) for word in planted.words)


def right(planted: Planted, diagnosis: Diagnosis) -> bool:
    """Whether a run was read rightly: no alarm where nothing is wrong, and the fault named first where one is."""
    if planted.state == HEALTHY:
        return diagnosis.state != "sick"
    if planted.state not in (ANY, diagnosis.state):
        return False
    return bool(diagnosis.findings) and names(planted, diagnosis.findings[0])


def seeds(planted: Planted, held_out: bool) -> range:
    """The seeds of a kind's runs: those for tuning, or as many as it asks for of those that are held out."""
    return range(HELD_OUT, HELD_OUT + planted.runs) if held_out else range(min(planted.runs, TUNING))


def measure(reader: Reader, kinds: Iterable[Planted], held_out: bool) -> Iterator[Rates]:
    """The rates of each kind, one after the other."""
    for planted in kinds:
        rates = Rates(planted)
        for seed in seeds(planted, held_out):
            rates.add(seed, reader(planted.records(seed)))
        yield rates


def summary(measured: Iterable[Rates]) -> str:
    """False alarms of each family of runs, and how many of the planted faults were named first."""
    done = list(measured)
    lines = []
    for family in dict.fromkeys(rates.planted.name.split("/")[0] for rates in done):
        well = [r for r in done if r.planted.name.split("/")[0] == family and r.planted.state == HEALTHY]
        lines += [f"{family}: {sum(r.sick for r in well)} false alarms in {sum(r.runs for r in well)} runs."] * bool(
            well
        )
    ill = [r for r in done if r.planted.state != HEALTHY]
    if ill:
        low = [f"{r.planted.name} {r.first} of {r.runs}" for r in ill if r.first < 0.9 * r.runs]
        calm = sum(r.healthy for r in ill if r.planted.state == SICK)
        lines.append(f"Faults named first: {sum(r.first for r in ill)} of {sum(r.runs for r in ill)}.")
        lines.append(f"Sick runs called healthy: {calm}.")
        lines.append(f"Under 90 %: {', '.join(low) or 'none'}.")
    return "\n".join(lines)
