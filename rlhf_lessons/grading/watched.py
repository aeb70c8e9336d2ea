"""A process with all that it starts, which is ended when it takes too long or too much memory.

It is watched some times a second: between two looks it may take more. It is no sandbox: what runs may do whatever its
user may do, and a process that changes its surroundings and leaves its parent is lost sight of.
"""

import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

GIGABYTE = 1e9
ROUNDS = 20  # of killing: a process may start another one while it is being killed
LOST = "its process was ended from outside"


class Watched:
    """A command that runs in `folder`, for at most `seconds`, with at most `memory` gigabytes for it and its children.

    mark: a variable of `environment` whose value no other process has, by which children are known that left it.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        mark: str,
        seconds: float,
        memory: float,
    ) -> None:
        self._mark, self._seconds, self._memory = (mark, environment[mark]), seconds, memory
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 (no pipe: nobody reads while it runs)
        self._started = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,  # it ends when this process does, however it does: see `every_cell`
            stdout=self._output,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.fault = ""

    def is_over(self) -> bool:
        """Whether it has ended, of itself or because of a limit, which `fault` then says in a few words."""
        code = self._process.poll()
        if code is not None:
            self.fault = LOST if code else ""
        elif time.monotonic() - self._started > self._seconds:
            self.fault = f"it took longer than {self._seconds:g} seconds"
        elif sum(map(_memory, self._members())) > self._memory * GIGABYTE:
            self.fault = f"it took more than {self._memory:g} GB of memory"
        else:
            return False
        self.kill()
        return True

    def kill(self) -> None:
        """End it with all that it started."""
        assert self._process.stdin
        self._process.stdin.close()
        for _ in range(ROUNDS):
            members = self._members()
            if not members:
                return
            for member in members:
                with suppress(psutil.Error):
                    member.kill()
            self._process.poll()  # or it stays in the list of processes
            psutil.wait_procs(members, timeout=1)

    def output(self) -> bytes:
        """What it wrote."""
        self._output.seek(0)
        return self._output.read()

    def _members(self) -> set[psutil.Process]:
        found = {process for process in psutil.process_iter() if self._is_marked(process)}
        if self._process.returncode is None:
            with suppress(psutil.Error):
                process = psutil.Process(self._process.pid)
                found |= {process, *process.children(recursive=True)}
        return found

    def _is_marked(self, process: psutil.Process) -> bool:
        name, value = self._mark
        try:
            return process.environ().get(name) == value
        except (psutil.Error, OSError):  # another user's, or gone
            return False


def _memory(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0
