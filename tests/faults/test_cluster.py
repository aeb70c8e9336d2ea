"""Runs on a Dask cluster of two processes come to what they come to on one, whatever happens to the workers."""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import nbformat
import psutil
import pytest

from rlhf_lessons import grid_runs, grids, keys, store
from rlhf_lessons.sweeps import executor
from tests.faults import sweep_of_trifles as trifles

pytest.importorskip("distributed")
windows = sys.platform == "win32"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(windows, reason="sends the signals of POSIX")]
SAVES = """
from rlhf_lessons import store
assert kl_coef < 5
store.save_result("06_ppo", {"seed": seed, "safe": kl_coef / 3 + seed, "alarms": {"far away": 2}, "best": "none"})
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("places")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """The caller's store. Trifle 100 is there before the workers start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(store.HOME_VARIABLE, str(tmp_path_factory.mktemp("homes") / "caller"))
        yield store.home()


@pytest.fixture(scope="module")
def pool(home, places):
    """The only cluster of all tests here; a run that ends two workers is given up. No store of a worker is left."""
    from rlhf_lessons.sweeps import cluster

    trifles.trifle(100, places)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "DEATHS", 1)
        with executor.workers(2, executor.LOCAL) as pool:
            yield pool
    homes = {where for path in places.glob("measured-*") if not (where := path.read_text()).startswith(str(home))}
    assert homes and not any(map(os.path.exists, homes))


@pytest.fixture
def address(pool) -> str:
    return pool.client.scheduler.address


def measured(places: Path, number: int) -> list[str]:
    """The stores in which a trifle was measured."""
    return [path.read_text() for path in places.glob(f"measured-{number}-*")]


def test_a_sweep_comes_to_the_same_and_what_was_finished_travels_to_the_workers(pool, places, home, monkeypatch):
    numbers = [2, 3, 5, 100]
    executor.run_all({str(number): partial(trifles.trifle, number, places) for number in numbers}, pool, "runs")
    assert all(measured(places, number) != [str(home)] for number in (2, 3, 5)), "on workers, in stores of their own"
    ours = [trifles.trifle(number, places) for number in numbers]
    assert [len(measured(places, number)) for number in numbers] == [1, 1, 1, 1], "nothing is measured again"
    monkeypatch.setenv(store.HOME_VARIABLE, str(home / "serial"))
    assert ours == [trifles.trifle(number, places) for number in numbers]


def test_only_this_machine_can_reach_it(pool):
    family = [psutil.Process(), *psutil.Process().children(recursive=True)]
    ports = [each.laddr for one in family for each in one.net_connections() if each.status == psutil.CONN_LISTEN]
    assert len(ports) >= 3 and all(port.ip.startswith("127.") for port in ports)


def test_a_run_that_kills_its_workers_is_given_up_and_one_that_fails_is_told(pool, places, home, tally):
    bad: dict[str, Callable[[], object]] = {"bad": trifles.is_killed, "odd": trifles.stubborn}
    errors = dict(executor.each(bad | {"8": partial(trifles.trifle, 8, places)}, pool, "runs"))
    assert {name: str(error) for name, error in errors.items() if error} == {
        "bad": "2 workers ended while they ran it, as happens if memory runs short",
        "odd": "Stubborn: two lines",
    }
    assert trifles.trifle(8, places)["root"] == 8**0.5 and str(home) not in measured(places, 8)
    tally("workers killed", 2)


def test_what_a_killed_worker_had_in_hand_is_run_again(pool, places, home, tally):
    runs = {"7": partial(trifles.dies_once, 7, places), "9": partial(trifles.trifle, 9, places)}
    executor.run_all(runs, pool, "runs")
    assert [trifles.trifle(number, places)["root"] for number in (7, 9)] == [7**0.5, 3]
    assert not any(str(home) in measured(places, number) for number in (7, 9)), "they came from the workers"
    tally("workers killed")


def test_a_worker_with_other_code_is_refused_also_one_that_comes_later(pool, address, places, monkeypatch):
    theirs = keys.package_version()
    monkeypatch.setattr(keys, "package_version", lambda: "0" * 16)
    one = f"worker tcp://127.0.0.1:[0-9]+ has code {theirs}; it must have code {'0' * 16}, as here"
    with pytest.raises(ValueError, match=f"^scheduler: {one}(; {one})?$"), executor.workers(2, address):
        pass
    with pytest.raises(executor.RunError, match=f"^11: {one}$"):
        executor.run_all({"11": partial(trifles.trifle, 11, places)}, pool, "runs")


def test_a_grid_comes_to_the_same_on_a_cluster_that_has_no_such_file(address, home, write_notebook, tmp_path):
    path = write_notebook("06_ppo", SAVES)
    values = grids.expand(path, {"kl_coef": "0.1,5"}, {"seed": "1"})
    runs = grids.runs_of(path, values, 60)
    serial, there = tmp_path / "serial", tmp_path / "there"
    serial.mkdir()
    for run in runs:
        run(serial)
    path.unlink()
    table = grids.make(runs, there, 2, address)
    assert table.drop(columns="seconds").equals(grids.table_of(runs, serial, {}).drop(columns="seconds"))
    done, failed = table.to_dict("records")
    assert (done["kl_coef"], done["state"], done["safe"], done["alarms.far away"]) == (0.1, "done", 0.1 / 3 + 1, 2)
    assert (failed["kl_coef"], failed["state"], failed["error"]) == (5, "failed", "06_ppo, in a cell: AssertionError: ")
    assert "best" not in table and nbformat.read(there / f"{runs[0].name}.ipynb", as_version=4).metadata.papermill
    assert store.load_result("06_ppo") is None, "the learner's own result is as it was"
    assert grids.make(runs[:1], there, 2, "tcp://nobody:1").to_dict("records") == [done], "what was done is found"
    assert not grid_runs.GridRun(path, runs[0].text + b" ", runs[0].parameters).is_done(there), "another notebook"
