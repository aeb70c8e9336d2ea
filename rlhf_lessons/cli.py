"""The command line: list the notebooks, run one with other parameters or the whole course; diagnose a training log,
examine a reward model; see your progress, grade submissions."""

# torch, pandas and papermill take seconds to load: a command imports what it needs of them itself.
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rlhf_lessons import __version__, hand_over_commands, log_commands, reruns, scale_commands, teaching_commands
from rlhf_lessons.plain_words import PARAMETER_OPTIONS, PlainWords, WithParameters, number, parameters, whole
from rlhf_lessons.refusals import check_choice, shown
from rlhf_lessons.scale_commands import Device, Scale
from rlhf_lessons.terminal import agreed, megabytes, show, total

app = typer.Typer(cls=PlainWords, add_completion=False, help=__doc__)
cache_app = typer.Typer(help="Show what is stored on this machine; `clean` removes what today's code cannot find.")
app.add_typer(cache_app, name="cache")

Notebooks = Annotated[Path, typer.Option(help="The folder of the notebooks.", show_default=False)]
CellSeconds = Annotated[
    int, whole(reruns.MOST_CELL_SECONDS, help="A cell that takes longer fails, and ends its notebook.")
]
Jobs = Annotated[int, whole(64, help="Processes side by side, of one thread each.")]
Scheduler = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="A Dask cluster instead: local, or an address such as tcp://host:8786."),
]
Force = Annotated[bool, typer.Option("--force", help="Replace also what no run wrote, but never the notebook itself.")]


def print_version(is_asked: bool) -> None:
    """What a report of a fault must name, on one line; ends the program."""
    if is_asked:
        python, torch = platform.python_version(), version("torch")
        shared = f", shared cache {folder}" if (folder := os.environ.get("RLHF_LESSONS_SHARED")) else ""
        typer.echo(f"rlhf-lessons {__version__}, Python {python}, torch {torch}, {platform.platform()}{shared}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Show what is installed, and exit.")
    ] = False,
) -> None:
    """Options of the program itself."""
    if not context.invoked_subcommand:
        typer.echo(context.get_help())


@app.command("list")
def list_(notebooks: Notebooks = reruns.NOTEBOOKS) -> None:
    """Show the notebooks and what may be set in each."""
    table = Table("notebook", "title", "parameters")
    for path in reruns.list_notebooks(notebooks):
        settings = [f"{name} = {default}" for name, default in reruns.parameters_of(path).items()]
        table.add_row(path.stem, reruns.title(path), "\n".join(settings))
    show(table)


@app.command(cls=WithParameters)
def run(
    notebook: Annotated[str, typer.Argument(help="Its number or name: 6, 06 or 06_ppo.")],
    parameter: Annotated[
        list[str] | None,
        typer.Option(*PARAMETER_OPTIONS, metavar="NAME VALUE", help="Set a parameter; may be repeated."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="The run's file, or a grid's folder.")] = None,
    notebooks: Notebooks = reruns.NOTEBOOKS,
    cell_seconds: CellSeconds = reruns.CELL_SECONDS,
    force: Force = False,
    grid: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUES", help="A run for each value, as in kl_coef=0,0.2 or seed=0..9; repeat it."),
    ] = None,
    jobs: Jobs = 2,
    scheduler: Scheduler = None,
    show: Annotated[str | None, typer.Option(metavar="NAME", help="The result that a grid's picture shows.")] = None,
    device: Device = None,
    scale: Scale = None,
) -> None:
    """Run a notebook with other parameters, or with a grid of them. What is not allowed is refused before it starts."""
    path = reruns.find_notebook(notebook, notebooks)
    if grid:
        from rlhf_lessons import grid_commands

        texts = parameters(grid, "grid"), parameters(parameter or [])
        raise typer.Exit(grid_commands.run(path, *texts, output, cell_seconds, force, jobs, scheduler, show))
    for name, value in {"scheduler": scheduler, "show": show}.items():
        if value is not None:
            raise ValueError(f"{name}: {shown(value)} is not allowed without --grid; it must be left out")
    values = reruns.scaled(path) | reruns.parse_parameters(path, parameters(parameter or []))
    size = {"scale": scale} if scale else {}
    name = "-".join([path.stem, *(f"{key}={value}" for key, value in (size | values).items())])
    output = output or Path("build") / "runs" / f"{name}.ipynb"
    result = reruns.run_notebook(path, values, output, sys.stderr.isatty(), cell_seconds, force)
    report(result.errors)
    typer.echo(f"{result.output} ({result.seconds:.0f} s)")
    raise typer.Exit(1 if result.errors else 0)


@app.command()
def course(
    output: Annotated[Path, typer.Option("-o", "--output", help="The folder for the runs.")] = Path("build/course"),
    notebooks: Notebooks = reruns.NOTEBOOKS,
    cell_seconds: CellSeconds = reruns.CELL_SECONDS,
    force: Force = False,
    device: Device = None,
    scale: Scale = None,
) -> None:
    """Run all notebooks in order, without a screen, and show how long each takes."""
    table = Table("notebook", "seconds", "result")
    failed = False
    runs = {path: reruns.scaled(path) for path in reruns.list_notebooks(notebooks)}
    for path, values in runs.items():  # before the first has taken its minutes
        reruns.check_run(path, values, output / path.name, cell_seconds, force)
    for path, values in runs.items():
        typer.echo(f"{path.stem} ...")
        result = reruns.run_notebook(path, values, output / path.name, cell_seconds=cell_seconds, force=force)
        report(result.errors)
        table.add_row(path.stem, f"{result.seconds:.0f}", "failed" if result.errors else "passed")
        failed = failed or bool(result.errors)
    show(table)
    raise typer.Exit(1 if failed else 0)


