import os
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from nbclient import NotebookClient

from rlhf_lessons import kernels, reruns

# The kernel's control thread is about to say something when the main thread may already have closed the sockets.
SLOW_CONTROL = """
import threading, time
from ipykernel.iostream import IOPubThread

def late(thread, find=IOPubThread._event_pipe.fget):
    pipe = find(thread)
    time.sleep(0.3 * (threading.current_thread().name == "Control"))
    return pipe

IOPubThread._event_pipe = property(late)
"""
unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such sockets")


@unix
@pytest.mark.parametrize("length", [0, 60, 200])
def test_the_sockets_have_a_private_folder_whose_path_is_short_enough(length, tmp_path, monkeypatch):
    place = tmp_path / ("t" * length)
    place.mkdir(exist_ok=True)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    manager = kernels.PrivateKernelManager()
    folder = Path(manager.ip).parent
    assert manager.transport == "ipc" and len(os.fsencode(f"{manager.ip}-9")) < 104
    assert folder.stat().st_mode & 0o077 == 0 and list(folder.iterdir()) == []
    manager.cleanup_ipc_files()
    assert not folder.exists()


def test_where_there_can_be_no_sockets_ports_are_used(monkeypatch):
    monkeypatch.setattr(kernels, "_takes_sockets", lambda folder: False)
    manager = kernels.PrivateKernelManager()
    assert manager.transport == "tcp"
    manager.cleanup_ipc_files()


def test_a_kernel_that_is_not_there_is_refused():
    kernels.check_installed("python3", "a notebook")
    with pytest.raises(ValueError, match=r"^notebook: the kernel 'julia' of a notebook is not installed; there is .*p"):
        kernels.check_installed("julia", "a notebook")


@unix
@pytest.mark.slow
@pytest.mark.parametrize("cell", ["1", SLOW_CONTROL], ids=["quick", "slow control"])
def test_a_run_says_nothing_of_eavesdropping_and_leaves_nothing_behind(
    cell, write_notebook, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "t"))
    (tmp_path / "t").mkdir()
    assert reruns.run_notebook(write_notebook("06_ppo", cell), {}, tmp_path / "out" / "out.ipynb").errors == []
    assert capfd.readouterr().err == ""
    assert list((tmp_path / "t").iterdir()) == []
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["out.ipynb"]


@unix
def test_only_a_kernel_that_runs_is_killed(monkeypatch):
    killed = []
    monkeypatch.setattr(os, "killpg", lambda group, signal: killed.append(group))
    manager = kernels.PrivateKernelManager()
    for ended, group in ((None, 7), (0, 8), (-9, 9)):
        manager.provisioner = SimpleNamespace(pgid=group, process=SimpleNamespace(poll=lambda ended=ended: ended))
        kernels.kill_all()
    assert killed == [7] and not Path(manager.ip).parent.exists()


@unix
@pytest.mark.slow
def test_two_kernels_at_once_have_sockets_of_their_own(tmp_path):
    notebooks = [nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(f"print({n})")]) for n in (1, 2)]
    clients = [
        NotebookClient(notebook, kernel_name="python3", kernel_manager_class=kernels.PrivateKernelManager)
        for notebook in notebooks
    ]
    with clients[0].setup_kernel(), clients[1].setup_kernel():
        assert clients[0].km.ip != clients[1].km.ip and clients[0].km.ports == clients[1].km.ports
        for client, notebook in zip(clients, notebooks, strict=True):
            client.execute_cell(notebook.cells[0], 0)
    assert [notebook.cells[0].outputs[0].text for notebook in notebooks] == ["1\n", "2\n"]
