"""Trained weights on disk: found again by what made them, never half written, checked when read.

Each fingerprint has a folder of its own with the weights (safetensors) and a `meta.json`. The weights' file
is named after its content and the meta names that file, so replacing the meta is the one moment at which a
save becomes visible: a reader sees all of an old save or all of a new one, whoever else is writing.
"""

import hashlib
import inspect
import json
import os
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import safetensors.torch
from filelock import FileLock, Timeout
from platformdirs import user_cache_dir
from torch import Tensor

from rlhf_lessons.knobs import Settings

HOME_VARIABLE = "RLHF_LESSONS_HOME"
LOCK_SECONDS = 1200  # longer than any stage of the course trains


class CorruptCacheWarning(UserWarning):
    """A stored file is not what was written; what it held must be made again."""


@dataclass(frozen=True)
class Stored:
    """Tensors by name, and the meta saved with them."""

    tensors: dict[str, Tensor]
    meta: dict[str, Any]


def home() -> Path:
    """The folder all weights live in: RLHF_LESSONS_HOME, or else the user's cache folder."""
    chosen = os.environ.get(HOME_VARIABLE) or user_cache_dir("rlhf-lessons")
    return Path(chosen).expanduser().absolute()


def fingerprint(stage: str, settings: Mapping[str, Any] | Settings, data: str, parent: str | None, code: str) -> str:
    """16 hex digits that change with anything a stage's weights depend on.

    `data` describes the training data, `parent` is the fingerprint of the model it started from (None if it
    started from nothing) and `code` is the `code_version` of the stage.
    """
    if isinstance(settings, Settings):
        settings = settings.model_dump()
    parts = {"stage": stage, "settings": dict(settings), "data": data, "parent": parent, "code": code}
    return _digest(_canonical(parts))[:16]


def code_version(*modules: ModuleType) -> str:
    """16 hex digits that change with the source text of any of the modules; a package counts with all its files."""
    return _digest(_canonical({module.__name__: _sources(module) for module in modules}))[:16]


def _sources(module: ModuleType) -> dict[str, str]:
    if not hasattr(module, "__path__"):
        return {module.__name__: inspect.getsource(module)}
    folder = Path(next(iter(module.__path__)))
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".py", ".csv"})
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}


def save(name: str, fingerprint: str, tensors: Mapping[str, Tensor], meta: Mapping[str, Any]) -> None:
    """Keep `tensors` and `meta` (anything JSON can hold) under a stage's name and fingerprint.

    Raises OSError, naming RLHF_LESSONS_HOME, if the folder cannot be written.
    """
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
    meta_file = _folder(name, fingerprint, home()) / "meta.json"
    try:
        text = meta_file.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    record = _checked_record(text)
    if record is None:
        return _corrupt(meta_file, "is cut short or was edited", name)
    weights_file = meta_file.with_name(record["weights"])
    try:
        weights = weights_file.read_bytes()
    except FileNotFoundError:
        return _corrupt(weights_file, "is missing", name)
    if _digest(weights) != record["weights_sha256"]:
        return _corrupt(weights_file, "is cut short or was edited", name)
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
        held = FileLock(folder / "training.lock")
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


def _corrupt(path: Path, fault: str, name: str) -> None:
    warnings.warn(f"{path} {fault}; {name} will be trained again", CorruptCacheWarning, stacklevel=3)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
