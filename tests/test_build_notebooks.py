from pathlib import Path

import nbformat
import pytest

from tools import build_notebooks

SOURCE = """---
kernelspec:
  display_name: Python 3 (ipykernel)
  language: python
  name: python3
---

# Title

```{code-cell}
:tags: [parameters]
seed = 0
```

Words.

```{code-cell}
BODY
```
"""
LAB = """
from IPython.display import display
display({"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "bar"}, raw=True)
display({"application/vnd.jupyter.widget-view+json": {"model_id": "2"}, "text/plain": ""}, raw=True)
display({"text/html": "<p>a still</p>", "image/png": "AAAA", "text/plain": "Healthy."}, raw=True)
import ipywidgets
_ = ipywidgets.IntSlider()
"""
CALLBACK = """
import ipywidgets
output = ipywidgets.Output()
with output:
    raise RuntimeError("hidden")
"""


@pytest.fixture
def write_source(tmp_path):
    def write(name: str, body: str) -> Path:
        path = tmp_path / "sources" / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(SOURCE.replace("BODY", body.strip()), encoding="utf-8")
        return path

    return write


def build(folder: Path, *arguments: str) -> int:
    return build_notebooks.main(list(arguments), folder)


def read(folder: Path, name: str) -> nbformat.NotebookNode:
    return nbformat.read(folder / f"{name}.ipynb", as_version=4)


def test_cells_have_the_same_ids_at_each_conversion(write_source):
    source = write_source("01_tiny", "print(seed)")
    once, again = build_notebooks.convert(source), build_notebooks.convert(source)
    assert [cell.id for cell in once.cells] == ["01_tiny-00", "01_tiny-01", "01_tiny-02", "01_tiny-03"]
    assert once == again
    assert once.cells[1].metadata.tags == ["parameters"]


@pytest.mark.slow
def test_a_build_keeps_outputs_and_no_trace_of_the_machine(write_source, tmp_path):
    root = build_notebooks.NOTEBOOKS.parent
    write_source("01_tiny", f"import os\nprint(seed, r'{root}/rlhf_lessons', os.getcwd() == r'{tmp_path}')\n{LAB}")
    assert build(tmp_path) == 0
    notebook = read(tmp_path, "01_tiny")
    cell = notebook.cells[3]
    assert cell.execution_count == 2
    assert [output.output_type for output in cell.outputs] == ["stream", "display_data"]
    assert cell.outputs[0].text == "0 rlhf_lessons True\n"
    assert cell.outputs[1].data == {"text/html": "<p>a still</p>", "image/png": "AAAA", "text/plain": "Healthy."}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert set(build_notebooks.made_with(tmp_path)["01_tiny"]) == {"threads", "torch"}
    assert notebook.metadata.kernelspec.name == "python3" and "version" not in notebook.metadata.language_info
    assert all("execution" not in cell.metadata for cell in notebook.cells)
    first = (tmp_path / "01_tiny.ipynb").read_bytes()
    assert build(tmp_path, "01_tiny") == 0
    assert (tmp_path / "01_tiny.ipynb").read_bytes() == first


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("1 / 0", "ZeroDivisionError"),
        (CALLBACK, "RuntimeError: hidden"),
        ("import time\ntime.sleep(3600)", "timed out"),
        ("import os\nos._exit(1)", "Kernel died"),
    ],
)
def test_a_failing_notebook_is_not_written(body, message, write_source, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(build_notebooks, "CELL_SECONDS", 3)
    write_source("01_tiny", body)
    assert build(tmp_path) == 1
    assert not (tmp_path / "01_tiny.ipynb").exists()
    streams = capsys.readouterr()
    assert "01_tiny: failed" in streams.out and message in streams.err


def test_check_names_what_is_not_in_step(write_source, tmp_path, capsys):
    for name in ("01_same", "02_edited", "03_tagged", "04_unbuilt"):
        source = write_source(name, "print(seed)")
        if name != "04_unbuilt":
            nbformat.write(build_notebooks.convert(source), tmp_path / f"{name}.ipynb")
    assert build_notebooks.out_of_step(tmp_path) == ["04_unbuilt"]
    write_source("02_edited", "print(seed + 1)")
    tagged = read(tmp_path, "03_tagged")
    tagged.cells[3].metadata["tags"] = ["skip"]
    nbformat.write(tagged, tmp_path / "03_tagged.ipynb")
    assert build(tmp_path, "--check") == 1
    assert capsys.readouterr().out == "not in step with their sources: 04_unbuilt, 02_edited, 03_tagged\n"


def test_check_passes_whatever_the_outputs(write_source, tmp_path):
    notebook = build_notebooks.convert(write_source("01_same", "print(seed)"))
    notebook.cells[3].execution_count = 7
    nbformat.write(notebook, tmp_path / "01_same.ipynb")
    assert build(tmp_path, "--check") == 0


def test_an_unknown_name_is_refused(write_source, tmp_path, capsys):
    write_source("01_tiny", "seed")
    with pytest.raises(SystemExit, match="2"):
        build(tmp_path, "02_huge")
    assert "02_huge: no such source; there are 01_tiny" in capsys.readouterr().err


def test_what_ships_with_the_course_outlives_a_build_of_some_notebooks_on_an_empty_cache(monkeypatch, capsys):
    shipped: list[dict] = []
    monkeypatch.setattr(build_notebooks.cache, "entries", list)
    monkeypatch.setattr(build_notebooks.results, "ship", shipped.append)
    build_notebooks.ship_results(build_notebooks.results.current())
    build_notebooks.ship_results({})
    assert {name: len(found) for name, found in shipped[0].items()} == {
        name: len(build_notebooks.results.shipped(name)) for name in build_notebooks.results.SHIPPED
    }
    assert all(shipped[0].values()) and not any(shipped[1].values())
