from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
from playwright.sync_api import BrowserContext, sync_playwright

from rlhf_lessons import reruns
from tools import browser

MEASURED: list[str] = []


@pytest.fixture(scope="session")
def context() -> Iterator[BrowserContext]:
    """One browser for all tests."""
    path = browser.find_browser()
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(browser.NAMES)} is on PATH")
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright, path)
        yield chromium.new_context()
        chromium.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Copies of all notebooks; JupyterLab saves into them."""
    folder = tmp_path_factory.mktemp("jupyterlab")
    for path in reruns.list_notebooks(reruns.NOTEBOOKS):
        browser.copy(path, folder)
    return folder


@pytest.fixture(scope="session")
def address(folder: Path, context: BrowserContext) -> Iterator[str]:
    """One JupyterLab for all tests."""
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


@pytest.fixture(scope="session")
def measured() -> Callable[[str, list[float]], float]:
    """Keeps measured milliseconds for the end of the test run, and gives their median."""

    def keep(what: str, times: list[float]) -> float:
        MEASURED.append(f"{what}: median {median(times):.0f} ms, {min(times):.0f} to {max(times):.0f}, of {len(times)}")
        return median(times)

    return keep


def pytest_terminal_summary(terminalreporter) -> None:
    if MEASURED:
        terminalreporter.section("measured in the browser")
        terminalreporter.write_line("\n".join(MEASURED))
