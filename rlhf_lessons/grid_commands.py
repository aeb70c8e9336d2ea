"""`rlhf-lessons run --grid`: what it says and shows."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import typer

from rlhf_lessons import files, grids, reruns
from rlhf_lessons.sweeps import executor
from rlhf_lessons.sweeps.processes import RunError

WIDE, LONG = 4, 40  # results and rows of a table on the screen; the file has all


def run(
    path: Path,
    grid: Mapping[str, str],
    fixed: Mapping[str, str],
    output: Path | None,
    cell_seconds: int,
    force: bool,
    jobs: int,
    scheduler: str | None,
    show: str | None,
) -> int:
    """Make a grid of runs, show it, and keep its table and, where two parameters vary, a picture. Returns exit code."""
    if scheduler:
        executor.check_scheduler(scheduler)
    scaled = {name: str(value) for name, value in reruns.scaled(path).items() if name not in grid}
    values = grids.expand(path, grid, scaled | dict(fixed))
    runs, folder = grids.runs_of(path, values, cell_seconds), output or Path("build") / "grids" / path.stem
    grids.check(runs, folder, force)
    try:
        table = grids.make(runs, folder, jobs, scheduler, force)
    except RunError as error:
        typer.echo(error, err=True)
        return 1
    except KeyboardInterrupt:
        raise KeyboardInterrupt("finished runs are kept, and the same command goes on from there") from None
    for _, row in table[table.state == grids.FAILED].iterrows():
        typer.echo(f"{', '.join(f'{name}={row[name]}' for name in values)}: {row.error}", err=True)
    typer.echo(in_short(table.drop(columns="error")))
    picture = grids.picture(table, values, show)
    if picture:
        files.replace(folder / grids.PICTURE, picture.png())
        typer.echo(picture.alt)
    typer.echo(f"{len(table)} runs in {folder}: {grids.TABLE}{f', {grids.PICTURE}' if picture else ''}")
    return int((table.state != grids.DONE).any())


def in_short(table: pd.DataFrame) -> str:
    """The first rows and results of a table."""
    columns = list(table.columns)
    wide = columns[: columns.index("seconds") + 1 + WIDE]
    more = f"\n... {len(table)} rows" if len(table) > LONG else ""
    return table[wide].head(LONG).round(3).to_string(index=False) + more
