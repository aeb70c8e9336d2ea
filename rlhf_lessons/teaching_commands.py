"""The commands for learners and teachers: `rlhf-lessons progress`, `grade` and `warm`."""

# torch and pandas take seconds to load: a command imports what it needs of them itself.
import time
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from rlhf_lessons import progress, reruns
from rlhf_lessons.plain_words import whole
from rlhf_lessons.terminal import agreed, show, total


def grade(
    folder: Annotated[Path, typer.Argument(help="The submitted notebooks, also in folders below it.")],
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write the table into this CSV, too.")] = None,
    seconds: Annotated[int, whole(86_400, help="A submission that takes longer is ended.")] = 600,
    memory: Annotated[int, whole(1024, help="A submission that takes more gigabytes is ended.")] = 4,
    jobs: Annotated[int, whole(64, help="How many submissions run at once.")] = 2,
) -> None:
    """Run submitted notebooks and show how far each exercise came. Exit code: 0 all graded, 1 not all.

    Which notebook a file is, is read from its cell course.here("06"). Each runs strictly, on a copy, within limits of
    time and memory, and what is broken in it costs its own rows only.

    This is no sandbox. A submission runs with your rights: it can reach your files and the network, and could forge
    its own record. Grade people whom you do not trust in a container.
    """
    from rlhf_lessons.grading import table

    if output:
        table.check_output(output)
    found = []
    for rows in table.grade(folder, seconds, memory, jobs):
        typer.echo(f"{rows[0].file} ...")
        found += rows
    found.sort(key=lambda row: row.file)  # the exercises of a file stay in order
    grades = Table("file", "exercise", "result", "said")
    for file, of_file in groupby(found, key=lambda row: row.file):
        for number, row in enumerate(of_file):
            grades.add_row("" if number else file, row.exercise, row.state, row.said)
        grades.add_section()
    show(grades)
    for file, run in dict.fromkeys((row.file, row.run) for row in found if row.run):
        typer.echo(f"{file}: {run}")
    if output:
        table.write(found, output)
    missed = dict.fromkeys(row.file for row in found if row.state == table.NOT_GRADED)
    if missed:
        typer.echo(f"not graded, or not in full: {', '.join(missed)}", err=True)
    raise typer.Exit(1 if missed else 0)


def warm(
    seeds: Annotated[int, whole(20, help="How many seeds, from 0.")] = 1,
    with_judges: Annotated[
        bool, typer.Option("--all", help="Also the reward models to choose from in the labs.")
    ] = False,
    notebooks: Annotated[
        Path, typer.Option(help="The folder of the notebooks.", show_default=False)
    ] = reruns.NOTEBOOKS,
) -> None:
    """Make all that the notebooks train and measure, so that a class can share it. Exit code 1: a notebook failed.

    Runs every notebook for nobody: it leaves no results and no progress. Interrupted, it goes on where it was.
    """
    from tqdm.auto import tqdm

    from rlhf_lessons import cache, store, warming

    jobs, failed, start = warming.jobs(notebooks, seeds, with_judges), [], time.monotonic()
    with store.lock(*warming.CACHE), tqdm(jobs.items()) as bar:
        for name, job in bar:
            bar.set_description(name)
            try:
                failed += job()
            except KeyboardInterrupt:
                raise KeyboardInterrupt("what was made is kept, and the same command goes on from there") from None
    made = cache.entries()
    for error in failed:
        typer.echo(error, err=True)
    typer.echo(f"{len(made)} stored, {total(made)}, in {store.home()} ({(time.monotonic() - start) / 60:.1f} minutes)")
    typer.echo(f"to share it: set {store.SHARED_VARIABLE}={store.home()} where each learner's notebooks start")
    raise typer.Exit(1 if failed else 0)


def progress_(
    forget: Annotated[bool, typer.Option("--forget", help="Remove it all.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Show what you have done: exercises, predictions, quizzes, labs. It is kept on this machine alone."""
    if progress.folder().exists() and not progress.folder().is_dir():
        raise ValueError(f"{progress.VARIABLE}: {str(progress.folder())!r} is a file; it must be a folder")
    if forget:
        _forget(yes)
        return
    from rlhf_lessons.progress_table import summary

    table = summary()
    if table.empty:
        typer.echo(f"nothing is done yet (your progress is kept in {progress.folder()})")
        return
    groups = {word: list(columns) for word, columns in groupby(table.columns, key=lambda name: name.partition(" ")[0])}
    parts = {word: [name.partition(" ")[2] for name in columns] for word, columns in groups.items()}
    shown = Table("notebook", *(f"{word}: {', '.join(names)}" for word, names in parts.items()))
    for notebook, counts in table.iterrows():
        shown.add_row(str(notebook), *(", ".join(str(counts[name]) for name in columns) for columns in groups.values()))
    show(shown)
    for name, found in progress.kept("prediction").items():
        if found.get("mark"):
            typer.echo(f"{name}: {found['told']}")
    typer.echo(f"your progress is kept in {progress.folder()}")


def _forget(yes: bool) -> None:
    count = sum(len(progress.kept(kind)) for kind in progress.KINDS)
    if not count:
        typer.echo("nothing to remove: nothing is kept")
    elif yes or agreed(f"Remove all {count} things that are kept of what you have done?"):
        typer.echo(f"removed {progress.forget()}")
    else:
        raise typer.Exit(1)
