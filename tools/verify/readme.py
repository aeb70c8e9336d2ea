"""What README.md quotes, read out of its tables and sentences."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
MINUTES = "The notebooks"
STAGES = "What the stages reach"
POLICIES = "Why the reward model decides"
WAYS = "PPO, or what else?"
FAULTS = "Reliability"
SIMULATED = "What is wrong with your run?"
PRETRAINED = (
    r"that model is safe in (?P<sampled>[\d.]+ %) of its sampled answers and (?P<greedy>[\d.]+ %) of its greedy ones"
)
RANKS = (
    r"ranks (?P<reward_accuracy_curated>[\d.]+ %) of curated pairs as annotators chose, "
    r"where (?P<best_possible_curated>[\d.]+ %) is the best possible, and "
    r"(?P<reward_accuracy_sampled>[\d.]+ %) of the SFT policy's own answers, "
    r"where (?P<best_possible_sampled>[\d.]+ %) is"
)
GATE = (
    r"PPO harmed safety in (?P<harmed>[\d.]+ %) of them; "
    r"the doctor had refused the judge in (?P<recall>[\d.]+ %) of those, "
    r"and (?P<precision>[\d.]+ %) of the runs whose judge it refused were harmed"
)
RUNS = r"the (?P<runs>\d+) PPO runs behind"


def table(text: str, heading: str, names: Iterable[str] = ()) -> dict[str, list[str]]:
    """First cell -> the other cells, for each row of the first table under a heading.

    Raises ValueError if there is no table under such a heading, or if its first cells are not the `names` given.
    """
    part = re.search(rf"^## {re.escape(heading)}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    lines = [line for line in (part[1] if part else "").splitlines() if line.startswith("|")]
    if len(lines) < 3:
        raise ValueError(f"README: {heading!r} has no table; verify reads the figures from there")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    found = {row[0]: row[1:] for row in rows}
    if odd := found.keys() ^ set(names or found):
        raise ValueError(f"README: {heading!r} has other rows than verify knows: {', '.join(sorted(odd))}")
    return found


def sentence(text: str, pattern: str) -> Mapping[str, str]:
    """The named figures of a sentence, however its lines are broken. Raises ValueError if it is not there."""
    found = re.search(pattern, " ".join(text.split()))
    if not found:
        raise ValueError(f"README: no sentence is like {pattern!r}; verify reads its figures from there")
    return found.groupdict()
