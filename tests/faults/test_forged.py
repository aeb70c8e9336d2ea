"""Stored files that are not what was written: noticed, said in one line, made again, and never believed."""

import json
import os
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from rlhf_lessons import pipeline, sealed, store
from rlhf_lessons.keys import Key
from rlhf_lessons.sweeps.results import remembered

TINY = {"n_notes": 64, "steps": 2, "layers": 1, "heads": 2, "width": 16}
TENSORS = {"a": torch.arange(6.0)}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    return tmp_path


def weights_of(folder: Path) -> Path:
    (path,) = folder.glob(store.WEIGHTS)
    return path


def change_record(**changes) -> Callable[[Path], None]:
    """Another record under a valid checksum."""

    def change(folder: Path) -> None:
        path = folder / store.META
        sealed.write(path, {**sealed.parse(path.read_bytes(), path), **changes})

    return change


def without(field: str) -> Callable[[Path], None]:
    def remove(folder: Path) -> None:
        path = folder / store.META
        record = sealed.parse(path.read_bytes(), path)
        record.pop(field)
        sealed.write(path, record)

    return remove


def in_place_of(path_of: Callable[[Path], Path], put: Callable[[Path], None]) -> Callable[[Path], None]:
    def exchange(folder: Path) -> None:
        path = path_of(folder)
        path.unlink()
        put(path)

    return exchange


def write(path_of: Callable[[Path], Path], content: bytes) -> Callable[[Path], None]:
    return lambda folder: path_of(folder).write_bytes(content) and None


def forge_weights(folder: Path) -> None:
    """Junk, with a record that says it is just what was written."""
    junk = b"junk" * 100
    digest = sealed.digest(junk)
    path = weights_of(folder)
    path.write_bytes(junk)
    change_record(weights_sha256=digest)(folder)


def point_outside(folder: Path) -> None:
    outside = folder.parent / "weights-0123456789abcdef.safetensors"
    shutil.copy(weights_of(folder), outside)
    change_record(weights=f"../{outside.name}")(folder)


def meta_of(folder: Path) -> Path:
    return folder / store.META


DAMAGE = {
    "meta cut": lambda folder: os.truncate(meta_of(folder), 40),
    "meta empty": write(meta_of, b""),
    "meta no JSON": write(meta_of, b"\x00\xff"),
    "meta a list": write(meta_of, b"[]"),
    "meta a number of 5,000 digits": write(meta_of, b"1" * 5000),
    "meta nested 100,000 times": write(meta_of, b"[" * 100_000),
    "meta a pipe": in_place_of(meta_of, os.mkfifo),
    "meta a device": in_place_of(meta_of, lambda path: path.symlink_to("/dev/zero")),
    "meta a folder": in_place_of(meta_of, Path.mkdir),
    "another name": change_record(name="pretrained"),
    "another fingerprint": change_record(fingerprint="2" * 16),
    "a later format": change_record(format=2),
    "no weights named": without("weights"),
    "no meta in the record": without("meta"),
    "meta of another kind": change_record(meta=[1, 2]),
    "weights named by a number": change_record(weights=7),
    "weights named elsewhere": point_outside,
    "weights named by a path": change_record(weights="/etc/passwd"),
    "weights missing": lambda folder: weights_of(folder).unlink(),
    "weights cut": lambda folder: os.truncate(weights_of(folder), 50),
    "weights empty": lambda folder: os.truncate(weights_of(folder), 0),
    "weights a pipe": in_place_of(weights_of, os.mkfifo),
    "weights a device": in_place_of(weights_of, lambda path: path.symlink_to("/dev/zero")),
    "weights of another save": lambda folder: weights_of(folder).write_bytes(safe(torch.zeros(6))) and None,
    "junk with its own checksum": forge_weights,
}


