"""Labels under faults: killed at any moment, two windows at once, a full disk. No press that was kept is lost."""

import json
import multiprocessing
import subprocess
import sys
from collections import Counter

import pytest

from rlhf_lessons.real import labels
from tests.faults import victims

pytestmark = pytest.mark.slow
N_PRESSES, N_WINDOWS = 30, 2
ROOM = 1_000  # bytes
NEARLY_FULL = """
import resource, sys
from pathlib import Path
from rlhf_lessons.real import labels
path, room = Path(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
kept = 0
try:
    while True:
        answers = f"yes {kept}", "no"
        labels.append(path, labels.Label(window="w", question="?", answers=answers, choice="1"))
        kept += 1
except OSError as error:
    print(kept, error.strerror)
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path))
    return tmp_path


def check_training_file(path, standing) -> None:
    rows = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    assert rows == labels.trl_rows(standing)


def test_killed_at_any_moment_every_press_that_was_kept_stands(rounds, tally):
    path = victims.labels_path()
    for _ in victims.killed_at_random(victims.label_for_ever, rounds(6, 100), 4, victims.told_path()):
        standing = labels.read(path)
        told = Counter(victims.told_path().read_text().splitlines())
        for window, n in told.items():
            found = [label.question for label in standing if label.window == window]
            assert found in (victims.standing(n), victims.standing(n + 1)), "the last press may be kept and untold"
        check_training_file(path, labels.refresh(path))
        tally("kills survived")


def test_two_windows_on_one_file_lose_nothing(home):
    path = victims.labels_path()
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([victims.__name__])
    windows = [f"window {n}" for n in range(N_WINDOWS)]
    both = [context.Process(target=victims.label_some, args=(path, name, N_PRESSES)) for name in windows]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert [each.exitcode for each in both] == [0] * N_WINDOWS
    standing = labels.read(path)
    for name in windows:
        assert [label.question for label in standing if label.window == name] == victims.standing(N_PRESSES)
    check_training_file(path, standing)


def test_a_press_that_a_full_disk_does_not_take_is_told_and_leaves_no_half_line(home, tally):
    path = home / "labels.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", NEARLY_FULL, path, str(ROOM)], capture_output=True, text=True, timeout=120
    )
    kept, why = done.stdout.strip().split(" ", 1)
    assert why == "File too large" and int(kept) > 0, done.stderr
    standing = labels.read(path)
    assert [label.answers[0] for label in standing] == [f"yes {n}" for n in range(int(kept))]
    assert labels.journal_of(path).read_bytes().endswith(b"}\n")
    check_training_file(path, standing)
    tally("faults noticed")
