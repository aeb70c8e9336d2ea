"""What `make lab` asks of JupyterLab, and the course as its server then gives it."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import webbrowser

import pytest

from tools import lab

FIRST = "--LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb"
LOOPBACK = "--ServerApp.ip=127.0.0.1"
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab/tree/notebooks/00_start_here\.ipynb\?token=\w+")
VIEWERS = "@jupyterlab/docmanager-extension:plugin"  # the glossary opens to be read
START_SECONDS = 60


@pytest.mark.parametrize(
    ("own", "is_root", "has_browser", "expected"),
    [
        ([], False, True, [FIRST]),
        ([], False, False, [FIRST, "--no-browser"]),
        ([], True, True, [FIRST, "--allow-root", LOOPBACK]),
        ([], True, False, [FIRST, "--allow-root", LOOPBACK, "--no-browser"]),
        (["--no-browser", "--port", "9999"], False, False, [FIRST, "--no-browser", "--port", "9999"]),
        (["--browser=firefox"], False, False, [FIRST, "--browser=firefox"]),
        (["--allow-root", "--ip", "0.0.0.0"], True, True, [FIRST, "--allow-root", "--ip", "0.0.0.0"]),
        (["--ServerApp.ip=::1"], True, True, [FIRST, "--allow-root", "--ServerApp.ip=::1"]),
    ],
)
def test_jupyterlab_gets_what_the_machine_needs_and_the_user_did_not_say(own, is_root, has_browser, expected):
    assert lab.arguments(own, is_root, has_browser) == expected


def test_root_is_told_so_and_nobody_else():
    assert lab.notices([FIRST], is_root=False) == []
    (alone,) = lab.notices([FIRST, LOOPBACK], is_root=True)
    assert alone.startswith("You are root") and alone.endswith("answers to this machine alone.")
    (elsewhere,) = lab.notices([FIRST, "--ip=0.0.0.0"], is_root=True)
    assert elsewhere.endswith("answers where you told it to.")
    (no_browser,) = lab.notices([FIRST, "--no-browser"], is_root=False)
    assert "open the address" in no_browser


def test_a_browser_takes_a_program_and_on_linux_a_screen(monkeypatch):
    monkeypatch.setattr(webbrowser, "get", lambda: "a browser")
    monkeypatch.setattr(sys, "platform", "linux")
    for name in lab.SHOWS_WINDOWS:
        monkeypatch.delenv(name, raising=False)
    assert not lab.can_open_browser()
    monkeypatch.setenv("DISPLAY", ":0")
    assert lab.can_open_browser()

    def none() -> None:
        raise webbrowser.Error

    monkeypatch.setattr(webbrowser, "get", none)
    assert not lab.can_open_browser()


@pytest.mark.slow
def test_it_serves_the_first_notebook_at_the_address_it_prints_and_only_with_the_token(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    places = {name: str(tmp_path) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")}
    environment = {name: value for name, value in os.environ.items() if name != "JUPYTER_TOKEN"} | places
    command = [sys.executable, str(lab.ROOT / "tools" / "lab.py"), "--no-browser", f"--port={port}"]
    said = tmp_path / "said.txt"
    with said.open("w") as file:
        server = subprocess.Popen(command, env=environment, cwd=tmp_path, stdout=file, stderr=file)
    try:
        last = time.monotonic() + START_SECONDS
        while not ADDRESS.search(said.read_text()) and server.poll() is None and time.monotonic() < last:
            time.sleep(0.1)
        text = said.read_text()
        address = ADDRESS.search(text)
        assert address and f":{port}/" in address[0], text
        assert ("You are root" in text) == lab.IS_ROOT
        assert urllib.request.urlopen(address[0], timeout=START_SECONDS).url.startswith(address[0].partition("?")[0])
        notebook = address[0].replace("/lab/tree/", "/api/contents/")
        assert b"Start here" in urllib.request.urlopen(notebook, timeout=START_SECONDS).read()
        viewers = notebook.replace("/api/contents/notebooks/00_start_here.ipynb", f"/lab/api/settings/{VIEWERS}")
        assert b'"markdown": "Markdown Preview"' in urllib.request.urlopen(viewers, timeout=START_SECONDS).read()
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(notebook.partition("?")[0], timeout=START_SECONDS)
    finally:
        server.terminate()
        server.wait()
