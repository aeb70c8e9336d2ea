"""Ctrl-C and kill, sent to a `rlhf-lessons run` that is in the middle of a cell, and a disk that is full for it."""

import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

from rlhf_lessons import reruns, run_files

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name == "nt", reason="sends signals")]

SLEEPS = "import os, pathlib, time\npathlib.Path('kernel').write_text(str(os.getpid()))\ntime.sleep(600)"
PATIENCE = 60  # seconds


def wait_until(happened):
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


@pytest.fixture
def start(write_notebook, tmp_path):
    """Starts the program on a notebook that says so and then sleeps; gives the program and its kernel's number."""
    started = []

    def run(*words):
        path = write_notebook("06_ppo", "print('one')", SLEEPS)
        command = [sys.executable, "-m", "rlhf_lessons.cli", *words, "--notebooks", str(path.parent)]
        environment = {**os.environ, "TMPDIR": str(tmp_path / "t")}
        (tmp_path / "t").mkdir(exist_ok=True)
        (path.parent / "kernel").unlink(missing_ok=True)
        program = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True)
        started.append(program)
        wait_until(lambda: (path.parent / "kernel").exists() and (path.parent / "kernel").read_text())
        return program, int((path.parent / "kernel").read_text())

    yield run
    for program in started:
        program.kill()
        program.communicate()


@pytest.mark.parametrize(
    ("words", "output"),
    [
        (["run", "06", "-p", "seed", "3"], "build/runs/06_ppo-seed=3.ipynb"),
        (["course", "-o", "kept"], "kept/06_ppo.ipynb"),
    ],
)
def test_ctrl_c_says_where_the_run_is_and_ends_its_kernel(words, output, start, tmp_path, rounds, tally):
    for number in range(rounds(1, 10)):
        program, kernel = start(*words)
        time.sleep(0.1 * number)  # nbclient looks after its kernel once a second
        program.send_signal(signal.SIGINT)
        _, said = program.communicate(timeout=PATIENCE)
        assert said == f"interrupted; what was run so far is in {output}\n"
        assert program.returncode == 130 and not psutil.pid_exists(kernel)
        cells = nbformat.read(tmp_path / output, as_version=4).cells
        assert [out.text for cell in cells if cell.cell_type == "code" for out in cell.outputs] == ["one\n"]
        assert list((tmp_path / "t").iterdir()) == [] and len(list((tmp_path / output).parent.iterdir())) == 1
        tally("kills survived")


def test_a_killed_run_leaves_the_output_of_the_one_before(start, tmp_path, rounds, tally):
    output = tmp_path / "out.ipynb"
    signals = (signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
    for number, sent in enumerate(signals[: rounds(2, 4)]):
        before = output.read_bytes() if number else b""
        program, kernel = start("run", "06", "-p", "seed", str(number), "-o", str(output))
        program.send_signal(sent)
        program.communicate(timeout=PATIENCE)
        wait_until(lambda kernel=kernel: not psutil.pid_exists(kernel))
        assert run_files.is_run(output) and (output.read_bytes() == before) == (sent != signal.SIGINT)
        tally("kills survived")


def test_a_full_disk_is_one_line_and_leaves_the_output_of_the_run_before(write_notebook, tmp_path, tally):
    path, output = write_notebook("06_ppo", "print('x' * 300_000)"), tmp_path / "out.ipynb"
    assert reruns.run_notebook(path, {}, output).errors == []
    before = output.read_bytes()
    program = [sys.executable, "-m", "rlhf_lessons.cli"]
    words = ["run", "06", "-o", str(output), "--notebooks", str(path.parent)]
    limited = ["bash", "-c", 'ulimit -f 200 && exec "$@"', "bash", *program, *words]  # 200 KiB a file, at most
    done = subprocess.run(limited, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == f"output: {str(output)!r} cannot be written (File too large)\n"
    assert output.read_bytes() == before
    assert {entry.name for entry in tmp_path.iterdir()} == {"notebooks", output.name}
    tally("faults noticed")
