"""Running the course's notebooks without a screen, with other parameters, and noticing every failure."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.exceptions import PapermillExecutionError

from rlhf_lessons import knobs
from rlhf_lessons.knobs import KNOBS, Value

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"  # of the checkout this file is in
NUMBERED = "[0-9][0-9]_*.ipynb"
CELL_SECONDS = 1800  # the slowest cell of the course takes a few minutes on two cores
COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class NotebookRun:
    """One run of a notebook: the notebook with its outputs, its duration, and what failed in it."""

    output: Path
    seconds: float
    errors: list[str]


def list_notebooks(folder: Path) -> list[Path]:
    """The course's notebooks in order. Raises ValueError if the folder has none."""
    found = sorted(folder.glob(NUMBERED))
    if not found:
        raise ValueError(f"notebooks: {str(folder)!r} holds none; it must be the notebooks folder of a checkout")
    return found


def find_notebook(which: str, folder: Path) -> Path:
    """The notebook `which`, where 6, 06 and 06_ppo mean the same. Raises ValueError if there is none."""
    found = list_notebooks(folder)
    name = which.removesuffix(".ipynb")
    for path in found:
        if path.stem == name or (name.isdigit() and path.stem.startswith(f"{int(name):02}_")):
            return path
    names = ", ".join(path.stem for path in found)
    raise ValueError(f"notebook: {which!r} is not one; it must be a number or a name from {names}")


def title(path: Path) -> str:
    """The first heading of a notebook, or its name."""
    for cell in nbformat.read(path, as_version=4).cells:
        heading = re.search(r"^# (.+)$", cell.source, re.MULTILINE) if cell.cell_type == "markdown" else None
        if heading:
            return heading[1].strip()
    return path.stem


def parameters_of(path: Path) -> dict[str, str]:
    """Names of a notebook's parameters, each with its default as the notebook writes it."""
    return {name: found["default"] for name, found in papermill.inspect_notebook(str(path)).items()}


def describe_parameters(path: Path) -> str:
    """What may be set in a notebook, a line each: default, bounds, unit and meaning."""
    lines = [f"parameters of {path.stem}:"]
    for name, default in parameters_of(path).items():
        knob = knobs.find(name)
        unit = f" ({knob.unit})" if knob.unit else ""
        lines.append(f"  {name} = {default}: {knob.allowed}{unit}. {knob.meaning}")
    return "\n".join(lines if len(lines) > 1 else [f"{path.stem} has no parameters"])


def parse_parameters(path: Path, texts: Mapping[str, str]) -> dict[str, Value]:
    """Parameters typed on a command line as values. Raises ValueError as `check_parameters` does."""
    return _checked(path, texts, knobs.parse)


def check_parameters(path: Path, parameters: Mapping[str, Any]) -> dict[str, Value]:
    """The parameters, if the notebook at `path` has them all and their knobs allow the values.

    Raises ValueError with everything that is wrong and the list of what is allowed.
    """
    return _checked(path, parameters, lambda name, value: knobs.find(name).check(value))


def _checked(path: Path, parameters: Mapping[str, Any], read: Callable) -> dict[str, Value]:
    known = parameters_of(path)
    values, faults = {}, []
    for name, value in parameters.items():
        if name not in known or name not in KNOBS:
            faults.append(f"{name}: {path.stem} has no such parameter")
            continue
        try:
            values[name] = read(name, value)
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ValueError("\n".join([*faults, describe_parameters(path)]))
    return values


def run_notebook(
    path: Path,
    parameters: Mapping[str, Any],
    output: Path,
    progress_bar: bool = False,
    cell_seconds: int = CELL_SECONDS,
) -> NotebookRun:
    """Run a copy of the notebook at `path` in its own folder, and keep it with its outputs at `output`.

    A cell that takes longer than `cell_seconds` ends the run. Raises ValueError before anything runs if a parameter is
    wrong, there is no time for a cell, or `output` is the notebook itself. What fails in a cell or in a widget's
    callback is no exception but stands in the run's errors.
    """
    values = check_parameters(path, parameters)
    if cell_seconds < 1:
        raise ValueError(f"cell_seconds: {cell_seconds} is not allowed; it must be a whole number from 1 up")
    if output.resolve() == path.resolve():
        raise ValueError(f"output: {str(output)!r} is the notebook itself; it must be another file")
    output.parent.mkdir(parents=True, exist_ok=True)
    started, errors = time.monotonic(), []
    try:
        papermill.execute_notebook(
            str(path),
            str(output),
            values,
            cwd=str(path.parent),
            progress_bar=progress_bar,
            execution_timeout=cell_seconds,
        )
    except PapermillExecutionError:
        pass  # the output notebook holds the error, and is read below
    except CellTimeoutError:
        errors.append(f"{_last_started(output)}: it took longer than {cell_seconds} seconds and was stopped")
    except DeadKernelError as error:
        errors.append(f"{_last_started(output)}: {error}")
    errors += errors_in(nbformat.read(output, as_version=4))
    return NotebookRun(output, time.monotonic() - started, [f"{path.stem}, {error}" for error in errors])


def _last_started(output: Path) -> str:
    """The last cell that papermill began: its number among the notebook's own code cells, and its first line."""
    cells = [cell for cell in nbformat.read(output, as_version=4).cells if cell.cell_type == "code"]
    own = [cell for cell in cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    number, cell = [(n, cell) for n, cell in enumerate(own, 1) if cell.metadata.papermill.start_time][-1]
    return f"in code cell {number} ({cell.source.strip().partition(chr(10))[0]})"


def errors_in(notebook: nbformat.NotebookNode) -> list[str]:
    """Every error kept in an executed notebook: of its cells and of its widgets' callbacks.

    A callback that raises inside an Output widget stops nothing: its error is in the widget's state alone.
    """
    found = []
    for cell in notebook.cells:
        found += [f"in a cell: {text}" for text in _error_texts(cell.get("outputs", []))]
    for outputs in _widget_outputs(notebook):
        found += [f"in a widget's callback: {text}" for text in _error_texts(outputs)]
    return found


def _widget_outputs(notebook: nbformat.NotebookNode) -> Iterator[list[dict[str, Any]]]:
    for widgets in notebook.metadata.get("widgets", {}).values():
        for model in widgets.get("state", {}).values():
            if model.get("model_name") == "OutputModel":
                yield model["state"].get("outputs", [])


def _error_texts(outputs: list[dict[str, Any]]) -> Iterator[str]:
    for output in outputs:
        if output["output_type"] == "error":
            yield COLOURS.sub("", "\n".join([f"{output['ename']}: {output['evalue']}", *output["traceback"]]))
