"""On what, and how large: the options `--device` and `--scale`, and the command `rlhf-lessons scale`."""

# torch takes seconds to load: who names no device does not wait for it.
from typing import Annotated

import typer
from rich.table import Table

from rlhf_lessons import scales
from rlhf_lessons.terminal import show


def choose_device(name: str | None) -> str | None:
    """Choose for this process and the kernels and processes that it starts."""
    if name is not None:
        from rlhf_lessons import devices

        devices.choose(name)
    return name


def choose_scale(size: str | None) -> str | None:
    """Choose for this process and the kernels and processes that it starts."""
    if size is not None:
        scales.choose(size)
    return size


Device = Annotated[
    str | None,
    typer.Option(
        "--device",
        callback=choose_device,
        envvar="RLHF_LESSONS_DEVICE",
        help="Where to compute: cpu (if unset), cuda, mps, or auto, the fastest that is there.",
    ),
]
Scale = Annotated[
    str | None,
    typer.Option(
        "--scale",
        callback=choose_scale,
        envvar=scales.VARIABLE,
        help="The size of the model: course (if unset), 10x or 100x.",
    ),
]


def scale(device: Device = None) -> None:
    """What pretraining costs at each size. Counted, but for the minutes: a few steps are timed here."""
    from rlhf_lessons import devices, scale_costs
    from rlhf_lessons.world import cases, formulary

    table = Table("size", "layers x width", "weights", "notes", "tokens", "FLOPs", "memory", "a step", "minutes")
    for column in table.columns:
        column.no_wrap = True
    for size in scales.SIZES:
        typer.echo(f"{size} ...", err=True)
        cost = scale_costs.measure(size)
        plan = cost.plan
        shape = f"{plan.layers} x {plan.width}"
        step, minutes = f"{cost.step_seconds:.3g} s", f"{cost.minutes:.2g}"
        memory = f"{cost.memory / 1e6:,.0f} MB"
        counts = [f"{count:,}" for count in (cost.weights, plan.n_notes, cost.tokens)]
        table.add_row(size, shape, *counts, f"{cost.flops:.1e}", memory, step, minutes)
    show(table)
    typer.echo(f"minutes: {plan.steps:,} steps as fast as the few that were timed, on {devices.chosen()}; a guess")
    facts, asked = len(formulary.load_facts()), len(cases.all_cases())
    typer.echo(
        f"facts: {facts}, asked about in {asked} cases, at every size; each has its source, so none can be added"
    )
