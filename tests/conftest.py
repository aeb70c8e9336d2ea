import os
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from uuid import uuid4

import nbformat
import pytest
import torch
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from rlhf_lessons import progress
from rlhf_lessons.diagnostics.doctor.fault_bank import Patient, make_fault
from rlhf_lessons.exercises.exercise import STRICT_VARIABLE
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.world import datasets
from rlhf_lessons.world.tokenizer import course_tokenizer

# A lab, as a cell of a notebook. Its first state is there at once; later it trains until a file `enough` lies beside
# it. With more than 100 pairs it fails.
PLANTED_LAB = """
import itertools, pathlib, time
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab, Verdict
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.training import TrainingPanel

trainings = itertools.count()

def compute(n_pairs: int = 12, watch=None) -> float:
    if n_pairs > 100:
        raise ArithmeticError(f"{n_pairs} pairs cannot be had")
    for step in itertools.count() if watch and next(trainings) else ():
        watch(n_pairs * step / (step + 10), step / (step + 10))
        time.sleep(0.03)
        if pathlib.Path("enough").exists():
            break
    return n_pairs

def draw(result: float, canvas: Canvas) -> None:
    canvas.axis(0, "Pairs", "x", "pairs", (0, 1), (0, 20))
    canvas.curve(0, "pairs", [0, 1], [0, result], "own")

def verdict(result: float) -> Verdict:
    return Verdict("done", "good", {"pairs": f"{result:.0f}"}, f"{result:.1f} pairs.")

lab = Lab(
    "A planted error", compute, draw, verdict, lambda: Canvas(1),
    presets={"too many": {"n_pairs": 200}},
)
"""
# What these run is not the package, or is run by other tests too: to count its lines makes them slower for nothing.
NOT_COUNTED = (
    "tests/integrations/", "tests/test_book", "tests/test_commands.py", "tests/test_keys.py",
    "tests/test_notebook_sources.py", "tests/faults/test_random_logs.py", "tests/simulated_logs/",
)  # fmt: skip
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def pytest_itemcollected(item: pytest.Item) -> None:
    if item.nodeid.startswith(NOT_COUNTED):
        item.add_marker("no_cover")


@pytest.fixture
def write_notebook(tmp_path) -> Callable[..., Path]:
    """Writes a small notebook: a heading, a `parameters` cell, then the code cells given."""

    def write(name: str, *cells: str, parameters: str = "seed = 0\nkl_coef = 0.05\nadaptive_kl = False") -> Path:
        settings = new_code_cell(parameters, metadata={"tags": ["parameters"]})
        code = [new_code_cell(cell) for cell in cells]
        notebook = new_notebook(cells=[new_markdown_cell(f"# About {name}"), settings, *code])
        notebook.metadata["kernelspec"] = KERNEL
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(notebook, path)
        return path

    return write


@pytest.fixture
def planted_lab() -> str:
    """A cell with a lab that trains until a file `enough` is there, and raises ArithmeticError over 100 pairs."""
    return PLANTED_LAB


@pytest.fixture(scope="session")
def common(tmp_path_factory) -> Path:
    """The temporary folder that all processes of this run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(autouse=True, scope="session")
def home(common) -> Iterator[None]:
    """The cache is a temporary folder: what a test finds there was made in this run, by any of its processes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("RLHF_LESSONS_SHARED", raising=False)
        patch.setenv("RLHF_LESSONS_HOME", str(common / "home"))
        yield


@pytest.fixture(scope="session")
def pages(common) -> Path:
    """The book, built once for all processes: two at once would take each other's sources."""
    from tools import book  # Sphinx, which most processes do without

    folder = common / "book"
    with FileLock(common / "book.lock"):
        if not (folder / "index.html").exists():
            book.main(["--to", str(folder)])
    return folder


@pytest.fixture(autouse=True)
def nothing_done(tmp_path_factory, monkeypatch) -> None:
    """Each test is a learner of its own who has done nothing yet, and whose runs are not strict."""
    monkeypatch.setenv(progress.VARIABLE, str(tmp_path_factory.getbasetemp() / "progress" / uuid4().hex))
    monkeypatch.delenv(STRICT_VARIABLE, raising=False)


@pytest.fixture(autouse=True)
def one_thread():
    """Pinned numbers must not depend on how many cores the machine has."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def tiny():
    """A GPT small enough to train in a second, untrained."""
    return GPT(GPTConfig(course_tokenizer().vocab_size, layers=1, heads=2, width=16), seed=0)


@pytest.fixture
def notes():
    return datasets.encode_notes(course_tokenizer(), datasets.corpus(64, seed=0))


@pytest.fixture
def pairs():
    return datasets.encode_pairs(course_tokenizer(), datasets.written_pairs(32, seed=0))


@pytest.fixture
def prompts():
    return datasets.encode_prompts(course_tokenizer(), datasets.prompts_in("train")[:16])


@pytest.fixture(scope="session")
def patient() -> Callable[[str], Patient]:
    """`make_fault`, which trains each fault of the bank only once for all tests."""
    return cache(make_fault)
