"""Running the course's notebooks without a screen, with other parameters, and noticing every failure."""

import ast
import os
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlhf_lessons import knobs, run_files, scales
from rlhf_lessons.knobs import KNOBS, Value
from rlhf_lessons.refusals import shown

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"  # of the checkout this file is in
PRETRAINING = "01_"
NUMBERED = "[0-9][0-9]_*.ipynb"
CELL_SECONDS = 1800  # the slowest cell of the course takes a few minutes on two cores
MOST_CELL_SECONDS = 86_400  # a day


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
        raise ValueError(
            f"notebooks: {str(folder)!r} holds none; the course's notebooks are in its repository, not in the"
            " installed package: name their folder with --notebooks"
        )
    return found


def find_notebook(which: str, folder: Path) -> Path:
    """The notebook `which`, where 6, 06 and 06_ppo mean the same. Raises ValueError if there is none."""
    found = list_notebooks(folder)
    name = which.removesuffix(".ipynb")
    number = re.fullmatch("0*([0-9]{1,2})", name)
    for path in found:
        if path.stem == name or (number and path.stem.startswith(f"{number[1]:0>2}_")):
            return path
    names = ", ".join(path.stem for path in found)
    raise ValueError(f"notebook: {shown(which)} is not one; it must be a number or a name from {names}")


def title(path: Path) -> str:
    """The first heading of a notebook, or its name."""
    for kind, text, _ in cells(path):
        heading = re.search(r"^# (.+)$", text, re.MULTILINE) if kind == "markdown" else None
        if heading:
            return "".join(letter if letter.isprintable() else " " for letter in heading[1]).strip()
    return path.stem


def parameters_of(path: Path) -> dict[str, str]:
    """Names of a notebook's parameters, each with its default as the notebook writes it: as papermill finds them.

    Raises ValueError if the file is no notebook or the cell with its parameters is not Python.
    """
    text = next((text for _, text, tags in cells(path) if "parameters" in tags), "")
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # a zero byte, a deep nesting
        reason = getattr(error, "msg", error)
        raise ValueError(f"notebook: the parameters of {str(path)!r} are not Python ({reason})") from None
    found = {}
    for statement in statements:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
            found[ast.unparse(target)] = ast.get_source_segment(text, statement.value) or ""
    return found


def cells(path: Path) -> list[tuple[str, str, list[str]]]:
    """Kind, text and tags of each cell of a notebook. Raises ValueError if the file is none."""
    try:
        return [
            (cell["cell_type"], "".join(cell["source"]), list(cell["metadata"].get("tags", [])))
            for cell in run_files.read(path)["cells"]
        ]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _no_notebook(path) from None


def _no_notebook(path: Path) -> ValueError:
    return ValueError(f"notebook: {str(path)!r} is not one; it must be a file that Jupyter saved")


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


def scaled(path: Path) -> dict[str, Value]:
    """What the size that RLHF_LESSONS_SCALE names sets of a notebook's parameters: of the one on pretraining."""
    if not path.stem.startswith(PRETRAINING):
        return {}
    known = parameters_of(path)
    return {name: value for name, value in scales.changes("pretrained").items() if name in known}


def parse_values(path: Path, texts: Mapping[str, Sequence[str]]) -> dict[str, list[Value]]:
    """Several values of each parameter, typed on a command line. Raises ValueError as `check_parameters` does."""
    return _checked(path, texts, lambda name, several: [knobs.parse(name, text) for text in several])


def check_parameters(path: Path, parameters: Mapping[str, Any]) -> dict[str, Value]:
    """The parameters, if the notebook at `path` has them all and their knobs allow the values.

    Raises ValueError with everything that is wrong and the list of what is allowed.
    """
    return _checked(path, parameters, lambda name, value: knobs.find(name).check(value))


def _checked(path: Path, parameters: Mapping[str, Any], read: Callable[[str, Any], Any]) -> dict[str, Any]:
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


