"""Which runs a grid has, which of them are done, and what their table and picture say; no notebook is run here."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pandas as pd
import pytest
from typer.testing import CliRunner

from rlhf_lessons import grids, keys, scales, sealed
from rlhf_lessons.cli import app
from rlhf_lessons.grid_runs import GridRun
from rlhf_lessons.sweeps import executor, processes

RESULTS = {"seed": 1, "safe": 0.5, "alarms": {"far": 2, "words": ["a"]}, "best": "none"}


@pytest.fixture
def runs(write_notebook):
    path = write_notebook("06_ppo")
    return grids.runs_of(path, grids.expand(path, {"seed": "0..1", "kl_coef": "0,0.2"}, {"adaptive_kl": "true"}), 60)


def leave(folder, run, error="", results=RESULTS):
    """The files of a run that was made."""
    folder.mkdir(exist_ok=True)
    (folder / f"{run.name}.ipynb").write_text("{}")
    found = {"made_with": run.made_with, "error": error, "seconds": 2.0, "results": results}
    sealed.write(folder / f"{run.name}.json", found)


def test_every_combination_is_run_and_the_seed_changes_fastest(runs):
    both = [(run.parameters["kl_coef"], run.parameters["seed"]) for run in runs]
    assert both == [(0.0, 0), (0.0, 1), (0.2, 0), (0.2, 1)]
    assert all(run.parameters["adaptive_kl"] is True for run in runs)
    assert runs[3].name == "06_ppo-kl_coef=0.2-adaptive_kl=True-seed=1"


def test_everything_that_is_wrong_is_told_at_once(write_notebook):
    with pytest.raises(ValueError, match=r"(?s)^seed: 'x' .*\nkl: 06_ppo has no.*\nparameters of 06_ppo"):
        grids.expand(write_notebook("06_ppo"), {"seed": "1,x", "kl": "1"}, {})


def test_a_run_is_done_until_notebook_code_parameters_or_scale_change(runs, tmp_path, monkeypatch):
    first, second, *_ = runs
    leave(tmp_path, first)
    leave(tmp_path, second, "an error")
    assert [run.is_done(tmp_path) for run in runs] == [True, False, False, False]
    changed = GridRun(first.path, first.text + b" ", first.parameters)
    assert changed.name == first.name and not changed.is_done(tmp_path)
    (tmp_path / f"{first.name}.json").write_text("{}")
    assert not first.is_done(tmp_path), "it was edited"
    leave(tmp_path, first)
    with monkeypatch.context() as patch:
        patch.setenv(scales.VARIABLE, "10x")
        assert not first.is_done(tmp_path)
    monkeypatch.setattr(keys, "package_version", lambda: "other")
    assert not first.is_done(tmp_path)


def test_a_table_has_the_numbers_of_all_and_the_errors_of_some(runs, tmp_path):
    leave(tmp_path, runs[0])
    leave(tmp_path, runs[1], "an error", {})
    table = grids.table_of(runs, tmp_path, {runs[2].name: "2 workers ended"})
    assert list(table) == ["kl_coef", "adaptive_kl", "seed", "state", "error", "seconds", "safe", "alarms.far"]
    assert list(table.state) == ["done", "failed", "failed", "not run"]
    assert list(table.error) == ["", "an error", "2 workers ended", ""]
    assert table.seed[0] == 0, "a parameter is the one that was given"
    assert (table.safe[0], table["alarms.far"][0]) == (0.5, 2) and table.safe[1:].isna().all()


def test_two_parameters_that_vary_make_a_picture_of_the_first_result_or_the_one_asked_for(runs, tmp_path):
    for number, run in enumerate(runs):
        leave(tmp_path, run, results={"safe": number / 4, "kl": number})
    table = grids.table_of(runs, tmp_path, {})
    draw = partial(grids.picture, table, {"kl_coef": [0.0, 0.2], "seed": [0, 1]})
    assert draw(None).alt.startswith("safe over seed and price of KL: lowest 0 at seed 0 and price of KL 0.0; highest")
    assert draw("kl").alt.startswith("KL over seed")
    with pytest.raises(ValueError, match=r"^show: 'loss' is not allowed; it must be one of safe, kl$"):
        draw("loss")
    assert grids.picture(table, {"kl_coef": [0.0], "seed": [0, 1]}, None) is None


def test_a_grid_without_one_run_that_ended_well_has_no_picture(runs, tmp_path):
    assert grids.picture(grids.table_of(runs, tmp_path, {}), {"kl_coef": [0, 1], "seed": [0, 1]}, None) is None


def test_a_grid_that_cannot_go_on_leaves_its_table(runs, tmp_path, monkeypatch):
    def ends(*_):
        raise processes.RunError("lost")
        yield

    leave(tmp_path, runs[0])
    monkeypatch.setattr(executor, "each", ends)
    with pytest.raises(processes.RunError, match="lost"):
        grids.make(runs, tmp_path, 1)
    assert (tmp_path / grids.TABLE).read_text().splitlines()[1].startswith("0.0,True,0,done,,2.0,0.5,2")


def test_the_command_runs_every_combination_and_says_where_the_table_is(write_notebook, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebooks = write_notebook("06_ppo").parent
    monkeypatch.setattr(GridRun, "__call__", lambda run, folder: leave(folder, run, results={"safe": 0.5}))
    monkeypatch.setattr(executor, "workers", lambda jobs, scheduler: ThreadPoolExecutor(jobs))
    command = f"run 06 --grid kl_coef=0,0.05,0.2 --grid seed=0..9 --notebooks {notebooks}"
    result = CliRunner().invoke(app, command.split())
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "30 runs in build/grids/06_ppo: grid.csv, grid.png"
    table = pd.read_csv("build/grids/06_ppo/grid.csv")
    assert len(table) == 30 and set(table.state) == {"done"} and set(table.safe) == {0.5}


def test_without_dask_a_scheduler_is_refused(monkeypatch):
    monkeypatch.setitem(sys.modules, "rlhf_lessons.sweeps.cluster", None)
    with pytest.raises(ValueError, match=r"^scheduler: it needs Dask: install the `cluster` extra, pip install"):
        executor.workers(2, "tcp://host:8786")
