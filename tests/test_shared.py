"""A cache that a class shares: looked into after one's own, and never written."""

import threading
import warnings
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from rlhf_lessons import cache, keys, pipeline, progress, reruns, store, warming
from rlhf_lessons.cli import app
from rlhf_lessons.sweeps import results, reward_models

F = "f" * 16
TINY = {"n_notes": 64, "steps": 2, "layers": 1, "heads": 2, "width": 16}
LESSON = f"""
from rlhf_lessons import pipeline, progress, store
pipeline.ensure("pretrained", seed, **{TINY})
store.save_result("01_pretraining", {{}})
progress.keep("exercise", "01.loss", state="right")
raise ArithmeticError("after all that")
"""


def tensors(value: float) -> dict[str, torch.Tensor]:
    return {"a": torch.full((500,), value)}


def contents(folder: Path) -> dict[str, tuple]:
    """All that is there, with its dates: what is the same after as before was not written."""
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in folder.rglob("*")
    }


@pytest.fixture
def homes(tmp_path, monkeypatch):
    """Own and shared; what is saved goes to the shared one until `learn` is called."""
    own, shared = tmp_path / "own", tmp_path / "shared"
    monkeypatch.setenv(store.HOME_VARIABLE, str(shared))
    monkeypatch.delenv(store.SHARED_VARIABLE, raising=False)
    return own, shared


@pytest.fixture
def learn(homes, monkeypatch):
    def start() -> None:
        monkeypatch.setenv(store.HOME_VARIABLE, str(homes[0]))
        monkeypatch.setenv(store.SHARED_VARIABLE, str(homes[1]))

    return start


def test_ones_own_comes_first_and_what_is_shared_is_used_where_it_lies(homes, learn):
    own, shared = homes
    store.save("sft", F, tensors(1), {"whose": "shared"})
    before = contents(shared)
    learn()
    assert store.load("sft", F).meta == {"whose": "shared"} and not own.exists()
    store.save("sft", F, tensors(2), {"whose": "own"})
    assert store.load("sft", F).meta == {"whose": "own"} and store.load("sft", "0") is None
    assert contents(shared) == before


def damage(home: Path) -> None:
    (path,) = home.glob(f"sft-*/{store.WEIGHTS}")
    path.write_bytes(path.read_bytes()[:-7])


