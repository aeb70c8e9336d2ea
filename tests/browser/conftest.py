from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext
from xdist.scheduler import LoadScopeScheduling

from rlhf_lessons import reruns
from tools import browser

NOTEBOOKS = reruns.list_notebooks(reruns.NOTEBOOKS)


# 01 trains what all others need, and beside it goes what needs nothing; 02 trains the rest, which 05 needs last.
TURNS = ("[01_", "test_stage.py", "[03_", "[00_", "test_choosing", "test_run_faults", "test_together", "[02_", "[05_")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On an empty cache no process waits long for what the other one trains."""
    items.sort(key=lambda item: next((n for n, part in enumerate(TURNS) if part in item.nodeid), len(TURNS)))


class ByNotebook(LoadScopeScheduling):
    """Keeps tests that share a page in one process: those of one notebook, and of the stage."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith("test_stage.py") else nodeid.partition("[")[2] or nodeid


def pytest_xdist_make_scheduler(config, log) -> ByNotebook:
    # xdist's own groups (--dist loadgroup) are lost under pytest 9.
    config.option.loadscopereorder = False  # in turn, not the largest first
    return ByNotebook(config, log)


@pytest.fixture(scope="session")
def home() -> None:
    """The notebooks use the user's own cache, unlike the other tests: what the course trains is trained once."""


def one_browser() -> Iterator[BrowserContext]:
    """A browser, for a fixture; where there is none, what asks for it is skipped."""
    path = browser.find_browser()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(browser.NAMES)} is on PATH")
    with browser.opened(path) as context:
        yield context


context = pytest.fixture(one_browser, scope="session")  # for all tests of a process


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Copies of all notebooks; JupyterLab saves into them."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    for path in NOTEBOOKS:
        browser.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def address(folder: Path, context: BrowserContext) -> Iterator[str]:
    """One JupyterLab for all tests of a process."""
    with browser.serve(folder) as address:
        yield address


@pytest.fixture
def open_notebook(context: BrowserContext, address: str) -> Iterator[Callable[[str], browser.Session]]:
    """Opens a notebook of the folder in a new tab; all tabs and kernels end with the test."""
    opened: list[browser.Session] = []

    def open_(name: str) -> browser.Session:
        opened.append(browser.Session(context, address, name))
        return opened[-1]

    yield open_
    for session in opened:
        if not session.page.is_closed():
            session.close()


@pytest.fixture(scope="module", params=[path.name for path in NOTEBOOKS], ids=[path.stem for path in NOTEBOOKS])
def notebook(request, context: BrowserContext, address: str) -> Iterator[browser.Session]:
    """A notebook of the course after Run All, in a tab that the tests of a module share."""
    session = browser.Session(context, address, request.param)
    try:
        session.run_all()
        yield session
    finally:
        session.close()


@pytest.fixture
def place(write_notebook, folder: Path) -> Callable[..., str]:
    """Writes a notebook with these cells where JupyterLab finds it; gives its name there."""

    def write(name: str, *cells: str) -> str:
        path = write_notebook(name, *cells)
        browser.copy(path, folder)
        return path.name

    return write
