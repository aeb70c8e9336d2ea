"""Kernels for one run, which nobody but the user who started it can reach: by sockets in a private folder, not ports.

Ports of the machine can be read by whoever shares it, and two kernels that start at once may be given the same one.
"""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from shutil import which
from typing import Any
from weakref import WeakSet

from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from rlhf_lessons.refusals import shown


def check_installed(name: str, notebook: str) -> None:
    """Raise ValueError, naming the notebook, unless there is a kernel of this name whose program can be started."""
    manager = KernelSpecManager()
    installed = manager.find_kernel_specs()
    if name not in installed:
        there = ", ".join(sorted(installed)) or "none"
        raise ValueError(f"notebook: the kernel {shown(name)} of {notebook} is not installed; there is {there}")
    program = manager.get_kernel_spec(name).argv[0]
    if not (program.startswith("python") or which(program)):  # jupyter takes its own Python for that
        raise ValueError(f"notebook: the kernel {shown(name)} of {notebook} cannot start; {program!r} is missing")


class PrivateKernelManager(AsyncKernelManager):
    """Jupyter's own manager, with sockets in a folder that goes when the kernel does. Where a system has no such
    sockets (Windows), it uses ports as ever."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._folder = _folder_for_sockets()
        if self._folder:
            self.transport, self.ip = "ipc", _socket_in(self._folder)
        _MANAGERS.add(self)

    async def _async_shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
        # Jupyter's own way interrupts first, which a kernel answers with pages on the screen if it is in a cell, and
        # with a line if it is not.
        if now or sys.exception():  # Ctrl-C, or a cell that took too long
            await _end_waiting()
            self.kill()
        else:
            with self._asked_to_end(restart):
                await self._async_finish_shutdown(restart=restart)
        await super()._async_shutdown_kernel(now=True, restart=restart)

    shutdown_kernel = _async_shutdown_kernel

    @contextmanager
    def _asked_to_end(self, restart: bool) -> Iterator[None]:
        # Over the shell channel, where the kernel's main thread answers before it closes the sockets. Asked over the
        # control channel, Jupyter's way, another thread may answer too late, and tell the screen of closed sockets.
        shell = self.connect_shell()
        try:
            self.session.send(shell, self.session.msg("shutdown_request", content={"restart": restart}))
            yield
        finally:
            shell.close(linger=0)

    def kill(self) -> None:
        """End the kernel with all that it started, before it can say a word about it."""
        process, group = getattr(self.provisioner, "process", None), getattr(self.provisioner, "pgid", None)
        # Windows has no groups; and that of a kernel which has ended may be somebody else's by now.
        if group and process and process.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    def cleanup_ipc_files(self) -> None:
        if self._folder:
            self._folder.cleanup()


_MANAGERS: WeakSet[PrivateKernelManager] = WeakSet()


def kill_all() -> None:
    """End the kernels of this process, also those that were just starting, which nobody else ends."""
    for manager in list(_MANAGERS):
        manager.kill()
        manager.cleanup_connection_file()
        manager.cleanup_ipc_files()


async def _end_waiting() -> None:
    """End what still waits for an answer of the kernel: it would say that none came."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    waiting = [task for task in tasks if getattr(task.get_coro(), "__qualname__", "").startswith("NotebookClient.")]
    for task in waiting:
        task.cancel()
    for task in (await asyncio.wait(waiting, timeout=1))[0] if waiting else ():
        if not task.cancelled():
            task.exception()  # which is not told of as forgotten, once it was asked for


def _folder_for_sockets() -> tempfile.TemporaryDirectory[str] | None:
    """A new folder that only this user can enter, and in which a socket can be made; None if there is no such place."""
    for place in (tempfile.gettempdir(), "/tmp"):  # a socket's path has about 100 characters, which TMPDIR may exceed
        with suppress(OSError):
            folder = tempfile.TemporaryDirectory(prefix="rlhf-kernel-", dir=place)
            if _takes_sockets(folder):
                return folder
            folder.cleanup()
    return None


def _takes_sockets(folder: tempfile.TemporaryDirectory[str]) -> bool:
    path = f"{_socket_in(folder)}-9"  # the manager adds numbers of one digit
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.bind(path)
        os.remove(path)
    except (OSError, AttributeError):  # Windows has no AF_UNIX
        return False
    return True


def _socket_in(folder: tempfile.TemporaryDirectory[str]) -> str:
    return os.path.join(folder.name, "kernel")
