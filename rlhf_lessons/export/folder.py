"""A folder that appears whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rlhf_lessons import files


@contextmanager
def new_folder(to: Path, force: bool = False) -> Iterator[Path]:
    """A folder to fill, which takes the name `to` at the end; where anything fails, the name is as it was before.

    force: what stands there under that name is renamed, never removed. Raises ValueError, naming `to`, for a name that
    is taken by anything but an empty folder, and OSError where it cannot be written.
    """
    to = to.absolute()
    is_taken = os.path.lexists(to) and not (to.is_dir() and not to.is_symlink() and not any(to.iterdir()))
    if is_taken and not force:
        raise ValueError(f"to: {str(to)!r} is not allowed; it must be a new or an empty folder (or --force)")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        workshop = tempfile.TemporaryDirectory(dir=to.parent, prefix=f"{to.name}-", suffix=files.UNFINISHED)
    except OSError as error:
        raise OSError(f"to: {str(to)!r} cannot be written ({error.strerror})") from error
    with workshop as unfinished:
        folder = Path(unfinished) / "folder"
        folder.mkdir()
        yield folder
        if is_taken:
            to.rename(to.with_name(f"{to.name}-until-{datetime.now():%Y-%m-%d-%H%M%S}"))
        elif to.exists():
            to.rmdir()
        folder.rename(to)
