"""What every notebook of the course must be: in step with its source, executed, short in its cells."""

import html
import re
from pathlib import Path

import nbformat
import papermill
import pytest
from nbconvert import HTMLExporter

from rlhf_lessons.knobs import KNOBS
from tools import build_notebooks

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
COURSE = {
    "00_start_here",
    "01_pretraining",
    "02_sft",
    "03_reward_model_failure",
    "04_reward_model_diagnosis",
    "05_reward_model_fix",
    "06_ppo",
    "07_over_optimisation",
    "08_dpo",
    "09_groups_and_verifiers",
}
LONGEST_CELL = 12
NOT_IN_CELLS = re.compile(
    r"^\s*class |\b(ipywidgets|interact|matplotlib|pyplot|subplots|add_subplot|savefig|set_xlabel|axhline)\b"
    r"|\bplt\.|\w+Slider\b|\.(plot|hist|scatter|observe|on_click)\(",
    re.MULTILINE,
)

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def test_the_course_is_complete():
    assert {path.stem for path in NOTEBOOKS} >= COURSE


def test_notebooks_and_sources_are_in_step():
    assert build_notebooks.out_of_step(FOLDER) == []


@pytest.mark.parametrize("name", sorted(COURSE))
def test_it_has_a_lab(name):
    assert re.search(r"^\w+\.show\(", (FOLDER / "sources" / f"{name}.md").read_text("utf-8"), re.MULTILINE)


@each_notebook
def test_cells_are_short_and_leave_classes_widgets_and_plotting_to_the_package(path):
    for cell in code_cells(path):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        assert 1 <= len(lines) <= LONGEST_CELL, f"{cell.id} has {len(lines)} lines"
        assert not NOT_IN_CELLS.search(cell.source), cell.id


@each_notebook
def test_there_is_one_parameters_cell_and_all_its_names_are_knobs(path):
    tagged = [cell for cell in code_cells(path) if "parameters" in cell.metadata.get("tags", [])]
    assert len(tagged) == 1
    found = papermill.inspect_notebook(str(path))
    assert found and found.keys() <= KNOBS.keys()
    values: dict[str, object] = {}
    exec(tagged[0].source, values)
    for name in found:
        KNOBS[name].check(values[name])


@each_notebook
def test_outputs_are_stored_without_errors(path):
    counts = [cell.execution_count for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1)), "run from top to bottom, in one go"
    kinds = [output.output_type for cell in code_cells(path) for output in cell.outputs]
    assert kinds and "error" not in kinds


@each_notebook
def test_nothing_of_the_machine_is_stored(path):
    metadata = nbformat.read(path, as_version=4).metadata
    assert metadata.kernelspec == build_notebooks.KERNEL
    assert set(metadata) == {"kernelspec", "language_info"} and set(metadata.language_info) == {"name"}
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|Users|tmp|work)/\w", text)


@each_notebook
def test_labs_show_their_picture_with_words_where_no_kernel_runs(path):
    for cell in (cell for cell in code_cells(path) if re.search(r"\w\.show\(", cell.source)):
        stills = [output for output in cell.outputs if "rlhf-still" in output.get("data", {}).get("text/html", "")]
        assert [output.data.keys() for output in stills] == [{"text/html", "image/png", "text/plain"}], cell.id


@each_notebook
def test_every_picture_is_described_on_a_page(path):
    page, _ = HTMLExporter().from_filename(str(path))
    shown = [output for cell in code_cells(path) for output in cell.outputs if "image/png" in output.get("data", {})]
    alts = [html.unescape(alt) for alt in re.findall(r'<img[^>]*? alt="([^"]+)"', page)]
    assert "No description has been provided" not in page
    assert all(output.metadata["image/png"]["alt"] in alts for output in shown)
