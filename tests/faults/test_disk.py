"""A disk that is full, a folder that may only be read, another process that trains: said in time, and nothing lost."""

import errno
import json
import os
import stat
import subprocess
import sys
import threading

import pytest

from rlhf_lessons import files, locks, pipeline, store

TINY = {"n_notes": 64, "steps": 2, "layers": 1, "heads": 2, "width": 16}
NOBODY = 65534

# Programs that stand for a user's. Each begins in a process of its own, as its limits and its user are its own.
LIMITED = """
import resource, sys
from rlhf_lessons import pipeline
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
steps = []
try:
    pipeline.ensure("pretrained", progress=False, on_step=steps.append, **{tiny})
except OSError as error:
    print(error)
print(len(steps), "steps")
"""
READER = """
import os
import tempfile
import safetensors.torch
from rlhf_lessons import pipeline
pipeline.key_of("pretrained")  # reads the sources, which only their owner may read on some machines
if os.geteuid() == 0:
    os.setuid({nobody})
trained = pipeline.ensure("pretrained", progress=False, **{tiny})
print("loaded" if trained.loaded else "trained")
try:
    pipeline.ensure("pretrained", 1, progress=False, **{tiny})
except OSError as error:
    print(error)
with tempfile.TemporaryDirectory() as own:
    os.environ |= {"RLHF_LESSONS_SHARED": os.environ["RLHF_LESSONS_HOME"], "RLHF_LESSONS_HOME": own}
    trained = pipeline.ensure("pretrained", progress=False, **{tiny})
    print("loaded" if trained.loaded else "trained", os.listdir(own))
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def program(text: str, *words: str) -> list[str]:
    text = text.replace("{tiny}", repr(TINY)).replace("{nobody}", str(NOBODY))
    done = subprocess.run([sys.executable, "-c", text, *words], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_full_disk_is_noticed_before_training(home, tally):
    refusal, steps = program(LIMITED, "4096")
    assert refusal.startswith(f"RLHF_LESSONS_HOME: '{home}' cannot be written (File too large); set it to a folder")
    assert steps == "0 steps"
    assert not list(home.rglob(f"*{files.UNFINISHED}"))
    tally("faults noticed")


@pytest.mark.slow
def test_who_looks_for_room_is_not_disturbed_by_who_saves(rounds):
    done = threading.Event()

    def save() -> None:
        while not done.is_set():
            store.save("sft", "1", {}, {})

    saving = threading.Thread(target=save)
    saving.start()
    try:
        for _ in range(rounds(50, 500)):
            store.check_room("sft", "1", 100_000)
    finally:
        done.set()
        saving.join()


@pytest.fixture
def fails(monkeypatch, home):
    """Makes writing under these folders fail as on a full disk."""
    replace = files.replace

    def failing(*folders):
        def write(path, content):
            if any(path.is_relative_to(folder) for folder in folders):
                raise OSError(errno.ENOSPC, "No space left on device")
            replace(path, content)

        monkeypatch.setattr(files, "replace", write)

    return failing


@pytest.mark.slow
def test_what_was_trained_is_kept_elsewhere_when_the_disk_fills_meanwhile(home, fails, monkeypatch, tally):
    with pytest.warns(store.RescuedWarning, match=r"No space left on device.* is kept in '.*'; set RLHF_LESSONS_HOME"):
        trained = pipeline.ensure("pretrained", progress=False, on_step=lambda _: fails(home), **TINY)
    assert not trained.loaded and store.load("pretrained", trained.fingerprint) is None
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(store._rescue_home()))
    assert pipeline.ensure("pretrained", progress=False, **TINY).loaded
    tally("faults noticed")


def test_a_result_that_cannot_be_written_is_kept_elsewhere_and_does_not_stop_a_notebook(home, fails, tally):
    fails(home)
    with pytest.warns(store.RescuedWarning, match=r"The result 06_ppo is kept in '.*'; set RLHF_LESSONS_HOME"):
        store.save_result("06_ppo", {"safe": 0.5})
    kept = store._rescue_home() / store.RESULTS / "06_ppo.json"
    assert json.loads(kept.read_text())["safe"] == 0.5
    tally("faults noticed")


@pytest.mark.slow
def test_with_no_room_anywhere_it_is_in_memory_and_says_so(home, fails, tally):
    with pytest.warns(store.RescuedWarning, match="pretrained, is in the memory of this program only"):
        trained = pipeline.ensure("pretrained", progress=False, on_step=lambda _: fails("/"), **TINY)
    assert len(trained.history) == TINY["steps"]
    tally("faults noticed")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "setuid"), reason="this system has no such users")
def test_a_shared_cache_serves_readers_who_may_not_write_there(home, tally):
    before = os.umask(0o022)
    try:
        pipeline.ensure("pretrained", progress=False, **TINY)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in home.rglob("*") if path.is_file()}
    assert modes == {0o644}
    for path in (home, *home.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for folder in home.parents:  # pytest's own folders are for one user
        if folder.owner() == home.owner() and "pytest" in str(folder):
            folder.chmod(0o755)
    loaded, refusal, with_a_home = program(READER)
    assert loaded == "loaded" and with_a_home == "loaded []"
    assert refusal.startswith(f"RLHF_LESSONS_HOME: '{home}' cannot be written (Permission denied); set it to a folder")
    for path in (home, *home.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    tally("faults noticed")


def test_who_waits_for_another_process_is_told_for_whom(home, monkeypatch, capsys, tally):
    monkeypatch.setattr(locks, "SILENT_WAIT", 0.1)
    held, done = threading.Event(), threading.Event()

    def train() -> None:
        with store.lock("sft", "1"):
            held.set()
            done.wait(30)

    other = threading.Thread(target=train)
    other.start()
    held.wait(30)
    threading.Timer(0.5, done.set).start()
    with store.lock("sft", "1"):
        pass
    other.join()
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.startswith(f"sft: process {os.getpid()} on ")
    assert "has been training it since" in said and "after 20 minutes trains by itself" in said
    tally("faults noticed")


def test_who_does_not_wait_is_told_nothing(capsys):
    with store.lock("sft", "1"):
        pass
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("told", ["", "[]", "{}", '{"process": "x", "host": 1, "since": 2}', "[" * 100_000])
def test_a_broken_word_of_the_holder_does_no_harm(told, home, monkeypatch, capsys, tally):
    monkeypatch.setattr(locks, "SILENT_WAIT", 0.05)
    monkeypatch.setattr(locks, "LONGEST_WAIT", 0.1)
    with store.lock("sft", "1"):
        (home / "sft-1" / locks.HOLDER).write_text(told)
        with store.lock("sft", "1"):
            pass
    assert capsys.readouterr().err.startswith("sft: another process is training it; this one waits")
    tally("faults noticed")
