"""The kept runs as a Markdown table, and the pages that show it."""

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

KEPT = Path(__file__).parents[1] / "kept" / "against_trl.json"
ROOT = KEPT.parents[2]
PAGES = [ROOT / "README.md", ROOT / "docs" / "speed.md"]
FIRST = "| TRL's time / ours |"  # how the table begins, wherever it is shown


def table(kept: dict[str, Any]) -> str:
    """The median over the runs, and the lowest to the highest: one row a piece of work."""
    runs = kept["runs"]
    columns = list(runs[0]["ratios"])
    rows = {name: None for column in columns for name in runs[0]["ratios"][column]}
    lines = [f"{FIRST} {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        cells = [spread(run["ratios"][column].get(row) for run in runs) for column in columns]
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join([*lines, start_row(runs, len(columns))])


def start_row(runs: list[dict[str, Any]], columns: int) -> str:
    """A whole process with one optimiser step; it is the same for every column, and stands in the first."""
    first = spread(run["starts"]["TRL's first step"] / run["starts"]["our first step"] for run in runs)
    return f"| start of the process to the first step | {first} |{' |' * (columns - 1)}"


def notes(runs: list[dict[str, Any]]) -> str:
    """What is no ratio to TRL, in words."""
    help_ = spread(run["passed"]["rlhf-lessons --help"] for run in runs)
    over = spread(run["starts"]["rlhf-lessons --help"] / run["starts"]["python -c pass"] for run in runs)
    steps = [spread(run["passed"][name] for run in runs) for name in ("our first step", "TRL's first step")]
    updates = [f"{size}: {spread(run['ppo'][size] for run in runs)}" for size in runs[0]["ppo"]]
    return "\n".join(
        [
            f"rlhf-lessons --help: {help_} s, {over} times as long as Python's own start",
            f"first optimiser step of a process: ours after {steps[0]} s, TRL's after {steps[1]} s",
            f"an update of PPO / the sampling of its answers: {', '.join(updates)}",
            f"share of the time that the processor was ours: {spread(run['quiet'] for run in runs)}",
        ]
    )


def spread(values: Iterable[float | None]) -> str:
    """2.10 (1.98 to 2.24); nothing for what was not measured, and one figure alone for one run."""
    found = [value for value in values if value is not None]
    if len(found) < 2:
        return "".join(f"{value:.2f}" for value in found)
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def keep(found: dict[str, Any]) -> None:
    """Keep what was measured, in place of what was kept before."""
    KEPT.parent.mkdir(exist_ok=True)
    KEPT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


def read() -> dict[str, Any]:
    """What is kept."""
    return json.loads(KEPT.read_text(encoding="utf-8"))


def shown(page: str) -> str:
    """The table in a page, or nothing."""
    lines = page.splitlines()
    start = next((number for number, line in enumerate(lines) if line.startswith(FIRST)), len(lines))
    end = next((number for number in range(start, len(lines)) if not lines[number].startswith("|")), len(lines))
    return "\n".join(lines[start:end])


def renew(new: str) -> None:
    """Put the table in place of the one that a page shows."""
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        if old := shown(page):
            path.write_text(page.replace(old, new), encoding="utf-8")
