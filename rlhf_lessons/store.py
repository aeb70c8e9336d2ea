"""Trained weights on disk: found again by what made them, never half written, checked when read.

Each fingerprint has a folder of its own with the weights (safetensors) and a `meta.json`. The weights' file
is named after its content and the meta names that file, so replacing the meta is the one moment at which a
save becomes visible: a reader sees all of an old save or all of a new one, whoever else is writing.
"""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout
from platformdirs import user_cache_dir

if TYPE_CHECKING:  # torch takes seconds to import, and only weights need it
    from torch import Tensor

HOME_VARIABLE = "RLHF_LESSONS_HOME"
LOCK_NAME = "training.lock"
LOCK_SECONDS = 1200  # longer than any stage of the course trains


class CorruptCacheWarning(UserWarning):
    """A stored file is not what was written; what it held must be made again."""


@dataclass(frozen=True)
class Stored:
    """Tensors by name, and the meta saved with them."""

    tensors: "dict[str, Tensor]"
    meta: dict[str, Any]


def home() -> Path:
    """The folder all weights live in: RLHF_LESSONS_HOME, or else the user's cache folder."""
    chosen = os.environ.get(HOME_VARIABLE) or user_cache_dir("rlhf-lessons")
    return Path(chosen).expanduser().absolute()


def save(name: str, fingerprint: str, tensors: "Mapping[str, Tensor]", meta: Mapping[str, Any]) -> None:
    """Keep `tensors` and `meta` (anything JSON can hold) under a stage's name and fingerprint.

    Raises OSError, naming RLHF_LESSONS_HOME, if the folder cannot be written.
    """
    import safetensors.torch

    # Cloned because safetensors refuses tensors that share memory, as those of a tied head do.
    own = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    weights = safetensors.torch.save(own)
    digest = _digest(weights)
    record = {
        "name": name,
        "fingerprint": fingerprint,
        "weights": f"weights-{digest[:16]}.safetensors",
        "weights_sha256": digest,
        "meta": json.loads(json.dumps(dict(meta))),  # what a reader will get, so that the checksum is of that
    }
    record["checksum"] = _digest(_canonical(record))
    with _writing() as root:
        folder = _folder(name, fingerprint, root)
        folder.mkdir(parents=True, exist_ok=True)
        _replace(folder / record["weights"], weights)
        _replace(folder / "meta.json", json.dumps(record, indent=1).encode())


def load(name: str, fingerprint: str) -> Stored | None:
    """What was saved, or None if there is nothing or, after a CorruptCacheWarning, nothing to be trusted."""
    import safetensors.torch

    meta_file = _folder(name, fingerprint, home()) / "meta.json"
    try:
        text = meta_file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    record = _checked_record(text)
    if record is None:
        _warn_of(meta_file, "is cut short or was edited", name)
        return None
    weights_file = meta_file.with_name(record["weights"])
    try:
        weights = weights_file.read_bytes()
    except FileNotFoundError:
        _warn_of(weights_file, "is missing", name)
        return None
    if _digest(weights) != record["weights_sha256"]:
        _warn_of(weights_file, "is cut short or was edited", name)
        return None
    return Stored(safetensors.torch.load(weights), record["meta"])


@contextmanager
def lock(name: str, fingerprint: str) -> Iterator[None]:
    """Hold a stage for this process, so that another one waits for its weights and does not train them too.

    A lock ends with the process that holds it. Whoever has waited for 20 minutes goes on without it: two
    processes may safely save the same stage. Raises OSError, naming RLHF_LESSONS_HOME, as `save` does.
    """
    with _writing() as root:
        folder = _folder(name, fingerprint, root)
        folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(folder / LOCK_NAME)
        with suppress(Timeout):
            held.acquire(timeout=LOCK_SECONDS)
    try:
        yield
    finally:
        held.release()


def save_result(name: str, result: Mapping[str, Any]) -> None:
    """Keep what a notebook measured as results/<name>.json in `home`. Raises OSError as `save` does."""
    with _writing() as root:
        path = root / "results" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, json.dumps(dict(result), indent=1).encode())


def load_result(name: str) -> dict[str, Any] | None:
    """What `save_result` kept, or None if there is nothing."""
    path = home() / "results" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def read_meta(folder: Path) -> dict[str, Any] | None:
    """Name, fingerprint and meta of what a folder holds, weights unread; None if there is nothing to be trusted."""
    try:
        return _checked_record((folder / "meta.json").read_bytes())
    except OSError:
        return None


def _folder(name: str, fingerprint: str, root: Path) -> Path:
    return root / f"{name}-{fingerprint}"


@contextmanager
def _writing() -> Iterator[Path]:
    root = home()
    try:
        yield root
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"{HOME_VARIABLE}: {str(root)!r} cannot be written ({reason}); set it to a folder that can"
        ) from error


def _replace(path: Path, content: bytes) -> None:
    """Write beside `path`, then rename: the name always stands for a whole file, old or new."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _checked_record(text: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
        checksum = record.pop("checksum")
    except (ValueError, AttributeError, KeyError, TypeError):
        return None
    return record if checksum == _digest(_canonical(record)) else None


def _warn_of(path: Path, fault: str, name: str) -> None:
    warnings.warn(f"{path} {fault}; {name} will be made again", CorruptCacheWarning, stacklevel=3)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
