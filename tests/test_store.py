import multiprocessing
import os
import time
from pathlib import Path

import pytest
import torch

from rlhf_lessons import locks, store

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor([1, 2])}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def folder_of(name: str, fingerprint: str) -> Path:
    return store.home() / f"{name}-{fingerprint}"


def weights_of(name: str, fingerprint: str) -> Path:
    (path,) = folder_of(name, fingerprint).glob("*.safetensors")
    return path


def assert_equal(stored: store.Stored | None, tensors=TENSORS):
    assert stored is not None and stored.tensors.keys() == tensors.keys()
    assert all(torch.equal(stored.tensors[key], tensors[key]) for key in tensors)


def test_home_is_the_variable_or_the_users_cache(monkeypatch, tmp_path):
    assert store.home() == tmp_path / "home"
    monkeypatch.setenv("RLHF_LESSONS_HOME", "")
    assert store.home().is_absolute() and "rlhf-lessons" in str(store.home())


def test_a_home_of_nobody_is_refused(monkeypatch):
    monkeypatch.setenv("RLHF_LESSONS_HOME", "~nosuchuser/x")
    with pytest.raises(ValueError, match=r"^RLHF_LESSONS_HOME: '~nosuchuser/x' is not allowed; it must be a folder"):
        store.home()


def test_round_trip():
    meta = {"loss": [0.1, float("inf")], "note": "µ", "by_step": {10: 1, 9: None}}
    store.save("sft", "f" * 16, TENSORS, meta)
    stored = store.load("sft", "f" * 16)
    assert_equal(stored)
    assert stored.meta == {"loss": [0.1, float("inf")], "note": "µ", "by_step": {"10": 1, "9": None}}
    assert store.load("sft", "0" * 16) is None
    assert store.load("reward", "f" * 16) is None


def test_tensors_that_share_memory_or_need_gradients_are_kept():
    weight = torch.nn.Parameter(torch.ones(2, 3))
    store.save("pretrained", "1", {"wte": weight, "head": weight, "view": weight.t()}, {})
    stored = store.load("pretrained", "1")
    assert stored.tensors["head"].shape == (2, 3) and stored.tensors["view"].shape == (3, 2)


def test_a_second_save_replaces_the_first():
    store.save("sft", "1", TENSORS, {"run": 1})
    newer = {"a": torch.zeros(1)}
    store.save("sft", "1", newer, {"run": 2})
    stored = store.load("sft", "1")
    assert_equal(stored, newer)
    assert stored.meta == {"run": 2}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip_a_bit, Path.unlink])
def test_damaged_weights_are_noticed_said_and_can_be_saved_again(damage):
    store.save("sft", "1", TENSORS, {})
    damage(weights_of("sft", "1"))
    with pytest.warns(store.CorruptCacheWarning, match=r"weights-.*\.safetensors is .*; sft will be made again"):
        assert store.load("sft", "1") is None
    store.save("sft", "1", TENSORS, {})
    assert_equal(store.load("sft", "1"))


def edit(path: Path) -> None:
    path.write_text(path.read_text().replace('"loss": 1', '"loss": 2'))


def list_instead(path: Path) -> None:
    path.write_text("[]")


@pytest.mark.parametrize("damage", [cut, edit, list_instead, lambda path: path.write_text("")])
def test_a_damaged_meta_is_noticed(damage):
    store.save("sft", "1", TENSORS, {"loss": 1})
    damage(folder_of("sft", "1") / "meta.json")
    with pytest.warns(store.CorruptCacheWarning, match="meta.json is cut short or was edited; sft will be made"):
        assert store.load("sft", "1") is None


def test_weights_without_a_meta_are_an_unfinished_save():
    store.save("sft", "1", TENSORS, {})
    (folder_of("sft", "1") / "meta.json").unlink()
    assert store.load("sft", "1") is None


@pytest.mark.parametrize("dies_at", [1, 2])
def test_a_save_that_dies_leaves_the_old_one(dies_at, monkeypatch):
    store.save("sft", "1", TENSORS, {"run": 1})
    calls, replace = [], os.replace

    def dying_replace(source, target):
        calls.append(target)
        if len(calls) == dies_at:
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", dying_replace)
    with pytest.raises(KeyboardInterrupt):
        store.save("sft", "1", {"a": torch.zeros(1)}, {"run": 2})
    assert_equal(store.load("sft", "1"))
    assert not list(folder_of("sft", "1").glob("*.tmp"))


