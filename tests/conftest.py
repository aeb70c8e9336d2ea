from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


@pytest.fixture
def write_notebook(tmp_path) -> Callable[..., Path]:
    """Writes a small notebook: a heading, a `parameters` cell, then the code cells given."""

    def write(name: str, *cells: str, parameters: str = "seed = 0\nkl_coef = 0.05\nadaptive_kl = False") -> Path:
        settings = new_code_cell(parameters, metadata={"tags": ["parameters"]})
        code = [new_code_cell(cell) for cell in cells]
        notebook = new_notebook(cells=[new_markdown_cell(f"# About {name}"), settings, *code])
        notebook.metadata["kernelspec"] = KERNEL
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return write
