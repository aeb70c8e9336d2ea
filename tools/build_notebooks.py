"""Makes notebooks/*.ipynb from notebooks/sources/*.md (MyST Markdown): converts, executes, tidies.

It uses a cache of its own, in build/, and nothing that ships with the course: what the notebooks measure on the way
is measured by today's code, and then ships with the course (`sweeps.results`).

python tools/build_notebooks.py               build all notebooks
python tools/build_notebooks.py 01_pretraining 06_ppo
python tools/build_notebooks.py --check       compare only; exit 1 if a notebook is not in step
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import torch
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from rlhf_lessons import cache, files, progress, store
from rlhf_lessons.kernels import PrivateKernelManager
from rlhf_lessons.run_files import errors_in
from rlhf_lessons.sweeps import results

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
HOME = NOTEBOOKS.parent / "build" / "notebooks-cache"
KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
MADE_WITH = "made_with.json"
WIDGET = "application/vnd.jupyter.widget-view+json"
CELL_SECONDS = 900


def convert(source: Path) -> NotebookNode:
    """The notebook of a text source, not executed. A cell's id is the notebook's name and its number."""
    read = jupytext.read(source, fmt="md:myst")
    cells = []
    for number, cell in enumerate(read.cells):
        cell["id"] = f"{source.stem}-{number:02}"
        cells.append(cell)
    metadata = {"kernelspec": dict(KERNEL), "language_info": {"name": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(notebook)
    return notebook


def build(source: Path, folder: Path) -> list[str]:
    """Convert, execute in `folder` and write there. Returns the errors; with any, nothing is written."""
    notebook = convert(source)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name=KERNEL["name"],
        kernel_manager_class=PrivateKernelManager,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return [str(error)]
    errors = errors_in(notebook)
    if not errors:
        tidy(notebook)
        nbformat.write(notebook, folder / f"{source.stem}.ipynb")
        told = made_with(folder) | {source.stem: {"threads": torch.get_num_threads(), "torch": torch.__version__}}
        files.replace(folder / MADE_WITH, (json.dumps(told, indent=1, sort_keys=True) + "\n").encode())
    return errors


def made_with(folder: Path = NOTEBOOKS) -> dict[str, Any]:
    """Notebook -> what the last digits of its outputs depend on: the number of threads, and torch's version."""
    path = folder / MADE_WITH
    return files.parse_json(files.read(path), path.name) if path.exists() else {}


def tidy(notebook: NotebookNode) -> None:
    """Take out what belongs to this run or this machine alone; outputs and execution counts stay."""
    # Without their kernel, stored widgets show as "model not found".
    notebook.metadata = NotebookNode(kernelspec=dict(KERNEL), language_info={"name": "python"})
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [without_paths(output) for output in cell.outputs if is_worth_keeping(output)]


def is_worth_keeping(output: NotebookNode) -> bool:
    """False for a widget that has no picture or table to show without a kernel, such as a progress bar."""
    kinds = set(output.get("data", {}))
    return WIDGET not in kinds or bool(kinds - {WIDGET, "text/plain"})


def without_paths(value: Any) -> Any:
    """The same output with this machine's folders shortened, in all its texts."""
    if isinstance(value, str):
        folders = {f"{NOTEBOOKS.parent}/": "", str(store.home()): "<cache>", f"{Path.home()}/": "~/"}
        for folder, short in folders.items():
            value = value.replace(folder, short)
        return value
    if isinstance(value, list):
        return [without_paths(item) for item in value]
    if isinstance(value, dict):
        return NotebookNode({key: without_paths(item) for key, item in value.items()})
    return value


def content(notebook: NotebookNode) -> list[tuple[str, str, str, list[str]]]:
    """What source and notebook must agree in: each cell's id, kind, text and tags."""
    return [(c.id, c.cell_type, c.source, c.metadata.get("tags", [])) for c in notebook.cells]


def out_of_step(folder: Path) -> list[str]:
    """Names of the notebooks that differ from their source, have none, or are not built yet."""
    sources = {path.stem: path for path in (folder / "sources").glob("*.md")}
    notebooks = {path.stem: path for path in folder.glob("*.ipynb")}
    names = sorted(sources.keys() ^ notebooks.keys())
    for name in sorted(sources.keys() & notebooks.keys()):
        if content(convert(sources[name])) != content(nbformat.read(notebooks[name], as_version=4)):
            names.append(name)
    return names


def chosen(names: Iterable[str], folder: Path) -> list[Path]:
    """The sources with these names, or all. Raises ValueError for a name without a source."""
    sources = {path.stem: path for path in sorted((folder / "sources").glob("*.md"))}
    unknown = sorted(set(names) - sources.keys())
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: no such source; there are {', '.join(sources)}")
    return [sources[name] for name in names] or list(sources.values())


def main(arguments: list[str] | None = None, folder: Path = NOTEBOOKS) -> int:
    """The program; returns its exit code."""
    parser = argparse.ArgumentParser(description="Build the notebooks from their text sources.")
    parser.add_argument("names", nargs="*", help="notebooks to build, such as 06_ppo; all if none is given")
    parser.add_argument("--check", action="store_true", help="only compare notebooks and sources")
    options = parser.parse_args(arguments)
    if options.check:
        names, old = out_of_step(folder), results.stale() if folder == NOTEBOOKS else []
        print(f"not in step with their sources: {', '.join(names)}" if names else "all notebooks are in step")
        if old:
            print(f"shipped results of another code: {', '.join(old)}")
        return 1 if names or old else 0
    try:
        sources = chosen(options.names, folder)
    except ValueError as error:
        parser.error(str(error))
    if folder == NOTEBOOKS:
        own = {store.HOME_VARIABLE: HOME, progress.VARIABLE: HOME / "progress"}
        os.environ |= {name: str(folder) for name, folder in own.items()}
        os.environ |= {store.SHARED_VARIABLE: "", results.REMAKE_VARIABLE: "1"}
    failed = False
    for source in sources:
        if folder == NOTEBOOKS:
            forget_results()
        started = time.monotonic()
        errors = build(source, folder)
        print(
            f"{source.stem}: {'failed' if errors else 'built'} in {time.monotonic() - started:.0f} s",
            flush=True,
        )
        for text in errors:
            print(text, file=sys.stderr)
        failed = failed or bool(errors)
    if folder == NOTEBOOKS and not failed:
        ship_results(kept=results.current() if options.names else {})
    return 1 if failed else 0


def forget_results() -> None:
    """Take away what was kept so far: a notebook that is made for all shows nobody's ticks and nobody's answers."""
    progress.forget()
    for path in (HOME / store.RESULTS).glob("*.json"):
        path.unlink()


def ship_results(kept: Mapping[str, Mapping[str, Any]]) -> None:
    """Put what the notebooks measured with today's code into the package, beside what is `kept` of what ships now."""
    found: dict[str, dict[str, Any]] = {name: dict(kept.get(name, {})) for name in results.SHIPPED}
    for entry in cache.entries():
        record = store.read_meta(entry.path) if entry.current and entry.name in found else None
        if record:
            found[entry.name][record["fingerprint"]] = {part: record["meta"][part] for part in ("key", "result")}
    results.ship(found)
    print("shipped:", ", ".join(f"{len(keys)} {name}" for name, keys in found.items()))


if __name__ == "__main__":
    sys.exit(main())
