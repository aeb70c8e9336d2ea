"""On what, and how large: the options `--device` and `--scale`, and the command `rlhf-lessons scale`."""

# torch takes seconds to load: who names no device does not wait for it.
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from rlhf_lessons import scales
from rlhf_lessons.terminal import show

if TYPE_CHECKING:
    from rlhf_lessons.scale_costs import Cost


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

ROWS: Mapping[str, Callable[["Cost"], str]] = {
    "layers x width": lambda cost: f"{cost.plan.layers} x {cost.plan.width}",
    "weights": lambda cost: f"{cost.weights:,}",
    "notes": lambda cost: f"{cost.plan.n_notes:,}",
    "tokens read": lambda cost: f"{cost.tokens:,}",
    "FLOPs": lambda cost: f"{cost.flops:.1e}",
    "memory": lambda cost: f"{cost.memory / 1e6:,.0f} MB",
    "a step": lambda cost: f"{cost.step_seconds:.3f} s",
    "minutes": lambda cost: f"{cost.minutes:,.1f}",
}


def scale(device: Device = None) -> None:
    """What pretraining costs at each size. Counted, but for the minutes: a few steps are timed here."""
    from rlhf_lessons import devices, scale_costs
    from rlhf_lessons.world import cases, formulary

    costs = {}
    for size in scales.SIZES:
        typer.echo(f"{size} ...", err=True)
        costs[size] = scale_costs.measure(size)
    table = Table("", *costs)
    for name, words in ROWS.items():
        table.add_row(name, *map(words, costs.values()))
    show(table)
    steps = costs[scales.COURSE].plan.steps
    typer.echo(f"minutes: {steps:,} steps as fast as the few that were timed, on {devices.chosen()}; a guess")
    facts, asked = len(formulary.load_facts()), len(cases.all_cases())
    typer.echo(
        f"facts: {facts}, asked about in {asked} cases, at every size; each has its source, so none can be added"
    )
