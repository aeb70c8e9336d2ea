"""What every notebook of the course must be: in step with its source, executed, short in its cells."""

import html
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import papermill
import pytest
from nbconvert import HTMLExporter

from rlhf_lessons import exercises, reruns, tables
from rlhf_lessons.knobs import KNOBS
from rlhf_lessons.questions.bank import bank
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
    "10_a_real_model",
}
LONGEST_CELL, MOST_CELLS = 12, 35
NOT_IN_CELLS = re.compile(
    r"^\s*class |\b(ipywidgets|interact|matplotlib|pyplot|subplots|add_subplot|savefig|set_xlabel|axhline)\b"
    r"|\bplt\.|\w+Slider\b|\.(plot|hist|scatter|observe|on_click)\(",
    re.MULTILINE,
)

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def prose(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


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
def test_prose_stands_between_any_two_cells_of_code_and_these_are_few(path):
    kinds = [cell.cell_type for cell in nbformat.read(path, as_version=4).cells]
    assert kinds[0] == kinds[-1] == "markdown" and ("code", "code") not in pairwise(kinds)
    assert kinds.count("code") <= MOST_CELLS


@each_notebook
def test_headings_are_an_outline(path):
    levels = [len(marks) for marks in re.findall(r"^(#+) \S", prose(path), re.MULTILINE)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(lower <= upper + 1 for upper, lower in pairwise(levels))


@each_notebook
def test_the_last_cell_says_in_five_lines_what_was_seen_and_leads_on(path):
    last, place = nbformat.read(path, as_version=4).cells[-1].source, NOTEBOOKS.index(path)
    assert last.startswith("## What we saw\n") and len(re.findall(r"^- ", last, re.MULTILINE)) == 5
    around = {"Next": NOTEBOOKS[place + 1 : place + 2], "Before": NOTEBOOKS[max(0, place - 1) : place]}
    links = [f"**{word}:** [{reruns.title(other)}]({other.name})" for word, found in around.items() for other in found]
    assert last.endswith("\n" + " · ".join(links))


@each_notebook
def test_every_prediction_is_asked_and_then_measured_and_a_quiz_ends_it(path):
    number, code = path.stem[:2], "\n".join(cell.source for cell in code_cells(path))
    for name in bank(number).predictions:
        asked, measured = f'questions.predict("{number}.{name}")', f'questions.measured("{number}.{name}", '
        assert code.count(asked) == 1 == code.count(measured) and code.index(asked) < code.index(measured), name
    assert code.count("questions.predict(") == code.count("questions.measured(") == len(bank(number).predictions)
    assert [cell.source for cell in code_cells(path)][-2] == f'questions.quiz("{number}")'


@each_notebook
def test_the_time_is_at_most_45_minutes_and_the_exercises_are_counted(path):
    said = re.search(r"\*\*Time:\*\* (\d+) minutes(?:, exercises (\d+) more)?", prose(path))
    assert said and int(said[1]) <= 45
    assert int(said[2] or 0) == sum(exercises.minutes(path.stem[:2]).values())


@each_notebook
def test_what_would_falsify_a_claim_is_answered_under_a_fold(path):
    asked = prose(path).count("would falsify")
    folds = re.findall(
        r"<details><summary><b>What would falsify.*?</summary>\n\n\S.*?</details>", prose(path), re.DOTALL
    )
    assert len(folds) == asked >= (path.stem[:2] != "00")
    assert "**Predict first" not in prose(path), "a panel asks"


@each_notebook
def test_tables_show_every_word_and_at_most_twelve_rows_before_a_fold(path):
    for cell in code_cells(path):
        for output in cell.outputs:
            page = output.get("data", {}).get("text/html", "")
            for table in re.findall(r"<table.*?</table>", page.partition("<details")[0], re.DOTALL):
                assert table.count("<tr") <= tables.ROWS + 2, cell.id
                assert "..." not in table and not re.search(r">[a-z]+_[a-z_0-9]*<", table.replace("</", "<")), cell.id


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
def test_labs_show_their_words_and_their_picture_where_no_kernel_runs(path):
    for cell in (cell for cell in code_cells(path) if re.search(r"\w\.show\(", cell.source)):
        pages = [output.data for output in cell.outputs if "rlhf-" in output.get("data", {}).get("text/html", "")]
        assert len(pages) == 1, cell.id
        picture = set() if "rlhf-talked" in pages[0]["text/html"] else {"image/png"}
        assert pages[0].keys() == {"text/html", "text/plain"} | picture, cell.id


@each_notebook
def test_every_picture_is_described_on_a_page(path):
    page, _ = HTMLExporter().from_filename(str(path))
    shown = [output for cell in code_cells(path) for output in cell.outputs if "image/png" in output.get("data", {})]
    alts = [html.unescape(alt) for alt in re.findall(r'<img[^>]*? alt="([^"]+)"', page)]
    assert "No description has been provided" not in page
    assert all(output.metadata["image/png"]["alt"] in alts for output in shown)