def test_what_is_damaged_there_is_said_and_made_again_in_ones_own(homes, learn):
    shared = homes[1]
    store.save("sft", F, tensors(1), {})
    damage(shared)
    before = contents(shared)
    learn()
    with pytest.warns(store.CorruptCacheWarning, match=f"^{shared}/.* is cut short or .*; sft will be made again$"):
        assert store.load("sft", F) is None
    store.save("sft", F, tensors(2), {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(store.load("sft", F).tensors["a"], tensors(2)["a"])
    assert contents(shared) == before


def test_where_ones_own_is_damaged_the_shared_one_is_used(homes, learn):
    store.save("sft", F, tensors(1), {"whose": "shared"})
    learn()
    store.save("sft", F, tensors(2), {"whose": "own"})
    damage(homes[0])
    with pytest.warns(store.CorruptCacheWarning, match=f"^{homes[0]}/.*; the shared one is used$"):
        assert store.load("sft", F).meta == {"whose": "shared"}


def test_what_was_measured_for_others_is_not_measured_again(homes, learn):
    key = keys.Key("a", {"seed": 1}, "0" * 16)
    results.remembered(key, lambda: {"safe": 0.5})
    learn()
    assert results.remembered(key, pytest.fail) == {"safe": 0.5} and not homes[0].exists()


@pytest.mark.parametrize("name", ["shared/nowhere", "a file", "~nosuchuser/x"])
def test_a_shared_cache_that_is_no_folder_is_said_once_and_done_without(name, tmp_path, homes, monkeypatch):
    (tmp_path / "a file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(store.SHARED_VARIABLE, name)
    line = f"^RLHF_LESSONS_SHARED: '{tmp_path}/{name}' is not a folder; what it should hold is made in '{homes[1]}'$"
    with pytest.warns(store.NotSharedWarning, match=line):
        assert store.load("sft", F) is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        store.save("sft", F, tensors(1), {})
        assert store.load("sft", F)


def test_who_shares_with_himself_alone_shares_nothing(homes, monkeypatch):
    homes[1].mkdir()
    monkeypatch.setenv(store.SHARED_VARIABLE, str(homes[1]))
    assert store.shared() is None


def test_two_readers_see_one_whole_save_whoever_saves_there(homes, learn):
    _, shared = homes
    store.save("sft", F, tensors(0), {"value": 0})
    learn()
    faults, done = [], threading.Event()

    def read() -> None:
        while not done.is_set():
            stored = store.load("sft", F)
            if stored is None or not bool((stored.tensors["a"] == stored.meta["value"]).all()):
                faults.append(stored)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for value in range(30):
            store._save(shared / f"sft-{F}", tensors(value), {"value": value}, shared)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert not faults and not homes[0].exists()


def test_the_command_line_shows_whose_it_is_and_cleans_only_ones_own(homes, learn, monkeypatch):
    own, shared = homes
    current, old = keys.Key.of("sft", {}, [pipeline.ensure]), keys.Key("reward", {}, "0" * 16)
    for key in (current, old):
        store.save(key.name, key.fingerprint, tensors(1), {"key": key.as_dict()})
    before = contents(shared)
    learn()
    store.save(old.name, old.fingerprint, tensors(2), {"key": old.as_dict()})
    monkeypatch.setenv("COLUMNS", "200")
    shown = CliRunner().invoke(app, ["cache"]).stdout
    assert [shown.count(state) for state in ("finds it, shared", "does not, shared", "does not")] == [1, 1, 2]
    assert f"1 stored, 0.0 MB, in {own}\n2 shared, 0.0 MB, in {shared}, which is only read\n" in shown
    assert CliRunner().invoke(app, ["cache", "clean", "--yes"]).stdout.startswith("removed 1 of 1")
    assert cache.entries() == [] and contents(shared) == before
    assert f", shared cache {shared}\n" in CliRunner().invoke(app, ["--version"]).stdout


@pytest.mark.slow
def test_once_the_cache_is_warm_a_learner_trains_nothing(homes, learn, write_notebook, monkeypatch, tmp_path):
    """The notebook fails at its end: what it made is kept all the same."""
    own, shared = homes
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path / "mine"))
    folder = write_notebook("01_pretraining", LESSON).parent
    warmed = CliRunner().invoke(app, ["warm", "--notebooks", str(folder)])
    assert warmed.exit_code == 1 and "ArithmeticError: after all that" in warmed.stderr
    assert f"1 stored, 0.0 MB, in {shared} (" in warmed.stdout
    assert f"set RLHF_LESSONS_SHARED={shared} where" in warmed.stdout
    assert [entry.state for entry in cache.entries()] == [cache.CURRENT]
    assert not store.load_result("01_pretraining") and not (tmp_path / "mine").exists()
    learn()
    assert pipeline.ensure("pretrained", progress=False, **TINY).loaded and not own.exists()


def test_every_seed_is_warmed_and_a_notebook_without_one_once(write_notebook):
    write_notebook("00_start_here", parameters="")
    folder = write_notebook("06_ppo").parent
    names = [f"{name}, seed {seed}" for seed in (0, 1) for name in ("00_start_here", "06_ppo", "judges")]
    assert list(warming.jobs(folder, seeds=2, with_judges=True)) == [name for name in names if name != names[3]]


def test_the_judges_of_the_labs_are_made_for_all_but_by_nobody(homes, write_notebook, monkeypatch):
    """Interrupted in the second, which is said, the first is kept."""
    made = []

    def make(name: str, seed: int) -> None:
        if made:
            raise KeyboardInterrupt
        made.append(name)
        key = keys.Key.of("reward", {"seed": seed}, [pipeline.ensure])
        store.save(key.name, key.fingerprint, tensors(1), {"key": key.as_dict()})

    monkeypatch.setattr(reward_models, "reward_function", make)
    monkeypatch.setattr(reruns, "run_notebook", lambda path, *_: reruns.NotebookRun(path, 0.0, []))
    folder = write_notebook("06_ppo").parent
    stopped = CliRunner().invoke(app, ["warm", "--all", "--notebooks", str(folder)])
    assert stopped.exit_code == 130 and stopped.stderr.endswith(
        "interrupted; what was made is kept, and the same command goes on from there\n"
    )
    assert store.home() == homes[1] and [entry.settings for entry in cache.entries()] == [{"seed": 0}]
