"""Remakes every figure that README and notebooks quote, compares, prints a table; exit 1 if any differ.

python -m tools.verify                     all parts, on an empty cache; goes on where it was interrupted
python -m tools.verify --part doctor       one part, always anew; also a beginning: --part notebook, --part notebook-04

The page is written to build/verify.md, its rows to build/verify.json. What the kept sweep holds is remade by
`rlhf-lessons sweep over-optimisation`; here a few of its runs are made again.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

import nbformat
import torch
from tqdm import tqdm

from rlhf_lessons.reruns import NOTEBOOKS, list_notebooks
from rlhf_lessons.store import HOME_VARIABLE, SHARED_VARIABLE
from rlhf_lessons.sweeps.results import REMAKE_VARIABLE
from tools.verify import faults, figures, notebooks, readme, report, simulated
from tools.verify.rows import DIFFERS, Row

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"
MINUTES = "minutes"
COUNTS = (
    "README.md",
    "notebooks/*.ipynb",
    "rlhf_lessons/**/*",
    "tools/verify/*.py",
    "tools/simulated_logs/*.py",
    "tests/faults/**/*",
)

Part = Callable[[], list[Row]]


def parts(work: Path) -> dict[str, Part]:
    """Every part by name. The notebooks come first: they are to find an empty cache."""
    text = readme.README.read_text(encoding="utf-8")
    runs = {
        f"notebook-{path.stem}": partial(notebooks.remake, path, work / "runs") for path in list_notebooks(NOTEBOOKS)
    }
    return {
        **runs,
        "quality": partial(figures.stages, text),
        "scorecard": partial(figures.policies, text),
        "methods": partial(figures.ways, text),
        "live": figures.live,
        "doctor": figures.doctor,
        "faults": partial(faults.planted, text),
        "log-reader": partial(simulated.read, text),
        MINUTES: partial(notebooks.minutes, text, work / "runs"),
    }


def chosen(beginnings: list[str], names: list[str]) -> list[str]:
    """The parts whose names begin so, or all. Raises ValueError for a beginning that no part has."""
    for given in beginnings:
        if not any(name.startswith(given) for name in names):
            raise ValueError(f"part: {given!r} is not allowed; it must be the beginning of one of {', '.join(names)}")
    return [name for name in names if not beginnings or name.startswith(tuple(beginnings))]


def state() -> str:
    """16 hex digits for all that is quoted and all that makes it."""
    paths = sorted(path for pattern in COUNTS for path in ROOT.glob(pattern) if path.is_file())
    digest = hashlib.sha256()
    for path in paths:
        if "__pycache__" not in path.parts:
            digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def surroundings(work: Path, timed: bool) -> Iterator[None]:
    """A cache of verify's own, and no kept results but those that are checked; the kernels of notebooks see it too.

    What is timed starts with an empty cache and uses kept results, as it does for a learner.
    """
    before, threads = dict(os.environ), torch.get_num_threads()
    home = work / ("home-of-a-learner" if timed else "home")
    if timed:
        shutil.rmtree(home, ignore_errors=True)
    os.environ |= {HOME_VARIABLE: str(home), SHARED_VARIABLE: "", REMAKE_VARIABLE: "" if timed else "1"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        torch.set_num_threads(threads)


def begun(work: Path) -> Path:
    """The folder of an interrupted run of the same state, or an empty one."""
    label = work / "state"
    if not label.exists() or label.read_text(encoding="utf-8") != state():
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        label.write_text(state(), encoding="utf-8")
    return work


def remade(name: str, part: Part, work: Path) -> tuple[list[Row], float]:
    """The rows of a part and the minutes it took: kept by an interrupted run, or made now and kept."""
    kept = work / "rows" / f"{name}.json"
    if not kept.exists():
        started = time.monotonic()
        with surroundings(work, timed=name == MINUTES):
            rows = part()
        found = {"minutes": (time.monotonic() - started) / 60, "rows": [asdict(row) for row in rows]}
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps(found, indent=1), encoding="utf-8")
    found = json.loads(kept.read_text(encoding="utf-8"))
    return [Row(**row) for row in found["rows"]], found["minutes"]


def prose() -> list[str]:
    """The numbers in the notebooks' prose that no cell prints, with the words around them."""
    read = ((path.stem, nbformat.read(path, as_version=4)) for path in list_notebooks(NOTEBOOKS))
    return [f"{name}, cell {cell}: {words}" for name, book in read for cell, words in notebooks.unprinted(book)]


def write(rows: list[Row], label: report.Label) -> str:
    """Writes the page and the rows to build/; returns the page."""
    page = report.page(rows, prose(), label)
    (BUILD / "verify.md").write_text(page, encoding="utf-8")
    told = {"label": asdict(label), "rows": [asdict(row) for row in rows]}
    (BUILD / "verify.json").write_text(json.dumps(told, indent=1), encoding="utf-8")
    return page


def main(arguments: list[str] | None = None) -> int:
    """The program; returns its exit code."""
    parser = argparse.ArgumentParser(description="Remake every figure that README and notebooks quote, and compare.")
    parser.add_argument("--part", action="append", default=[], help="a part, or the beginning of some; may be repeated")
    options = parser.parse_args(arguments)
    work = begun(BUILD / "verify")
    known = parts(work)
    try:
        names = chosen(options.part, list(known))
    except ValueError as error:
        parser.error(str(error))
    if options.part:  # asked for by name: made anew
        for name in names:
            (work / "rows" / f"{name}.json").unlink(missing_ok=True)
    done = []
    with tqdm(names) as bar:
        for name in bar:
            bar.set_description(name)
            done.append(remade(name, known[name], work))
    rows = [row for part, _ in done for row in part]
    minutes = sum(took for _, took in done)
    label = report.Label(date.today().isoformat(), torch.__version__, torch.get_num_threads(), minutes)
    print(write(rows, label))
    if names == list(known):
        shutil.rmtree(work)  # a finished run is not gone on with
    return 1 if any(row.verdict == DIFFERS for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
