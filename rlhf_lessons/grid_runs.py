"""One run of a grid: a notebook with some parameters, and what is left of it.

A run leaves two files, its notebook and, sealed, what it came to. By these a later grid finds it again, unless the
notebook, its parameters or the package have changed since.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rlhf_lessons import files, keys, progress, reruns, scales, sealed, store
from rlhf_lessons.knobs import Value
from rlhf_lessons.sweeps.processes import environment


@dataclass(frozen=True)
class GridRun:
    """One run of a grid. `text` is the notebook's, for a machine that has no such file at `path`."""

    path: Path
    text: bytes
    parameters: Mapping[str, Value]
    cell_seconds: int = reruns.CELL_SECONDS

    @property
    def name(self) -> str:
        """Of its files."""
        return "-".join([self.path.stem, *(f"{name}={value}" for name, value in self.parameters.items())])

    @property
    def made_with(self) -> dict[str, Any]:
        """What its results depend on."""
        notebook = sealed.digest(self.text)
        code, scale = keys.package_version(), scales.named()
        return {"notebook": notebook, "code": code, "scale": scale, "parameters": dict(self.parameters)}

    def __call__(self, folder: Path) -> None:
        """Run the notebook on one thread, with results and progress of its own, and leave both files in `folder`."""
        with tempfile.TemporaryDirectory() as scratch:
            own = {store.RESULTS_VARIABLE: f"{scratch}/{store.RESULTS}", progress.VARIABLE: f"{scratch}/progress"}
            path = self._source(Path(scratch))
            with environment(OMP_NUM_THREADS="1", **own):
                ran = reruns.run_notebook(
                    path, self.parameters, folder / f"{self.name}.ipynb", cell_seconds=self.cell_seconds, force=True
                )
                results: dict[str, Any] = {}
                for kept in sorted(Path(scratch, store.RESULTS).glob("*.json")):
                    results |= store.load_result(kept.stem) or {}
        error = ran.errors[0].partition("\n")[0] if ran.errors else ""
        found = {"made_with": self.made_with, "error": error, "seconds": ran.seconds, "results": results}
        sealed.write(self._kept(folder), found)

    def found(self, folder: Path) -> dict[str, Any] | None:
        """What the run came to, if it was made in this `folder`, with the same code, notebook and parameters."""
        content = sealed.read(self._kept(folder))
        try:
            found = sealed.parse(content, self._kept(folder)) if content else {}
        except sealed.BrokenError:
            return None
        return found if found.get("made_with") == self.made_with else None

    def is_done(self, folder: Path) -> bool:
        """Whether it was made there, and nothing failed in it."""
        found = self.found(folder)
        return found is not None and not found["error"] and Path(folder, f"{self.name}.ipynb").exists()

    def forget(self, folder: Path) -> None:
        """Remove what the run came to before."""
        self._kept(folder).unlink(missing_ok=True)

    def _kept(self, folder: Path) -> Path:
        return folder / f"{self.name}.json"

    def _source(self, scratch: Path) -> Path:
        """The notebook in its own folder, where files may lie that it reads; elsewhere a copy."""
        if self.path.is_file() and self.path.read_bytes() == self.text:
            return self.path
        files.replace(scratch / self.path.name, self.text)
        return scratch / self.path.name
