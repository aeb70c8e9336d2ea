"""What the cache holds: stages and measured results, what each is, and whether today's code would find it again."""

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rlhf_lessons import locks, store
from rlhf_lessons.keys import Key

OURS = re.compile("[a-z_]+-[0-9a-f]{16}")  # other folders there are somebody's own, and never touched
LONGEST = 60  # characters of settings in a line
CURRENT, OTHER, UNFINISHED, LEFT_OVER = "finds it", "does not", "unfinished", "left over"


@dataclass(frozen=True)
class Entry:
    """One stored stage or result.

    settings: those that differ from the defaults; size: bytes on disk; made: when it was saved; state: whether the
    code of today, asked for the same, would find it (`CURRENT`) or not (`OTHER`, also of an earlier version of the
    course), or `UNFINISHED`, which includes what was damaged; a file that a killed save left beside a whole one is
    `LEFT_OVER`.
    """

    name: str
    settings: Mapping[str, Any]
    size: int
    made: datetime
    state: str
    path: Path

    @property
    def current(self) -> bool:
        return self.state == CURRENT

    @property
    def words(self) -> str:
        """The settings in a line."""
        text = ", ".join(f"{name}={value}" for name, value in self.settings.items())
        return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def entries(root: Path | None = None) -> list[Entry]:
    """All that is stored in the cache, or in another one with the folder `root`, by name and then by date."""
    root = root or store.home()
    folders = [folder for folder in root.glob("*-*") if folder.is_dir() and OURS.fullmatch(folder.name)]
    files = list(root.glob("results/sweeps/*.json"))  # where versions before 0.2 kept measured results
    found = [*map(_of_folder, folders), *(_of_file(path, OTHER) for path in files)]
    found += [_of_file(path, LEFT_OVER) for folder in (*folders, root / store.RESULTS) for path in _leftovers(folder)]
    return sorted(found, key=lambda entry: (entry.name, entry.made))


def clean(old: Iterable[Entry]) -> list[Entry]:
    """Remove entries; returns those removed. One that another process is training or saving is left alone."""
    removed = []
    for entry in old:
        if entry.state == LEFT_OVER:
            store.remove_leftovers(entry.path.parent)
        elif entry.path.is_file():
            entry.path.unlink(missing_ok=True)
        else:
            _remove_folder(entry.path)
        if not entry.path.exists():
            removed.append(entry)
    return removed


def _remove_folder(folder: Path) -> None:
    with (
        locks.hold(folder / locks.TRAINING, seconds=0) as nobody_trains,
        locks.hold(folder / locks.SAVING, seconds=0) as nobody_saves,
    ):
        if nobody_trains and nobody_saves:
            shutil.rmtree(folder, ignore_errors=True)


def _leftovers(folder: Path) -> list[Path]:
    """What killed saves left beside what is stored. Where nothing is stored, the whole folder counts as unfinished."""
    return store.leftovers(folder) if folder.name == store.RESULTS or store.read_meta(folder) else []


def _of_folder(folder: Path) -> Entry:
    files = [path for path in folder.iterdir() if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    made = datetime.fromtimestamp(max((path.stat().st_mtime for path in files), default=folder.stat().st_mtime))
    record = store.read_meta(folder)
    if record is None:
        return Entry(folder.name.rpartition("-")[0], {}, size, made, UNFINISHED, folder)
    meta = record["meta"]
    try:
        key = Key.from_dict(meta["key"])
    except (KeyError, TypeError, AttributeError):  # of an earlier version
        changed = _unlike_defaults(record["name"], meta.get("plan"))
        return Entry(record["name"], changed, size, made, OTHER, folder)
    is_found = key.is_current and key.fingerprint == record["fingerprint"]
    settings = meta.get("changes", key.settings)
    return Entry(record["name"], settings, size, made, CURRENT if is_found else OTHER, folder)


def _unlike_defaults(stage: str, plan: Any) -> dict[str, Any]:
    from rlhf_lessons.pipeline import STAGES  # takes seconds, and only old entries need it

    defaults = STAGES[stage].plan().model_dump() if stage in STAGES else {}
    settings = plan if isinstance(plan, dict) else {}
    return {name: value for name, value in settings.items() if value != defaults.get(name)}


def _of_file(path: Path, state: str) -> Entry:
    stat = path.stat()
    owner = path.parent.name if state == LEFT_OVER else path.stem
    made = datetime.fromtimestamp(stat.st_mtime)
    return Entry(owner.rpartition("-")[0] or owner, {"file": path.name}, stat.st_size, made, state, path)
