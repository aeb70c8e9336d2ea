import json
import sys
from functools import partial

import nbformat
import papermill
import pytest

from rlhf_lessons import reruns
from rlhf_lessons.run_files import errors_in

SAVE = "import json, pathlib\npathlib.Path('seen.json').write_text(json.dumps([seed, kl_coef, adaptive_kl]))"
CALLBACK = """
import ipywidgets
def draw(seed):
    if seed > 2:
        raise RuntimeError(f"cannot draw {seed}")
slider = ipywidgets.IntSlider(value=1)
display(ipywidgets.interactive_output(draw, {"seed": slider}))
"""


def test_notebooks_are_found_by_number_or_name(write_notebook):
    second, first = write_notebook("06_ppo"), write_notebook("01_pretraining")
    write_notebook("scratch")
    folder = first.parent
    assert reruns.list_notebooks(folder) == [first, second]
    assert all(reruns.find_notebook(which, folder) == second for which in ("6", "06", "06_ppo", "06_ppo.ipynb"))
    for which in ("7", "ppo", "scratch", ""):
        with pytest.raises(ValueError, match=r"^notebook: .* is not one; .* from 01_pretraining, 06_ppo$"):
            reruns.find_notebook(which, folder)


def test_a_folder_without_notebooks_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^notebooks: .* holds none"):
        reruns.list_notebooks(tmp_path)


def test_title_and_parameters_are_read(write_notebook):
    path = write_notebook("06_ppo")
    assert reruns.title(path) == "About 06_ppo"
    assert reruns.parameters_of(path) == {"seed": "0", "kl_coef": "0.05", "adaptive_kl": "False"}
    text = reruns.describe_parameters(path)
    assert "kl_coef = 0.05: a number from 0 to 10 (reward per nat). Price" in text
    assert "adaptive_kl = False: true or false. " in text


@pytest.mark.parametrize("path", reruns.list_notebooks(reruns.NOTEBOOKS), ids=lambda path: path.stem)
def test_parameters_are_read_as_papermill_reads_them(path):
    assert reruns.parameters_of(path) == {
        name: found["default"] for name, found in papermill.inspect_notebook(str(path)).items()
    }


def test_parameters_of_every_form_are_read_as_papermill_reads_them(write_notebook):
    text = "# How it starts\nseed: int = 0\nreward_model = 'full'  # the judge\nkl_coef = -1e-3\nadaptive_kl=True"
    path = write_notebook("06_ppo", parameters=text)
    found = {name: found["default"] for name, found in papermill.inspect_notebook(str(path)).items()}
    assert reruns.parameters_of(path) == found and len(found) == 4


@pytest.mark.parametrize("content", ["{}", "[]", "once", '{"cells": [1]}', "\xff"])
def test_what_is_no_notebook_is_refused(content, tmp_path):
    path = tmp_path / "06_ppo.ipynb"
    path.write_text(content, encoding="latin-1")
    for read in (reruns.title, reruns.parameters_of):
        with pytest.raises(ValueError, match=r"^notebook: .*06_ppo.ipynb' is not one"):
            read(path)


def test_parameters_that_are_not_python_are_refused(write_notebook):
    with pytest.raises(ValueError, match=r"^notebook: the parameters of .* are not Python"):
        reruns.parameters_of(write_notebook("06_ppo", parameters="seed ="))


def test_typed_parameters_are_parsed(write_notebook):
    typed = {"seed": "3", "kl_coef": "0.2", "adaptive_kl": "true"}
    values = reruns.parse_parameters(write_notebook("06_ppo"), typed)
    assert values == {"seed": 3, "kl_coef": 0.2, "adaptive_kl": True}


