"""What a learner has done, by kind: exercises, predictions, quiz questions, labs used.

Each thing is a small file of its own in `folder()`, replaced whole, so that two notebooks at once lose nothing. It
stays on this machine; `rlhf-lessons progress --forget` removes it.
"""

import os
import shutil
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from rlhf_lessons import sealed, store
from rlhf_lessons.refusals import check_choice

VARIABLE = "RLHF_LESSONS_PROGRESS"
Kind = Literal["exercise", "prediction", "quiz", "lab"]
KINDS: tuple[Kind, ...] = ("exercise", "prediction", "quiz", "lab")


class NotKeptWarning(UserWarning):
    """Something that a learner has done could not be kept."""


def folder() -> Path:
    """Where it is kept: RLHF_LESSONS_PROGRESS, or else `progress` beside the trained stages."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen).expanduser().absolute() if chosen else store.home() / "progress"


def keep(kind: Kind, name: str, **found: Any) -> None:
    """Keep what was found of one thing, such as the exercise "06.gae"; what was kept of it before is replaced.

    A folder that cannot be written makes a NotKeptWarning: it must not end a notebook.
    """
    check_choice("kind", kind, KINDS)
    path = folder() / kind / f"{store.word('name', name)}.json"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sealed.write(path, found)
    except OSError as error:
        warnings.warn(f"{error}: your progress, {kind} {name}, is not kept", NotKeptWarning, stacklevel=2)


def kept(kind: Kind) -> dict[str, dict[str, Any]]:
    """All that was kept of one kind, by name. A file that is damaged counts as not there."""
    check_choice("kind", kind, KINDS)
    found = {path.stem: _read(path) for path in sorted((folder() / kind).glob("*.json"))}
    return {name: value for name, value in found.items() if value is not None}


def find(kind: Kind, name: str) -> dict[str, Any] | None:
    """What was kept of one thing, or None."""
    check_choice("kind", kind, KINDS)
    return _read(folder() / kind / f"{store.word('name', name)}.json")


def count_use(lab: str) -> None:
    """Keep that a lab was used once more."""
    keep("lab", lab, used=(find("lab", lab) or {}).get("used", 0) + 1)


def forget(kinds: Iterable[Kind] = KINDS) -> int:
    """Remove all that was kept; returns how many things it was. Raises OSError if that cannot be."""
    count = sum(len(list((folder() / kind).glob("*.json"))) for kind in kinds)
    for kind in kinds:
        if (folder() / kind).exists():
            shutil.rmtree(folder() / kind)
    return count


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = sealed.read(path)
        return None if content is None else sealed.parse(content, path)
    except (OSError, sealed.BrokenError):
        return None
