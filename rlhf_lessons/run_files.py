"""What a run of a notebook leaves on disk: where it may be put, how far it came, and what failed in it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rlhf_lessons import files

if TYPE_CHECKING:
    from nbformat import NotebookNode  # loading nbformat takes longer than `rlhf-lessons list` may

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
ERRORS = {"OutputModel": "outputs", "AnyModel": "errors"}  # where a widget of ipywidgets, and a lab, keep theirs


def read(path: Path) -> Any:
    """What a notebook's file holds. Raises ValueError for what is no JSON in UTF-8, which is what Jupyter saves."""
    return files.parse_json(files.read(path).decode("utf-8"), repr(str(path)))


def check_output(output: Path, path: Path, force: bool) -> None:
    """Raise ValueError if a run of the notebook at `path` must not be put there: see `reruns.check_run`."""
    if not output.exists():
        return
    if output.samefile(path):  # by whatever name: a link leads to the notebook as well
        raise ValueError(f"output: {str(output)!r} is the notebook itself; it must be another file")
    if not output.is_file():
        raise ValueError(f"output: {str(output)!r} is not an ordinary file; it must be one, and no folder or pipe")
    if not (force or is_run(output)):
        raise ValueError(f"output: {str(output)!r} was not written by a run; it must be a new file (or --force)")


def is_run(path: Path) -> bool:
    """Whether a file is a notebook that papermill wrote, which it is from the first cell on."""
    try:
        return "papermill" in read(path)["metadata"]
    except (ValueError, KeyError, TypeError):
        return False


@contextmanager
def writing(output: Path) -> Iterator[None]:
    """An error of the file system says what could not be written."""
    try:
        yield
    except OSError as error:
        raise OSError(f"output: {str(output)!r} cannot be written ({error.strerror or error})") from None


def begun(copy: Path) -> list[tuple[int, str]]:
    """The code cells that papermill began: their numbers among the notebook's own, and their first lines."""
    if not is_run(copy):
        return []
    own = [cell for cell in read(copy)["cells"] if "injected-parameters" not in cell["metadata"].get("tags", [])]
    code = [cell for cell in own if cell["cell_type"] == "code"]
    return [
        (number, "".join(cell["source"]).strip().partition("\n")[0])
        for number, cell in enumerate(code, 1)
        if cell["metadata"]["papermill"]["start_time"]
    ]


def last_begun(copy: Path) -> str:
    """The last cell that papermill began, in words."""
    started = begun(copy)
    return f"in code cell {started[-1][0]} ({started[-1][1]})" if started else "before its first cell"


def errors_in(notebook: "NotebookNode") -> list[str]:
    """Every error kept in an executed notebook: of its cells and of its widgets' callbacks.

    What a learner does with a widget stops nothing when it raises: its error is in the widget's state alone.
    """
    found = []
    for cell in notebook.cells:
        found += [f"in a cell: {text}" for text in _error_texts(cell.get("outputs", []))]
    for outputs in _widget_outputs(notebook):
        found += [f"in a widget's callback: {text}" for text in _error_texts(outputs)]
    return found


def _widget_outputs(notebook: "NotebookNode") -> Iterator[list[dict[str, Any]]]:
    for widgets in notebook.metadata.get("widgets", {}).values():
        for model in widgets.get("state", {}).values():
            if model.get("model_name") in ERRORS:
                yield model["state"].get(ERRORS[model["model_name"]], [])


def _error_texts(outputs: list[dict[str, Any]]) -> Iterator[str]:
    for output in outputs:
        if output["output_type"] == "error":
            yield COLOURS.sub("", "\n".join([f"{output['ename']}: {output['evalue']}", *output["traceback"]]))