@app.command("quality")
def quality_(
    seeds: Annotated[int, whole(20, help="How many seeds, from 0.")] = 5, device: Device = None, scale: Scale = None
) -> None:
    """Measure every stage on held-out cases over several seeds: the figures that the README quotes."""
    from rlhf_lessons import store
    from rlhf_lessons.sweeps import quality

    for name, value in quality.pretrained_quality().items():
        typer.echo(f"{name:26} {value:.3f}")
    table = quality.quality(range(seeds))
    store.save_result("quality", {"seeds": seeds, "columns": table.to_dict("list")})
    typer.echo(table.round(3).to_string())
    typer.echo(quality.summary(table).round(3).to_string())


@app.command("sweep")
def sweep_(
    name: Annotated[str, typer.Argument(help="Which one: over-optimisation, method-search or methods.")],
    jobs: Jobs = 2,
    scheduler: Scheduler = None,
    device: Device = None,
) -> None:
    """Remake the kept results behind a notebook. Takes an hour or two; goes on where it was interrupted."""
    from rlhf_lessons.sweeps import method_search, methods, over_optimisation
    from rlhf_lessons.sweeps.processes import RunError

    sweeps = {each.NAME.replace("_", "-"): each.sweep for each in (over_optimisation, method_search, methods)}
    check_choice("name", name, sweeps)
    try:
        tables = sweeps[name](jobs=jobs, scheduler=scheduler)
    except RunError as error:
        report([str(error)])
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise KeyboardInterrupt("finished runs are kept, and the same command goes on from there") from None
    typer.echo(", ".join(f"{table}: {len(rows)} rows" for table, rows in tables.items()))


@app.command("scorecard")
def scorecard_() -> None:
    """What each kind of policy is worth on held-out cases, with 95 % intervals, from the kept results."""
    from rlhf_lessons.sweeps import kept, over_optimisation, verdicts

    found = kept.read(over_optimisation.NAME)
    typer.echo(verdicts.scorecard_table(found.tables["cases"]).T.to_string())
    typer.echo(f"made on {found.label['made']} by: {found.label['command']} (seeds {found.label['seeds']})")


app.command("diagnose")(log_commands.diagnose)
app.command("explain")(log_commands.explain)
app.command("grade")(teaching_commands.grade)
app.command("progress")(teaching_commands.progress_)
app.command("scale")(scale_commands.scale)
app.command("export")(hand_over_commands.export)
app.command("import")(hand_over_commands.import_)
app.command("warm")(teaching_commands.warm)


@app.command("examine")
def examine_(
    model: Annotated[Path, typer.Option(help="A folder with a reward model of Hugging Face transformers.")],
    pairs: Annotated[Path, typer.Option(help="Held-out pairs: JSON lines, JSON, CSV or parquet.")],
    train: Annotated[Path | None, typer.Option(help="The pairs that it was trained on.")] = None,
    max_length: Annotated[int | None, whole(1_000_000, help="Tokens that are read of a text.")] = None,
    batch_size: Annotated[int, whole(4096, help="Texts that are scored at once.")] = 8,
    ceiling: Annotated[float | None, number(help="The best accuracy that anybody could reach on the pairs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Examine a reward model on preference pairs. Exit code: 0 ready for PPO, 1 sick, 3 cannot tell, 2 unreadable."""
    from rlhf_lessons.reports import EXIT_CODES

    try:
        from rlhf_lessons.integrations.hugging_face import examine
    except ImportError as error:
        raise ValueError(str(error)) from None
    found = examine(model, pairs, train, max_length, batch_size, ceiling)
    typer.echo(json.dumps(found.record(), indent=2) if as_json else str(found))
    raise typer.Exit(EXIT_CODES[found.state])


@cache_app.callback(invoke_without_command=True)
def cache_(context: typer.Context) -> None:
    """Show what is stored on this machine; `clean` removes what today's code cannot find."""
    from rlhf_lessons import cache, store

    if store.home().exists() and not store.home().is_dir():
        raise ValueError(f"{store.HOME_VARIABLE}: {str(store.home())!r} is a file; it must be a folder")
    if context.invoked_subcommand:
        return
    table = Table("what", "settings", "size", "made", "today's code")
    for column in (0, 2, 3, 4):
        table.columns[column].no_wrap = True
    folder = store.shared()
    own, shared = cache.entries(), cache.entries(folder) if folder else []
    for entry in (*own, *shared):
        state = f"{entry.state}, shared" if entry in shared else entry.state
        table.add_row(entry.name, entry.words, megabytes(entry.size), f"{entry.made:%Y-%m-%d %H:%M}", state)
    show(table)
    typer.echo(f"{len(own)} stored, {total(own)}, in {store.home()}")
    if folder:
        typer.echo(f"{len(shared)} shared, {total(shared)}, in {folder}, which is only read")


@cache_app.command("clean")
def clean_(yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False) -> None:
    """Remove what today's code cannot find: of earlier versions of the code, unfinished, or damaged."""
    from rlhf_lessons import cache

    old = [entry for entry in cache.entries() if not entry.current]
    if not old:
        typer.echo("nothing to remove: today's code finds all that is stored")
        return
    if not (yes or agreed(f"Remove {len(old)} stored stages and results, {total(old)}?")):
        raise typer.Exit(1)
    removed = cache.clean(old)
    typer.echo(f"removed {len(removed)} of {len(old)}, {total(removed)}")


def report(errors: list[str]) -> None:
    for error in errors:
        typer.echo(error, err=True)


if __name__ == "__main__":
    app()
