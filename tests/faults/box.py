"""The files that the table of bad inputs speaks of as `BOX/...`."""

import json
import os
from pathlib import Path

from tests.faults import box_logs

TEXTS = {
    "story.log": "once upon a time",
    "short.log": "epoch=1 loss=0.6\nepoch=2 loss=0.5\n",
    "mine.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    "course_of_mine/06_ppo.ipynb": "my own notes",
    "list_in_json.ipynb": "[1]",
    "empty.ipynb": "",
}


def notebook(settings: str = "seed = 0\nkl_coef = 0.05", kernel: str = "python3", **metadata: dict) -> str:
    """One that can be run, with its parameters."""
    cell = {"cell_type": "code", "id": "a", "metadata": {"tags": ["parameters"]}, "source": settings}
    metadata["kernelspec"] = {"name": kernel, "display_name": kernel}
    cells = [{**cell, "outputs": [], "execution_count": None}]
    return json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


# What takes the place of a notebook, by the name of its folder.
NOTEBOOKS = {
    "tidy": notebook(),
    "julia": notebook(kernel="julia-1.9"),
    "unnamed_kernel": notebook().replace('"name": "python3", ', ""),
    "no_python": notebook("seed ="),
    "zero_byte": notebook("seed = 0\0"),
    "deep_python": notebook("seed = " + "(" * 1000),
    "empty": "",
    "empty_object": "{}",
    "empty_list": "[]",
    "cut": notebook()[:90],
    "deep": "[" * 100_000,
    "number_cells": '{"cells": [1]}',
    "null_cells": '{"cells": null}',
    "bare_cell": '{"cells": [{}]}',
    "no_metadata": '{"cells": [{"cell_type": "code", "source": "seed = 0"}]}',
    "list_metadata": '{"cells": [{"cell_type": "code", "source": "seed = 0", "metadata": []}]}',
    "number_source": '{"cells": [{"cell_type": "code", "source": 7, "metadata": {}}]}',
    "no_version": '{"cells": [], "metadata": {}}',
    "version_99": '{"cells": [], "metadata": {}, "nbformat": 99, "nbformat_minor": 0}',
    "unknown_cell": notebook().replace('"cell_type": "code"', '"cell_type": "poem"'),
}


def fill(box: Path) -> None:
    """Makes them."""
    for name, text in {**TEXTS, **{f"{name}/06_ppo.ipynb": text for name, text in NOTEBOOKS.items()}}.items():
        (box / name).parent.mkdir(parents=True, exist_ok=True)
        (box / name).write_text(text, encoding="utf-8")
    os.mkfifo(box / "pipe")
    (box / "link.ipynb").symlink_to(box / "tidy" / "06_ppo.ipynb")
    (box / "hard_link.ipynb").hardlink_to(box / "tidy" / "06_ppo.ipynb")
    (box / "linked_course").symlink_to(box / "tidy")
    (box / "folder_as_notebook" / "06_ppo.ipynb").mkdir(parents=True)
    (box / "pipe_as_notebook").mkdir()
    os.mkfifo(box / "pipe_as_notebook" / "06_ppo.ipynb")
    box_logs.fill(box / "logs")