def check_run(
    path: Path, parameters: Mapping[str, Any], output: Path, cell_seconds: int = CELL_SECONDS, force: bool = False
) -> dict[str, Value]:
    """The parameters as `check_parameters` gives them, if `run_notebook` would start with the same arguments.

    Raises ValueError if a parameter is wrong, there is no time for a cell, the notebook's kernel is not installed, or
    `output` is the notebook itself, or, without `force`, anything that is there and that no run wrote.
    """
    from nbformat.validator import isvalid

    from rlhf_lessons import kernels

    values = check_parameters(path, parameters)
    if not 1 <= cell_seconds <= MOST_CELL_SECONDS:
        allowed = f"a whole number from 1 to {MOST_CELL_SECONDS}"
        raise ValueError(f"cell_seconds: {shown(cell_seconds)} is not allowed; it must be {allowed}")
    notebook = run_files.read(path)
    if notebook.get("nbformat") != 4 or not isvalid(notebook):
        raise _no_notebook(path)
    kernels.check_installed(notebook["metadata"].get("kernelspec", {}).get("name", ""), repr(str(path)))
    with run_files.writing(output):
        run_files.check_output(output, path, force)
    return values


def run_notebook(
    path: Path,
    parameters: Mapping[str, Any],
    output: Path,
    progress_bar: bool = False,
    cell_seconds: int = CELL_SECONDS,
    force: bool = False,
) -> NotebookRun:
    """Run a copy of the notebook at `path` in its own folder, and keep it with its outputs at `output`.

    A cell that takes longer than `cell_seconds` ends the run. Raises ValueError before anything runs, as `check_run`
    does. What fails in a cell or in a widget's callback is no exception but stands in the run's errors. `output` is
    replaced at the end, whole, also after a KeyboardInterrupt, which then says so; a run that was killed leaves it as
    it was, and what it did itself in a folder `.unfinished-...` beside it.
    """
    from rlhf_lessons import kernels

    values = check_run(path, parameters, output, cell_seconds, force)
    started = time.monotonic()
    target = Path(os.path.realpath(output))  # a link stays one
    with run_files.writing(output):
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=target.parent) as folder:
            copy = Path(folder, "run.ipynb")
            try:
                errors = _execute(path, values, copy, progress_bar, cell_seconds)
            except KeyboardInterrupt:
                kernels.kill_all()
                begun = run_files.begun(copy)
                if begun:
                    _keep(copy, target, output)
                said = f"what was run so far is in {output}" if begun else "no cell had begun"
                raise KeyboardInterrupt(said) from None
            errors += _keep(copy, target, output)
    return NotebookRun(output, time.monotonic() - started, [f"{path.stem}, {error}" for error in errors])


def _execute(path: Path, values: Mapping[str, Value], copy: Path, progress_bar: bool, cell_seconds: int) -> list[str]:
    """Run the notebook, kept at `copy` cell by cell. Returns what ended it, unless the copy holds the error itself."""
    import papermill
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError

    from rlhf_lessons.kernels import PrivateKernelManager

    # Papermill takes braces in a path for the names of parameters.
    source, goal = (str(file.absolute()).replace("{", "{{").replace("}", "}}") for file in (path, copy))
    try:
        papermill.execute_notebook(
            source,
            goal,
            values,
            language="python",
            cwd=str(path.parent),
            progress_bar=progress_bar,
            execution_timeout=cell_seconds,
            kernel_manager_class=PrivateKernelManager,
        )
    except PapermillExecutionError:
        return []
    except CellTimeoutError:
        return [f"{run_files.last_begun(copy)}: it took longer than {cell_seconds} seconds and was stopped"]
    except RuntimeError as error:  # of nbclient, where the kernel died or did not start
        return [f"{run_files.last_begun(copy)}: {error}"]
    return []


def _keep(copy: Path, target: Path, output: Path) -> list[str]:
    """Move what was run to where it belongs, and return the errors in it."""
    import nbformat

    notebook = nbformat.read(copy, as_version=4)
    notebook.metadata.papermill.output_path = str(output)
    nbformat.write(notebook, copy)
    os.replace(copy, target)
    return run_files.errors_in(notebook)
