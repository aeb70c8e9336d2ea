"""A real JupyterLab in a real browser, for tests/browser and for the pictures in figures/.

`serve` starts a server of its own on a folder, `launch` a Chromium; a `Session` is one notebook in one tab.
As a program it says whether there is a browser: `python -m tools.browser` ends with 0 if there is one.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
from playwright.sync_api import Browser, BrowserContext, Locator, Playwright, ViewportSize
from playwright.sync_api import TimeoutError as TooSlow

from rlhf_lessons import progress
from tools.lab import IS_ROOT
from tools.lab_page import KERNEL, LISTENS, Lab, bring_into_view

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--disable-gpu", "--disable-background-networking", "--no-first-run")
WINDOW: ViewportSize = {"width": 1280, "height": 1400}
START_SECONDS, KERNEL_SECONDS, RUN_SECONDS = 60, 90, 600
OWN = ".jupyter"  # what a server keeps beside its notebooks
WIDGET_MANAGER = "@jupyter-widgets/jupyterlab-manager/plugin"

COMMAND = """name => {
    window.done = undefined;
    window.jupyterapp.commands.execute(name).then(answer => window.done = [answer]);
}"""
# Of each code cell: errors among its outputs, and whether it shows a lab. A bar and then a picture look much like one.
OUTPUTS = """() => {
    const shows = (cell, mark) => cell.outputs.some(o => [o.data?.["text/html"]].flat().join("").includes(mark));
    const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells].map(cell => cell.toJSON());
    return cells.map((cell, index) => ({cell, index})).filter(({cell}) => cell.cell_type == "code").map(
        ({cell, index}) => ({
            index,
            ran: cell.execution_count !== null,
            errors: cell.outputs.filter(o => o.output_type == "error").map(o => `${o.ename}: ${o.evalue}`),
            lab: shows(cell, 'class="rlhf-still"'),
            asks: shows(cell, 'class="rlhf-asked"'),
            talks: shows(cell, 'class="rlhf-talked"'),
        }));
}"""


def find_browser() -> str | None:
    """Path of a Chromium or Chrome on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright, path: str) -> Browser:
    """The browser at `path`, without a window. Chromium refuses root, as Jupyter does, unless told."""
    return playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *(["--no-sandbox"] if IS_ROOT else [])])


def copy(notebook: Path, folder: Path) -> None:
    """Put a notebook into a folder, without outputs: those on the page then come from the page."""
    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.write(content, folder / notebook.name)


def set_option(folder: Path, plugin: str, **values: object) -> None:
    """Set options of one of JupyterLab's plugins, for the pages that are opened next on this folder's server."""
    path = folder / OWN / "settings" / f"{plugin}.jupyterlab-settings"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values))