def safe(tensor: torch.Tensor) -> bytes:
    import safetensors.torch

    return safetensors.torch.save({"a": tensor})


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_is_not_as_it_was_written_is_never_believed(damage, home, tally):
    store.save("sft", "1" * 16, TENSORS, {"loss": 1})
    folder = home / f"sft-{'1' * 16}"
    damage(folder)
    with pytest.warns(store.CorruptCacheWarning, match=r"^[^\n]*; sft will be made again$"):
        assert store.load("sft", "1" * 16) is None
    if (folder / store.META).is_dir():
        (folder / store.META).rmdir()  # a folder is somebody's own, and never removed
    store.save("sft", "1" * 16, TENSORS, {"loss": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert torch.equal(store.load("sft", "1" * 16).tensors["a"], TENSORS["a"])
    tally("faults noticed")


def test_files_of_one_stage_under_another_name_are_not_loaded(home, tally):
    store.save("sft", "1" * 16, TENSORS, {})
    shutil.copytree(home / f"sft-{'1' * 16}", home / f"pretrained-{'1' * 16}")
    with pytest.warns(store.CorruptCacheWarning, match=f"is that of sft-{'1' * 16}; pretrained will be made again"):
        assert store.load("pretrained", "1" * 16) is None
    tally("faults noticed")


def meta_without(field: str) -> Callable[[dict], dict]:
    return lambda meta: {name: value for name, value in meta.items() if name != field}


OTHER_SHAPES = {
    "no history": (meta_without("history"), None),
    "no seconds": (meta_without("seconds"), None),
    "a history of words": (lambda meta: meta | {"history": [{"loss": "low"}]}, None),
    "a history of lists": (lambda meta: meta | {"history": [[1.0]]}, None),
    "seconds in words": (lambda meta: meta | {"seconds": "a minute"}, None),
    "weights of another model": (dict, TENSORS),
    "no weights at all": (dict, {}),
}


@pytest.mark.slow
@pytest.mark.parametrize(("change", "tensors"), OTHER_SHAPES.values(), ids=OTHER_SHAPES)
def test_a_whole_save_of_another_shape_is_said_and_trained_again(change, tensors, tally):
    first = pipeline.ensure("pretrained", progress=False, **TINY)
    stored = store.load("pretrained", first.fingerprint)
    tensors = stored.tensors if tensors is None else tensors
    store.save("pretrained", first.fingerprint, tensors, change(stored.meta))
    with pytest.warns(store.CorruptCacheWarning, match="does not fit this version .*; pretrained will be made again"):
        again = pipeline.ensure("pretrained", progress=False, **TINY)
    assert not again.loaded and again.history.records == first.history.records
    assert pipeline.ensure("pretrained", progress=False, **TINY).loaded
    tally("faults noticed")


RESULT_DAMAGE = {
    "cut": lambda path: os.truncate(path, 10),
    "empty": lambda path: os.truncate(path, 0),
    "edited": lambda path: path.write_text(path.read_text().replace("0.5", "0.9")),
    "of a version without checksum": lambda path: path.write_text('{"safe": 0.9}'),
    "a list": lambda path: path.write_text("[1]"),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
}


@pytest.mark.parametrize("damage", RESULT_DAMAGE.values(), ids=RESULT_DAMAGE)
def test_a_broken_result_is_named_not_believed_and_heals(damage, home, tally):
    store.save_result("06_ppo", {"safe": 0.5})
    damage(home / "results" / "06_ppo.json")
    with pytest.warns(store.CorruptCacheWarning, match=r"06_ppo\.json is .*; the result 06_ppo will be made again"):
        assert store.load_result("06_ppo") is None
    store.save_result("06_ppo", {"safe": 0.5})
    assert store.load_result("06_ppo") == {"safe": 0.5}
    assert json.loads((home / "results" / "06_ppo.json").read_text())["safe"] == 0.5
    tally("faults noticed")


def test_a_measured_result_of_another_shape_is_measured_again(tally):
    key = Key("reward_run", {}, "0" * 16)
    for meta in ({}, {"result": [1, 2]}, {"result": None}):
        store.save(key.name, key.fingerprint, {}, meta)
        with pytest.warns(store.CorruptCacheWarning, match="holds no result; reward_run will be made again"):
            assert remembered(key, lambda: {"accuracy": 0.5}) == {"accuracy": 0.5}
        assert remembered(key, lambda: pytest.fail("it was just measured")) == {"accuracy": 0.5}
        tally("faults noticed")