def die_while_writing() -> None:
    os.fsync = lambda _: os._exit(9)  # the power fails before the rename
    store.save("sft", "1", TENSORS, {"run": 1})


def train_once(barrier, log: str) -> None:
    """What a notebook does on an empty cache: load, and under the lock load again or train."""
    barrier.wait()
    with store.lock("sft", "1"):
        if store.load("sft", "1") is None:
            with open(log, "a") as file:
                file.write("trained\n")
            time.sleep(0.2)
            store.save("sft", "1", TENSORS, {})
    assert_equal(store.load("sft", "1"))


def save_and_load(barrier, value: float) -> None:
    """Without the lock: whatever is read must be one whole save."""
    barrier.wait()
    for _ in range(30):
        store.save("sft", "1", {"a": torch.full((500,), value)}, {"value": value})
        stored = store.load("sft", "1")
        assert stored is not None and bool((stored.tensors["a"] == stored.meta["value"]).all())


def run_processes(target, arguments: list[tuple]) -> list[int]:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=args) for args in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    return [process.exitcode for process in processes]


@pytest.mark.slow
def test_a_process_that_dies_while_writing_leaves_nothing():
    assert run_processes(die_while_writing, [()]) == [9]
    assert store.load("sft", "1") is None
    store.save("sft", "1", TENSORS, {})
    assert_equal(store.load("sft", "1"))


@pytest.mark.slow
def test_two_processes_at_once(tmp_path):
    barrier = multiprocessing.get_context("spawn").Barrier(2)
    log = tmp_path / "log"
    assert run_processes(train_once, [(barrier, str(log))] * 2) == [0, 0]
    assert log.read_text() == "trained\n", "the second process should have waited for the first one's weights"


@pytest.mark.slow
def test_two_processes_that_save_at_once_never_mix():
    barrier = multiprocessing.get_context("spawn").Barrier(2)
    assert run_processes(save_and_load, [(barrier, 1.0), (barrier, 2.0)]) == [0, 0]


def die_holding_the_lock() -> None:
    store.lock("sft", "1").__enter__()
    os._exit(9)


@pytest.mark.slow
def test_the_lock_of_a_dead_process_does_not_block(monkeypatch):
    assert run_processes(die_holding_the_lock, [()]) == [9]
    started = time.monotonic()
    with store.lock("sft", "1"):
        assert time.monotonic() - started < 5


def test_waiting_for_a_lock_ends(monkeypatch):
    monkeypatch.setattr(locks, "LONGEST_WAIT", 0.1)
    entered = []
    with store.lock("sft", "1"), store.lock("sft", "1"):
        entered.append(True)
    assert entered


def test_locks_of_different_stages_do_not_wait():
    started = time.monotonic()
    with store.lock("sft", "1"), store.lock("sft", "2"), store.lock("reward", "1"):
        assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "write", [lambda: store.save("sft", "1", TENSORS, {}), lambda: store.lock("sft", "1").__enter__()]
)
def test_a_home_that_cannot_be_written_is_named(home, write):
    home.write_text("a file where the folder should be")
    with pytest.raises(OSError, match=r"RLHF_LESSONS_HOME: '.*home' cannot be written \(.*\); set it to"):
        write()
    assert store.load("sft", "1") is None


def test_results_are_kept_by_name(home):
    assert store.load_result("06_ppo") is None
    store.save_result("06_ppo", {"safe": 0.5})
    store.save_result("06_ppo", {"safe": 0.97, "seed": 0})
    assert store.load_result("06_ppo") == {"safe": 0.97, "seed": 0}
    assert [path.name for path in (home / "results").iterdir()] == ["06_ppo.json"]


def test_what_is_cached_can_be_read_from_a_read_only_home(home):
    store.save("sft", "1", TENSORS, {})
    folder = folder_of("sft", "1")
    folder.chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("this user may write anywhere")
        assert_equal(store.load("sft", "1"))
        with pytest.raises(OSError, match="RLHF_LESSONS_HOME"):
            store.save("sft", "1", TENSORS, {})
    finally:
        folder.chmod(0o700)
