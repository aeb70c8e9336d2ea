"""How well the log reader reads simulated runs on which nobody has tuned it."""

from collections.abc import Iterable

from rlhf_lessons.diagnostics.log_reader import diagnose
from tools.simulated_logs import KINDS
from tools.simulated_logs.planted import HEALTHY, SICK
from tools.simulated_logs.rates import Rates, measure
from tools.verify import readme
from tools.verify.rows import Row, compare

FAMILIES = {
    "reward models": ("rm",),
    "DPO, KTO, ORPO": ("dpo", "kto", "orpo"),
    "GRPO, RLOO, PPO": ("grpo", "rloo", "ppo"),
    "SFT": ("sft",),
}
ALL = "every run: seeds from 1000 on, looked at by nobody who sets a threshold"


def read(text: str) -> list[Row]:
    """The README's table of simulated runs, remade: of each family false alarms, faults named, sick called healthy."""
    found = counted(measure(diagnose, KINDS.values(), held_out=True))
    where = f"README, {readme.SIMULATED}"
    return [
        compare(f"{where}, {family}", what, cell, told, 0, ALL)
        for family, cells in readme.table(text, readme.SIMULATED, FAMILIES).items()
        for cell, (what, (told, _)) in zip(cells, found[family].items(), strict=True)
    ]


def counted(done: Iterable[Rates]) -> dict[str, dict[str, tuple[int, int]]]:
    """Family -> what is counted -> how many, of how many runs."""
    rates = list(done)
    return {family: _counts([rate for rate in rates if _family(rate) in names]) for family, names in FAMILIES.items()}


def _family(rates: Rates) -> str:
    return rates.planted.name.partition("/")[0]


def _counts(rates: list[Rates]) -> dict[str, tuple[int, int]]:
    well = [rate for rate in rates if rate.planted.state == HEALTHY]
    sick = [rate for rate in rates if rate.planted.state == SICK]
    named = [rate for rate in rates if rate.planted.words]
    return {
        "healthy, called sick": (sum(rate.sick for rate in well), sum(rate.runs for rate in well)),
        "sick, called healthy": (sum(rate.healthy for rate in sick), sum(rate.runs for rate in sick)),
        "planted fault named first": (sum(rate.first for rate in named), sum(rate.runs for rate in named)),
    }


if __name__ == "__main__":
    for family, found in counted(measure(diagnose, KINDS.values(), held_out=True)).items():
        print(f"| {family} | {' | '.join(f'{told:,} of {runs:,}' for told, runs in found.values())} |")
