"""What is in the cache is listed with what it is, and only what today's code would not find is removed."""

import json
import time

import pytest
import torch
from filelock import FileLock
from typer.testing import CliRunner

from rlhf_lessons import cache, keys, locks, pipeline, store
from rlhf_lessons.cli import app
from rlhf_lessons.keys import Key

TINY = {"n_notes": 200, "steps": 1, "layers": 1, "heads": 2, "width": 16}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    return tmp_path


def save(key: Key, **meta) -> None:
    store.save(key.name, key.fingerprint, {"w": torch.zeros(1000)}, {"key": key.as_dict(), **meta})


@pytest.fixture
def mixed(home):
    """One of each: of today's code, of another code, of the version before, unfinished, and an old result."""
    save(Key.of("sft", {"seed": 1, "steps": 100}, [pipeline.ensure]), changes={"seed": 1})
    save(Key("reward", {"seed": 2}, "0" * 16, ("rlhf_lessons.pipeline.ensure",)))
    store.save("ppo", "f" * 16, {"w": torch.zeros(1000)}, {"plan": {"seed": 3}, "seconds": 1.0, "history": []})
    (home / f"pretrained-{'a' * 16}").mkdir()
    (home / "results" / "sweeps").mkdir(parents=True)
    (home / "results" / "sweeps" / f"reward_run-{'b' * 16}.json").write_text("{}")
    store.save_result("06_ppo", {"safe": 0.9})
    return home


def test_every_entry_is_listed_with_what_it_is(mixed):
    found = {entry.name: entry for entry in cache.entries()}
    assert {name: entry.state for name, entry in found.items()} == {
        "sft": cache.CURRENT,
        "reward": cache.OTHER,
        "ppo": cache.OTHER,
        "pretrained": cache.UNFINISHED,
        "reward_run": cache.OTHER,
    }
    assert [found[name].words for name in ("sft", "reward", "ppo")] == ["seed=1", "seed=2", "seed=3"]
    assert found["sft"].size > 4000 and abs(found["sft"].made.timestamp() - time.time()) < 60


def test_cleaning_removes_what_is_not_current_and_nothing_else(mixed):
    removed = cache.clean(entry for entry in cache.entries() if not entry.current)
    assert len(removed) == 4
    assert [entry.name for entry in cache.entries()] == ["sft"]
    assert store.load_result("06_ppo") == {"safe": 0.9}


@pytest.mark.parametrize("name", ["my-thesis", "sft-notes", f"sft-{'g' * 16}", f"sft-{'a' * 17}"])
def test_folders_of_other_people_are_neither_listed_nor_removed(mixed, name):
    (mixed / name).mkdir()
    (mixed / name / "chapter.txt").write_text("years of work")
    assert len(cache.entries()) == 5
    cache.clean(entry for entry in cache.entries() if not entry.current)
    assert (mixed / name / "chapter.txt").read_text() == "years of work"


@pytest.mark.parametrize("lock", [locks.TRAINING, locks.SAVING])
def test_what_another_process_trains_or_saves_is_left_alone(mixed, lock):
    with FileLock(mixed / f"pretrained-{'a' * 16}" / lock):
        removed = cache.clean(entry for entry in cache.entries() if not entry.current)
        assert "pretrained" not in {entry.name for entry in removed}
    assert (mixed / f"pretrained-{'a' * 16}").exists()


def test_a_trained_stage_is_current_until_its_code_changes(monkeypatch):
    pipeline.ensure("pretrained", progress=False, **TINY)
    (entry,) = cache.entries()
    assert entry.current and dict(entry.settings) == TINY
    monkeypatch.setattr(keys, "version_of", lambda starts: "another version")
    assert not cache.entries()[0].current


def test_an_edited_meta_is_not_trusted(home):
    save(Key.of("sft", {}, [pipeline.ensure]))
    (meta,) = home.rglob("meta.json")
    record = json.loads(meta.read_text())
    record["meta"]["changes"] = {"seed": 7}
    meta.write_text(json.dumps(record))
    (entry,) = cache.entries()
    assert entry.state == cache.UNFINISHED


def test_an_empty_cache_has_no_entries(home):
    assert cache.entries() == [] and cache.clean([]) == []


def test_the_command_line_shows_the_cache_and_asks_before_it_cleans(mixed):
    shown = CliRunner().invoke(app, ["cache"])
    assert shown.exit_code == 0 and "seed=1" in shown.stdout
    assert shown.stdout.count("finds it") == 1 and shown.stdout.count("does not") == 3
    refused = CliRunner().invoke(app, ["cache", "clean"], input="n\n")
    assert refused.exit_code == 1 and "Remove 4 stored stages and results" in refused.stdout
    assert len(cache.entries()) == 5
    assert CliRunner().invoke(app, ["cache", "clean", "--yes"]).stdout.startswith("removed 4 of 4")
    assert "nothing to remove" in CliRunner().invoke(app, ["cache", "clean"]).stdout
    assert [entry.name for entry in cache.entries()] == ["sft"]
