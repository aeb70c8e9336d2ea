"""What is wrong with a notebook that was run: all that nbval finds, and what it misses in widgets.

`make test` runs the notebooks once: in the browser where there is one, and asks here; by nbval where there is none.
"""

from collections import defaultdict
from collections.abc import Iterator

from nbformat import NotebookNode
from nbval.plugin import find_comment_markers, find_metadata_tags

from rlhf_lessons.run_files import errors_in


def run_faults(ran: NotebookNode, kept: NotebookNode) -> list[str]:
    """What went wrong in the run, a line each. `kept` is the same notebook as it is stored, with its outputs.

    A fault is a code cell that did not run, an error in a cell or in a widget's callback, and, in a cell that asks
    for it with `# NBVAL_CHECK_OUTPUT` or the tag `nbval-check-output`, a text other than the stored one.
    """
    pairs = zip(_code_cells(ran), _code_cells(kept), strict=True)
    changed = [fault for cell, stored in pairs for fault in _changed_texts(cell, stored)]
    return [*_not_run(ran), *errors_in(ran), *changed]


def _code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _not_run(notebook: NotebookNode) -> Iterator[str]:
    for number, cell in enumerate(_code_cells(notebook), 1):
        if cell.execution_count is None and cell.source.strip():
            yield f"code cell {number} did not run"


def _changed_texts(ran: NotebookNode, kept: NotebookNode) -> Iterator[str]:
    marks = dict([*find_metadata_tags(kept.metadata), *find_comment_markers(kept.source)])
    if ran.execution_count is not None and marks.get("check") and _texts(ran) != _texts(kept):
        yield f"code cell {kept.execution_count} shows {_texts(ran)}, stored is {_texts(kept)}"


def _texts(cell: NotebookNode) -> dict[str, str]:
    """All that a cell says, by channel: its streams, and the text and HTML of what it shows."""
    texts: dict[str, str] = defaultdict(str)
    for output in cell.outputs:
        if output.output_type == "stream":
            texts[output.name] += output.text
        for kind, text in output.get("data", {}).items():
            if kind.startswith("text/"):
                texts[kind] += text
    return dict(texts)