@pytest.mark.parametrize(
    ("parameters", "fault"),
    [
        ({"kl": 0.2}, "kl: 06_ppo has no such parameter"),
        ({"learning_rate": 0.1}, "learning_rate: 06_ppo has no such parameter"),
        ({"seed": 1.5}, "seed: 1.5 is not allowed; it must be a whole number from 0 to 2147483647"),
        ({"seed": "1"}, "seed: '1' is not allowed; it must be a whole number"),
        ({"adaptive_kl": 1}, "adaptive_kl: 1 is not allowed; it must be true or false"),
        ({"kl_coef": -1}, "kl_coef: -1 is not allowed; it must be a number from 0 to 10"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_runs(parameters, fault, write_notebook, tmp_path):
    path = write_notebook("06_ppo", SAVE)
    output = tmp_path / "runs" / "out.ipynb"
    with pytest.raises(ValueError) as refusal:
        reruns.run_notebook(path, {"seed": 1, **parameters}, output)
    message = str(refusal.value)
    assert message.startswith(fault) and "\n  kl_coef = 0.05: a number from 0 to 10" in message
    assert not output.exists() and not path.with_name("seen.json").exists()


def test_all_faults_are_told_at_once(write_notebook):
    with pytest.raises(ValueError, match=r"(?s)^seed: 'x' .*\nkl: 06_ppo has no"):
        reruns.parse_parameters(write_notebook("06_ppo"), {"seed": "x", "kl": "1"})


def test_the_notebook_itself_is_never_overwritten(write_notebook):
    path = write_notebook("06_ppo")
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"^output: .* is the notebook itself"):
        reruns.run_notebook(path, {}, path)
    with pytest.raises(ValueError, match=r"^cell_seconds: 0 is not allowed; it must be a whole number from 1 to 86400"):
        reruns.run_notebook(path, {}, path.with_name("out.ipynb"), cell_seconds=0)
    assert path.read_bytes() == before


def test_only_what_a_run_wrote_is_overwritten(write_notebook, tmp_path):
    path, output = write_notebook("06_ppo"), tmp_path / "out.ipynb"
    check = partial(reruns.check_run, path, {"seed": 3}, output)
    assert check() == {"seed": 3}  # nothing is there yet
    notebook = nbformat.read(path, as_version=4)
    nbformat.write(notebook, output)
    with pytest.raises(ValueError, match=r"^output: .* was not written by a run"):
        check()
    assert check(force=True) == {"seed": 3}
    notebook.metadata["papermill"] = {"duration": 1.0}
    nbformat.write(notebook, output)
    assert check() == {"seed": 3}


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_a_link_to_the_notebook_is_the_notebook(link, write_notebook, tmp_path):
    path, output = write_notebook("06_ppo"), tmp_path / "out.ipynb"
    getattr(output, link)(path)
    with pytest.raises(ValueError, match=r"^output: .*out.ipynb' is the notebook itself"):
        reruns.check_run(path, {}, output, force=True)


@pytest.mark.parametrize("path", reruns.list_notebooks(reruns.NOTEBOOKS), ids=lambda path: path.stem)
def test_the_course_itself_was_not_written_by_a_run(path, tmp_path):
    (tmp_path / path.name).write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match=r"^output: .* was not written by a run"):
        reruns.check_run(path, {}, tmp_path / path.name)


@pytest.mark.slow
def test_a_link_stays_one_and_a_second_run_takes_the_place_of_the_first(write_notebook, tmp_path):
    path, kept = write_notebook("06_ppo", "print(seed)"), tmp_path / "kept {seed} {}.ipynb"
    (tmp_path / "link.ipynb").symlink_to(kept)
    for seed in (1, 2):
        assert reruns.run_notebook(path, {"seed": seed}, tmp_path / "link.ipynb").errors == []
        notebook = nbformat.read(kept, as_version=4)
        assert notebook.cells[-1].outputs[0].text == f"{seed}\n"
    assert notebook.metadata.papermill.output_path == str(tmp_path / "link.ipynb")
    assert (tmp_path / "link.ipynb").is_symlink()
    assert {entry.name for entry in tmp_path.iterdir()} == {"notebooks", "link.ipynb", kept.name}


@pytest.mark.slow
def test_a_kernel_that_does_not_start_is_an_error(write_notebook, tmp_path, monkeypatch):
    folder = tmp_path / "kernels" / "broken"
    folder.mkdir(parents=True)
    spec = {"argv": [sys.executable, "-c", "1 / 0"], "display_name": "broken", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    path = write_notebook("06_ppo")
    path.write_text(path.read_text().replace('"name": "python3"', '"name": "broken"'))
    (error,) = reruns.run_notebook(path, {}, tmp_path / "out.ipynb").errors
    assert error.startswith("06_ppo, before its first cell: Kernel died")


@pytest.mark.slow
def test_a_run_sees_its_parameters_and_its_own_folder(write_notebook, tmp_path):
    path = write_notebook("06_ppo", SAVE)
    result = reruns.run_notebook(path, {"seed": 3, "kl_coef": 1}, tmp_path / "runs" / "out.ipynb")
    assert result.errors == [] and result.output.exists() and result.seconds > 0
    assert json.loads(path.with_name("seen.json").read_text()) == [3, 1.0, False]


@pytest.mark.slow
def test_a_failing_cell_is_an_error(write_notebook, tmp_path):
    path = write_notebook("06_ppo", "seed / 0", SAVE)
    result = reruns.run_notebook(path, {}, tmp_path / "out.ipynb")
    (error,) = result.errors
    assert error.startswith("06_ppo, in a cell: ZeroDivisionError: division by zero")
    assert "\x1b" not in error
    assert not path.with_name("seen.json").exists()


@pytest.mark.slow
def test_a_dying_kernel_is_an_error(write_notebook, tmp_path):
    path = write_notebook("06_ppo", "import os\nos._exit(1)")
    result = reruns.run_notebook(path, {}, tmp_path / "out.ipynb")
    assert result.errors and result.errors[0].startswith("06_ppo, in code cell 2 (import os): Kernel died")


@pytest.mark.slow
def test_a_cell_that_hangs_is_stopped_and_named(write_notebook, tmp_path, capfd):
    path = write_notebook("06_ppo", "import time\n", "time.sleep(600)\nprint('never')", SAVE)
    result = reruns.run_notebook(path, {"seed": 1}, tmp_path / "out.ipynb", cell_seconds=2)
    (error,) = result.errors
    assert error == "06_ppo, in code cell 3 (time.sleep(600)): it took longer than 2 seconds and was stopped"
    assert capfd.readouterr().err == ""  # no word of the kernel's
    assert result.seconds < 120 and not path.with_name("seen.json").exists()


@pytest.mark.slow
def test_a_failing_callback_is_an_error(write_notebook, tmp_path):
    path = write_notebook("06_ppo", CALLBACK, "slider.value = 4")
    result = reruns.run_notebook(path, {}, tmp_path / "out.ipynb")
    (error,) = result.errors
    assert error.startswith("06_ppo, in a widget's callback: RuntimeError: cannot draw 4")


@pytest.mark.slow
def test_plain_papermill_works_as_well(write_notebook, tmp_path):
    path = write_notebook("06_ppo", "print(seed * 2)")
    output = tmp_path / "out.ipynb"
    papermill.execute_notebook(str(path), str(output), {"seed": 21}, progress_bar=False)
    executed = nbformat.read(output, as_version=4)
    assert errors_in(executed) == []
    assert executed.cells[-1].outputs[0].text == "42\n"
