"""JSON that is known to be what was written: it carries a checksum of itself.

Checksums find accidents: what was cut short, mixed up or edited by hand. They are no defence against somebody who
forges them too.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rlhf_lessons import files
from rlhf_lessons.refusals import shown

SEAL = "checksum"
EDITED = "is cut short or was edited"


class BrokenError(ValueError):
    """A stored file that cannot be trusted: which one, and why."""


def plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """The value as it will be read again: tuples as lists, names of any kind as text. Raises ValueError for others."""
    try:
        return json.loads(json.dumps(dict(value)))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"meta: {shown(value)} is not allowed; it must be what JSON can hold ({error})") from None


def write(path: Path, value: Mapping[str, Any]) -> None:
    """Replace the file at `path` with the value and its checksum. Raises OSError if that cannot be."""
    kept = plain(value)
    files.replace(path, json.dumps({**kept, SEAL: digest(_canonical(kept))}, indent=1).encode())


def parse(content: bytes, path: Path) -> dict[str, Any]:
    """What `write` put into the file at `path`, of which this is the content. Raises BrokenError if it is not that."""
    try:
        value = files.parse_json(content, path.name)
        seal = value.pop(SEAL)
        is_whole = seal == digest(_canonical(value))
    except (ValueError, AttributeError, KeyError, TypeError):
        is_whole = False
    if not is_whole:
        raise BrokenError(f"{path} {EDITED}")
    return value


def read(path: Path) -> bytes | None:
    """The bytes of a file, or None where there is none. Raises BrokenError for a pipe, a device or a folder."""
    try:
        return files.read(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        raise BrokenError(f"{path} is not an ordinary file") from None


def digest(content: bytes) -> str:
    """SHA-256, as 64 hex digits."""
    return hashlib.sha256(content).hexdigest()


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
