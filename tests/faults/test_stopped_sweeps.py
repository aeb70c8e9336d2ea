"""A sweep ends at the first error, at one Ctrl-C, and with its parent; what was finished is kept, nothing else is."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from rlhf_lessons.sweeps import executor
from tests.faults import sweep_of_trifles as trifles
from tests.faults.conftest import LONG_VARIABLE

ROOT = Path(__file__).parents[2]
SECONDS = 5  # in which a sweep must end
START_SECONDS = 60  # for the loading of torch on a busy machine
SEMAPHORE = re.compile(r"/dev/shm/sem\S+")
CTRL_C = """
import os, signal, threading, time
from rlhf_lessons.sweeps.processes import no_ctrl_c

signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=threading.Event().wait, daemon=True).start()
try:
    with no_ctrl_c():
        os.kill(os.getpid(), signal.SIGINT)
        last = time.monotonic() + 0.3
        while time.monotonic() < last:
            pass
        print("whole")
except KeyboardInterrupt:
    print("interrupted")
"""
in_the_long_form = pytest.mark.skipif(os.environ.get(LONG_VARIABLE) != "1", reason="starts a cluster of its own")
windows = sys.platform == "win32"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(windows, reason="sends the signals of POSIX")]


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """The processes find it in their environment."""
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path / "home"))


@pytest.fixture
def places(tmp_path) -> Path:
    (tmp_path / "places").mkdir()
    return tmp_path / "places"


@pytest.fixture
def program(places):
    """Starts the sweep of trifles as a program, in a group of its own as a terminal does; kills what a test left."""
    started = []

    def start(*scheduler: str) -> subprocess.Popen:
        command = [sys.executable, "-m", trifles.__name__, str(places), *scheduler]
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, cwd=ROOT, start_new_session=True, **streams))
        return started[-1]

    yield start
    for one in started:
        for process in family_of_group(one.pid):
            process.kill()


def family_of_group(group: int) -> list[psutil.Process]:
    """All processes of the group, with or without a parent."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def until(is_so: Callable[[], object], seconds: float) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not (is_true := bool(is_so())) and time.monotonic() < end:
        time.sleep(0.02)
    return is_true


def both_work(places: Path) -> bool:
    return all((places / f"started-{name}").exists() for name in ("a", "b"))


def measured(places: Path) -> list[int]:
    return sorted(int(path.name.split("-")[1]) for path in places.glob("measured-*"))


def semaphores_of(processes: list[psutil.Process]) -> set[str]:
    """The named semaphores that they have open, where the system shows them as files."""
    if not sys.platform.startswith("linux"):
        return set()
    return {name for one in processes for name in SEMAPHORE.findall(Path(f"/proc/{one.pid}/maps").read_text())}


@pytest.mark.parametrize("scheduler", [[], pytest.param([executor.LOCAL], marks=in_the_long_form)])
def test_one_ctrl_c_ends_it_without_a_word_of_the_processes(scheduler, program, places, tally):
    sweep = program(*scheduler)
    assert until(lambda: both_work(places), START_SECONDS)
    names = semaphores_of(family_of_group(sweep.pid))
    began = time.monotonic()
    os.killpg(sweep.pid, signal.SIGINT)  # as a terminal: to the parent and all its processes
    said, shown = sweep.communicate(timeout=SECONDS)
    assert time.monotonic() - began < SECONDS and until(lambda: not family_of_group(sweep.pid), SECONDS)
    assert (sweep.returncode, said) == (0, "interrupted once\n")
    bar = [line for line in re.split(r"[\r\n]+", shown) if line]
    assert all(line.startswith("runs: ") for line in bar), shown
    assert not any(map(os.path.exists, names))
    tally("sweeps stopped")


def test_what_was_finished_is_kept_and_the_next_sweep_goes_on(program, places):
    sweep = program()
    assert until(lambda: both_work(places), START_SECONDS)
    os.killpg(sweep.pid, signal.SIGINT)
    sweep.communicate(timeout=SECONDS)
    assert measured(places) == [0, 1]
    with executor.processes(2) as pool:
        executor.run_all({str(n): partial(trifles.trifle, n, places) for n in range(4)}, pool, "runs")
    assert measured(places) == [0, 1, 2, 3]


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGKILL], ids=lambda kind: kind.name)
def test_no_process_outlives_its_parent_however_that_went(program, places, tally, kind):
    sweep = program()
    assert until(lambda: both_work(places), START_SECONDS)
    family = family_of_group(sweep.pid)
    names = semaphores_of(family)
    assert len(family) >= 3 and (names or not sys.platform.startswith("linux"))
    os.kill(sweep.pid, kind)
    sweep.wait(SECONDS)
    assert until(lambda: not family_of_group(sweep.pid), SECONDS)
    assert not any(map(os.path.exists, names))
    for name in ("a", "b"):
        FileLock(places / f"{name}.lock").acquire(timeout=0)
    tally("sweeps stopped")


def test_a_process_that_is_only_starting_is_stopped_too(program, rounds, tally):
    """At random moments, some before the first process is there and some while torch is loaded."""
    moments = random.Random(10)
    for _ in range(rounds(3, 24)):
        sweep = program()
        kind = moments.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
        time.sleep(moments.uniform(0.1, 1.5))
        os.killpg(sweep.pid, kind) if kind == signal.SIGINT else os.kill(sweep.pid, kind)
        _, shown = sweep.communicate(timeout=SECONDS)
        assert kind != signal.SIGINT or "spawn_main" not in shown, "a process said something"
        assert until(lambda group=sweep.pid: not family_of_group(group), SECONDS)
        tally("sweeps stopped")


@pytest.mark.parametrize(
    ("bad", "line"),
    [
        (trifles.stubborn, "bad: Stubborn: two lines"),
        (trifles.leaves, "bad: SystemExit: 0"),
        (trifles.is_killed, executor.LOST),
    ],
    ids=["an error", "an exit", "killed by the system"],
)
def test_one_run_that_fails_ends_the_sweep_and_is_named(places, tally, bad, line):
    endless = {name: partial(trifles.endless, name, places) for name in ("a", "b")}  # the first keeps one process busy
    runs = {"a": endless["a"], "0": partial(trifles.trifle, 0, places), "bad": bad, "b": endless["b"]}
    began = time.monotonic()
    with pytest.raises(executor.RunError) as caught, executor.processes(2) as pool:
        executor.run_all(runs, pool, "runs")
    assert str(caught.value) == line and "\n" not in line
    assert time.monotonic() - began < START_SECONDS, "the endless runs were given up"
    assert not [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    assert measured(places) == [0]
    trifles.trifle(0, places)
    assert measured(places) == [0], "what was finished is recalled"
    tally("sweeps stopped")


def test_ctrl_c_waits_until_the_processes_have_begun_also_where_another_thread_takes_it():
    """In a process of its own: here pytest's surroundings decide which thread the system gives it to."""
    done = subprocess.run([sys.executable, "-c", CTRL_C], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["whole", "interrupted"]
