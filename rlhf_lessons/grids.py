"""One notebook with every combination of some parameters' values: a run each, and all of them as one table."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from rlhf_lessons import files, plots, reruns, run_files
from rlhf_lessons.grid_runs import GridRun
from rlhf_lessons.knobs import Value
from rlhf_lessons.refusals import check_choice, shown
from rlhf_lessons.sweeps import executor

MOST_RUNS = 10_000
RANGE = re.compile(r"([0-9]{1,10})\.\.([0-9]{1,10})")
TABLE, PICTURE = "grid.csv", "grid.png"
DONE, FAILED, WAITING = "done", "failed", "not run"


def expand(path: Path, grid: Mapping[str, str], fixed: Mapping[str, str]) -> dict[str, list[Value]]:
    """The values of each parameter: of the `grid`, as in 0,0.05 or 0..9, and the one that is `fixed`.

    Raises ValueError for a name or a value that is not allowed, as `reruns.check_parameters` does, and for too many.
    """
    texts: dict[str, list[str]] = {}
    runs = 1
    for name, text in grid.items():
        if name in fixed:
            raise ValueError(f"{name}: it is fixed to {shown(fixed[name])} already; it must be in the grid or fixed")
        texts[name] = [one for part in text.split(",") for one in _counted(name, part)]
        runs *= len(texts[name])
    if runs > MOST_RUNS:
        raise ValueError(f"grid: {runs} runs are too many; it must be {MOST_RUNS} at most")
    values = reruns.parse_values(path, texts | {name: [text] for name, text in fixed.items()})
    for name, several in values.items():
        if again := [value for place, value in enumerate(several) if value in several[:place]]:
            raise ValueError(f"{name}: {shown(again[0])} is not allowed twice; each value must be a new one")
    return values


def runs_of(path: Path, values: Mapping[str, Sequence[Value]], cell_seconds: int) -> list[GridRun]:
    """A run for every combination. The seed changes fastest: runs side by side then train different parents."""
    names, text = sorted(values, key="seed".__eq__), path.read_bytes()
    combinations = product(*(values[name] for name in names))
    return [GridRun(path, text, dict(zip(names, each, strict=True)), cell_seconds) for each in combinations]


def check(runs: Sequence[GridRun], folder: Path, force: bool) -> None:
    """Raise ValueError, as `reruns.check_run` does, if one of the runs would not start, or must not be put there."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"output: {str(folder)!r} is not a folder; it must be a new one, or one of a grid")
    if not (force or not folder.exists() or Path(folder, TABLE).exists() or not any(folder.iterdir())):
        raise ValueError(f"output: {str(folder)!r} holds no grid; it must be a new or empty folder (or --force)")
    first, *others = runs
    reruns.check_run(first.path, first.parameters, folder / f"{first.name}.ipynb", first.cell_seconds, force)
    for run in others:
        run_files.check_output(folder / f"{run.name}.ipynb", run.path, force)


def make(
    runs: Sequence[GridRun], folder: Path, jobs: int, scheduler: str | None = None, force: bool = False
) -> pd.DataFrame:
    """Make the runs that are not done yet, or with `force` all, and keep their table as grid.csv: see `table_of`.

    Raises RunError where no run can go on; what is finished is kept.
    """
    errors: dict[str, str] = {}
    todo = {run.name: run for run in runs if force or not run.is_done(folder)}
    with run_files.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for run in todo.values():
            run.forget(folder)
        files.replace(folder / TABLE, table_of(runs, folder, errors).to_csv(index=False).encode())
    try:
        if todo:
            with executor.workers(min(jobs, len(todo)), scheduler) as pool:
                for name, error in executor.each(todo, pool, "runs", folder):
                    if error:
                        errors[name] = str(error)
    finally:
        table = table_of(runs, folder, errors)
        files.replace(folder / TABLE, table.to_csv(index=False).encode())
    return table


def table_of(runs: Sequence[GridRun], folder: Path, errors: Mapping[str, str]) -> pd.DataFrame:
    """A row a run: its parameters, state, error, seconds, and the numbers of its results, such as `alarms.far away`."""
    rows = []
    for run in runs:
        found = run.found(folder) or {"error": errors.get(run.name, ""), "seconds": None, "results": {}}
        state = FAILED if found["error"] else DONE if found["seconds"] is not None else WAITING
        row = {**run.parameters, "state": state, "error": found["error"], "seconds": found["seconds"]}
        numbers = {name: value for name, value in _numbers(found["results"]) if name not in row}
        rows.append(row | numbers)
    return pd.DataFrame(rows)


def picture(table: pd.DataFrame, values: Mapping[str, Sequence[Value]], show: str | None) -> plots.Picture | None:
    """A figure of the results over the two parameters that vary: `show`, or the first. None unless two do.

    Raises ValueError if no result is called `show`.
    """
    names = list(table.columns)
    figures = names[names.index("seconds") + 1 :]
    if show is not None:
        check_choice("show", show, figures)
    varying = [name for name in names if len(values.get(name, [])) > 1]
    if len(varying) != 2 or not figures:
        return None
    up, across = varying
    measured = table.dropna(subset=[show or figures[0]])
    return plots.heat_map(measured, across, up, show or figures[0])


def _counted(name: str, part: str) -> Sequence[str]:
    """The values that 0..9 stands for; anything else stands for itself."""
    found = RANGE.fullmatch(part)
    if not found:
        return [part]
    first, last = int(found[1]), int(found[2])
    if not 0 <= last - first < MOST_RUNS:
        raise ValueError(f"{name}: {shown(part)} is not allowed; it must count up, over {MOST_RUNS} values at most")
    return list(map(str, range(first, last + 1)))


def _numbers(results: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    for name, value in results.items():
        if isinstance(value, Mapping):
            yield from _numbers(value, f"{prefix}{name}.")
        elif isinstance(value, int | float):
            yield f"{prefix}{name}", value
