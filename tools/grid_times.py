"""How long a grid of notebook 06 takes on one process, on two, and on a Dask cluster; whether all come to the same.

python -m tools.grid_times [kl_coef=0,0.05,0.2 seed=0..3 ...]

Each way starts from a copy of what is stored now (`RLHF_LESSONS_HOME`), so that all train the same. In the last way one
of the two workers is killed with a run in hand. Names and values may be given as to `rlhf-lessons run --grid`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import psutil

from rlhf_lessons import store

GRID = ("kl_coef=0,0.05,0.2", "seed=0..3")
KILL = "with a worker killed"
WAYS = {
    "one process": ["--jobs", "1"],
    "two processes": ["--jobs", "2"],
    "--scheduler local": ["--jobs", "2", "--scheduler", "local"],
    KILL: ["--jobs", "2", "--scheduler", "local"],
}


def timed(way: str, grid: list[str], folder: Path) -> tuple[float, pd.DataFrame]:
    """Seconds that a way takes, and its table."""
    home, output = folder / "home", folder / "runs"
    if store.home().exists():
        shutil.copytree(store.home(), home)
    command = [sys.executable, "-m", "rlhf_lessons.cli", "run", "06", *WAYS[way], "-o", str(output)]
    for words in grid:
        command += ["-p" if words.startswith("updates=") else "--grid", words]
    started = time.perf_counter()
    program = subprocess.Popen(command, env=os.environ | {store.HOME_VARIABLE: str(home)}, stdout=subprocess.DEVNULL)
    if way == KILL:
        kill_a_worker(program)
    program.wait()
    return time.perf_counter() - started, pd.read_csv(output / "grid.csv")


def kill_a_worker(program: subprocess.Popen[bytes]) -> None:
    """Wait until a worker has started the kernel of a notebook, and kill the worker."""
    while program.poll() is None:
        for worker in psutil.Process(program.pid).children():
            if any("ipykernel" in " ".join(each.cmdline()) for each in worker.children(recursive=True)):
                worker.kill()
                return
        time.sleep(0.5)


def main() -> int:
    """Print a line a way: seconds, their ratio to one process, and whether its figures are the same."""
    grid, first = sys.argv[1:] or list(GRID), None
    same = True
    for way in WAYS:
        with tempfile.TemporaryDirectory() as folder:
            seconds, table = timed(way, grid, Path(folder))
        figures = table.drop(columns="seconds")
        first = first or (seconds, figures)
        is_same = figures.equals(first[1]) and bool((table.state == "done").all())
        same = same and is_same
        told = "the same figures" if is_same else "OTHER FIGURES"
        print(
            f"{way:22}{len(table):3} runs {seconds:7.0f} s, {seconds / first[0]:.2f} of one process, {told}", flush=True
        )
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