@contextmanager
def serve(folder: Path, theme: str = "JupyterLab Light") -> Iterator[str]:
    """JupyterLab on `folder`, untouched by the user's own settings; gives its address with a place for a name."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, own = secrets.token_hex(8), folder / OWN
    set_option(folder, "@jupyterlab/apputils-extension/notification", fetchNews="false")
    set_option(folder, "@jupyterlab/apputils-extension/themes", theme=theme)
    set_option(folder, WIDGET_MANAGER, saveState=True)  # a saved notebook holds its widgets
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1",
        f"--ServerApp.port={port}", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={folder}",
        "--LabApp.expose_app_in_browser=True", *(["--allow-root"] if IS_ROOT else []),
    ]  # fmt: skip
    places = {"CONFIG_DIR": own, "RUNTIME_DIR": own / "run"}
    lab_places = {"WORKSPACES_DIR": own / "workspaces", "SETTINGS_DIR": own / "settings"}
    environment = os.environ | {f"JUPYTER_{name}": str(place) for name, place in places.items()}
    environment[progress.VARIABLE] = str(own / "progress")
    environment |= {f"JUPYTERLAB_{name}": str(place) for name, place in lab_places.items()}
    with (own / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _wait_until_it_answers(server, f"http://127.0.0.1:{port}/api/status?token={token}", own / "server.log")
        yield f"http://127.0.0.1:{port}/lab/workspaces/{{workspace}}/tree/{{name}}?token={token}"
    finally:
        server.terminate()
        server.wait()


def _wait_until_it_answers(server: subprocess.Popen, address: str, log: Path) -> None:
    last = time.monotonic() + START_SECONDS
    while time.monotonic() < last and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start; it said:\n{log.read_text()[-2000:]}")


class Session:
    """One notebook in one tab, with all that the page complained of since it was opened."""

    def __init__(self, context: BrowserContext, address: str, name: str):
        self.name = name
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.set_viewport_size(WINDOW)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        # Each tab has a workspace of its own: two tabs with one take each other's notebook.
        self.page.goto(address.format(workspace=secrets.token_hex(4), name=name))
        self.wait_for_kernel()

    def wait_for_kernel(self) -> None:
        """Until there is a kernel that listens and has nothing to do."""
        self.page.wait_for_function(LISTENS, timeout=KERNEL_SECONDS * 1000)

    def kernel_id(self) -> str:
        """Which kernel this tab talks to."""
        return self.page.evaluate(f"() => {KERNEL}.id")

    def command(self, name: str, seconds: float = KERNEL_SECONDS) -> object:
        """Run one of JupyterLab's commands to its end, and give its answer."""
        self.page.evaluate(COMMAND, name)
        self.page.wait_for_function("() => window.done", timeout=seconds * 1000)
        return self.page.evaluate("() => window.done[0]")

    def run_all(self, seconds: float = RUN_SECONDS) -> None:
        """Run All, to the end. Raises TimeoutError, naming notebook and cell, after so many seconds."""
        try:
            self.command("notebook:run-all-cells", seconds)
        except TooSlow:
            cell = next(cell["index"] for cell in self.outputs() if not cell["ran"])
            raise TimeoutError(f"{self.name}: after {seconds:g} s cell {cell} had not ended") from None
        self.wait_for_kernel()

    def run(self, cell: int, seconds: float = RUN_SECONDS) -> None:
        """Run one cell, to the end."""
        self.start(cell)
        self.page.wait_for_function("() => window.done", timeout=seconds * 1000)
        self.wait_for_kernel()

    def start(self, cell: int) -> None:
        """Begin to run one cell."""
        self.page.evaluate("at => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = at; }", cell)
        self.page.evaluate(COMMAND, "notebook:run-cell")

    def save(self) -> None:
        """Write the notebook into its file, with its outputs and the state of its widgets."""
        self.command("docmanager:save")

    def restart(self) -> None:
        """Restart the kernel, as the menu does, with its question answered."""
        self.page.evaluate(COMMAND, "notebook:restart-kernel")
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_function("() => window.done", timeout=KERNEL_SECONDS * 1000)
        self.wait_for_kernel()

    def outputs(self) -> list[dict]:
        """Of each code cell: `index`, whether it `ran`, its `errors`, whether it shows a `lab`, `asks`, or `talks`."""
        return self.page.evaluate(OUTPUTS)

    def labs(self, veiled: bool = False) -> Iterator[Lab]:
        """The labs of this notebook, in order; each comes into view in its turn, unveiled or as it is."""
        return (Lab(self.page, cell["index"], veiled) for cell in self.outputs() if cell["lab"])

    def questions(self) -> Iterator[Locator]:
        """The panels with predictions and quizzes, in order; each comes into view in its turn."""
        return (bring_into_view(self.page, cell["index"], ".rlhf-ask") for cell in self.outputs() if cell["asks"])

    def close(self) -> None:
        """End the kernel and the tab."""
        self.command("notebook:shutdown-kernel")
        self.page.close()


if __name__ == "__main__":
    sys.exit(find_browser() is None)
