"""Trained weights on disk: found again by what made them, never half written, checked when read.

Each fingerprint has a folder of its own with the weights (safetensors) and a `meta.json`. The weights' file
is named after its content and the meta names that file, so replacing the meta is the one moment at which a
save becomes visible: a reader sees all of an old save or all of a new one, whoever else is writing.

A class may share what was trained: `load` looks into `home` and then into `shared`, which is only ever read.
"""

import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from platformdirs import user_cache_dir
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rlhf_lessons import files, locks, sealed
from rlhf_lessons.refusals import shown
from rlhf_lessons.sealed import BrokenError

if TYPE_CHECKING:  # torch takes seconds to import, and only weights need it
    from torch import Tensor

HOME_VARIABLE, SHARED_VARIABLE = "RLHF_LESSONS_HOME", "RLHF_LESSONS_SHARED"
RESULTS_VARIABLE = (
    "RLHF_LESSONS_RESULTS"  # a folder `results` elsewhere, for a run whose results are not the learner\'s
)
META, RESULTS = "meta.json", "results"
WEIGHTS = "weights-*.safetensors"
WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.]{0,99}")


class CorruptCacheWarning(UserWarning):
    """A stored file is not what was written; what it held must be made again."""


class RescuedWarning(UserWarning):
    """What was trained could not be stored where it belongs, and lies elsewhere."""


class NotSharedWarning(UserWarning):
    """The shared cache that was named is not there, so what it should hold is made here."""


@dataclass(frozen=True)
class Stored:
    """Tensors by name, and the meta saved with them."""

    tensors: "dict[str, Tensor]"
    meta: dict[str, Any]


class Record(BaseModel):
    """What a meta.json holds, beside its checksum."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str
    fingerprint: str
    weights: Annotated[str, Field(pattern=r"^weights-[0-9a-f]{16}\.safetensors$")]
    weights_sha256: str
    meta: dict[str, Any]


def home() -> Path:
    """The folder all weights live in: RLHF_LESSONS_HOME, or else the user's cache folder.

    Raises ValueError for the home (`~name`) of nobody.
    """
    chosen = os.environ.get(HOME_VARIABLE) or user_cache_dir("rlhf-lessons")
    try:
        return Path(chosen).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"{HOME_VARIABLE}: {shown(chosen)} is not allowed; it must be a folder ({error})") from None


def shared() -> Path | None:
    """The folder of the cache that is read after one's own and never written: RLHF_LESSONS_SHARED, or None.

    What is no folder counts as None, after a NotSharedWarning (once for each); so does `home` itself.
    """
    chosen = os.environ.get(SHARED_VARIABLE)
    if not chosen:
        return None
    path = Path(os.path.abspath(os.path.expanduser(chosen)))
    if os.path.isdir(path):
        return path if path != home() else None
    _not_shared(f"{SHARED_VARIABLE}: {str(path)!r} is not a folder; what it should hold is made in {str(home())!r}")
    return None


@cache
def _not_shared(line: str) -> None:
    warnings.warn(line, NotSharedWarning, stacklevel=3)


def save(name: str, fingerprint: str, tensors: "Mapping[str, Tensor]", meta: Mapping[str, Any]) -> None:
    """Keep `tensors` and `meta` (anything JSON can hold) under a stage's name and fingerprint.

    Files that a killed save left behind are removed. Raises OSError, naming RLHF_LESSONS_HOME, if the folder cannot be
    written, and ValueError for a name or a fingerprint that is not one word.
    """
    _save(_folder(name, fingerprint), tensors, meta, home())


def save_or_rescue(name: str, fingerprint: str, tensors: "Mapping[str, Tensor]", meta: Mapping[str, Any]) -> None:
    """`save`; where that fails, keep it in a temporary folder and say so with a RescuedWarning, for it took minutes."""
    _or_rescue(lambda root: _save(_folder(name, fingerprint, root), tensors, meta, root), f"What was trained, {name},")


def check_room(name: str, fingerprint: str, size: int) -> None:
    """Write `size` bytes where `save` will, and remove them: a full disk is noticed before minutes of training.

    Raises OSError as `save` does.
    """
    folder = _folder(name, fingerprint)
    trial = folder / f"room{files.UNFINISHED}"
    with _writing(folder, home()), locks.hold(_saving(folder)):  # or a save there would clear it away
        files.replace(trial, bytes(size))
        trial.unlink()


def load(name: str, fingerprint: str) -> Stored | None:
    """What was saved in `home`, or else in `shared`; None if there is nothing that can be trusted.

    A CorruptCacheWarning tells of each that was damaged or could not be read.
    """
    from safetensors import SafetensorError

    stored, faults = None, []
    for root in filter(None, (home(), shared())):
        try:
            stored = _whole(_folder(name, fingerprint, root))
        except (BrokenError, SafetensorError, OSError) as error:
            faults.append(str(error))
        if stored:
            break
    for fault in faults:
        distrust(name, fault, "the shared one is used" if stored else None)
    return stored


def distrust(name: str, fault: str, remedy: str | None = None) -> None:
    """Warn that what is stored under a name cannot be used, and why. Without another remedy it is made again."""
    warnings.warn(f"{fault}; {remedy or f'{name} will be made again'}", CorruptCacheWarning, stacklevel=3)


@contextmanager
def lock(name: str, fingerprint: str) -> Iterator[None]:
    """Hold a stage for this process, so that another one waits for its weights and does not train them too.

    Raises OSError, naming RLHF_LESSONS_HOME, as `save` does.
    """
    folder = _folder(name, fingerprint)
    with ExitStack() as held:
        with _writing(folder, home()):
            held.enter_context(locks.training(folder, name))
        yield


def save_result(name: str, result: Mapping[str, Any]) -> None:
    """Keep what a notebook measured as results/<name>.json in `home`, with a checksum.

    Where that fails, as in a shared cache that may only be read, it is rescued as in `save_or_rescue`. Raises
    ValueError for a name that is not one word.
    """
    file = f"{word('name', name)}.json"
    _or_rescue(lambda root: _save_result(_results(root) / file, result, root), f"The result {name}")


def load_result(name: str) -> dict[str, Any] | None:
    """What `save_result` kept, or None if there is nothing or, after a CorruptCacheWarning, nothing to be trusted."""
    path = _results(home()) / f"{word('name', name)}.json"
    try:
        content = sealed.read(path)
        return None if content is None else sealed.parse(content, path)
    except BrokenError as fault:
        distrust(f"the result {name}", str(fault))
        return None


def read_meta(folder: Path) -> dict[str, Any] | None:
    """Name, fingerprint and meta of what a folder holds, weights unread; None if there is nothing to be trusted."""
    try:
        content = sealed.read(folder / META)
        return None if content is None else _record(content, folder).model_dump()
    except (OSError, BrokenError):
        return None


def leftovers(folder: Path) -> list[Path]:
    """What killed saves left in a folder: unfinished files, and weights that its meta does not name.

    While another process is saving there, its files are among them.
    """
    record = read_meta(folder)
    weights = [path for path in folder.glob(WEIGHTS) if not record or path.name != record["weights"]]
    return [*folder.glob(f"*{files.UNFINISHED}"), *weights]


def remove_leftovers(folder: Path) -> list[Path]:
    """Remove `leftovers`, unless another process is saving there; returns those removed."""
    with locks.hold(_saving(folder), seconds=0) as is_alone:
        return _remove(leftovers(folder) if is_alone else [])


def _save(folder: Path, tensors: "Mapping[str, Tensor]", meta: Mapping[str, Any], root: Path) -> None:
    import safetensors.torch

    for key, value in tensors.items():
        if not hasattr(value, "detach"):
            raise ValueError(f"tensors: {key}={shown(value)} is not allowed; it must be a tensor")
    # Cloned because safetensors refuses tensors that share memory, as those of a tied head do.
    own = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    weights = safetensors.torch.save(own)
    digest, (name, _, fingerprint) = sealed.digest(weights), folder.name.rpartition("-")
    record = Record(
        name=name,
        fingerprint=fingerprint,
        weights=WEIGHTS.replace("*", digest[:16]),
        weights_sha256=digest,
        meta=sealed.plain(meta),
    )
    with _writing(folder, root), locks.hold(_saving(folder)) as is_alone:
        files.replace(folder / record.weights, weights)
        sealed.write(folder / META, record.model_dump())
        _remove(leftovers(folder) if is_alone else [])


def _whole(folder: Path) -> Stored | None:
    """What a folder holds, all of one save; None if that is nothing. Raises BrokenError or SafetensorError for less."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    while (content := sealed.read(folder / META)) is not None:
        try:
            record = _record(content, folder)
            return Stored(load(_weights(folder, record)), record.meta)
        except (BrokenError, SafetensorError):
            if sealed.read(folder / META) == content:  # else another process has saved meanwhile: read its save
                raise
    return None


def _folder(name: str, fingerprint: str, root: Path | None = None) -> Path:
    return (root or home()) / f"{word('name', name)}-{word('fingerprint', fingerprint)}"


def _results(root: Path) -> Path:
    return Path(os.environ.get(RESULTS_VARIABLE) or root / RESULTS)


def _save_result(path: Path, result: Mapping[str, Any], root: Path) -> None:
    with _writing(path.parent, root), locks.hold(_saving(path.parent)) as is_alone:
        sealed.write(path, result)
        _remove(leftovers(path.parent) if is_alone else [])


def _or_rescue(save: Callable[[Path], None], what: str) -> None:
    """Save below `home`; where that fails, below a temporary folder, and say so."""
    try:
        save(home())
    except OSError as error:
        try:
            save(_rescue_home())
            where = f"kept in {str(_rescue_home())!r}; set {HOME_VARIABLE} to that folder to find it again"
        except OSError:
            where = "in the memory of this program only"
        warnings.warn(f"{error}. {what} is {where}", RescuedWarning, stacklevel=3)


def _saving(folder: Path) -> Path:
    """The lock of whoever writes into a folder; results lie in theirs without other files."""
    return (folder.parent if folder.name == RESULTS else folder) / locks.SAVING


def word(field: str, text: str) -> str:
    """A part of a file's name, which must not lead to another folder."""
    if not isinstance(text, str) or not WORD.fullmatch(text):
        raise ValueError(f"{field}: {shown(text)} is not allowed; it must be one word of letters, digits, _ and .")
    return text


@contextmanager
def _writing(folder: Path, root: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        reason = error.strerror or error
        raise OSError(
            f"{HOME_VARIABLE}: {str(root)!r} cannot be written ({reason}); set it to a folder that can"
        ) from error


def _record(content: bytes, folder: Path) -> Record:
    """What a meta file says. Raises BrokenError for one that was changed, or belongs to another folder."""
    path = folder / META
    try:
        record = Record.model_validate(sealed.parse(content, path))
    except ValidationError:
        raise BrokenError(f"{path} was written by another version of the course") from None
    if f"{record.name}-{record.fingerprint}" != folder.name:
        raise BrokenError(f"{path} is that of {record.name}-{record.fingerprint}")
    return record


def _weights(folder: Path, record: Record) -> bytes:
    path = folder / record.weights
    content = sealed.read(path)
    if content is None:
        raise BrokenError(f"{path} is missing")
    if sealed.digest(content) != record.weights_sha256:
        raise BrokenError(f"{path} {sealed.EDITED}")
    return content


def _remove(paths: list[Path]) -> list[Path]:
    for path in paths:
        path.unlink(missing_ok=True)
    return paths


@cache
def _rescue_home() -> Path:
    """A folder of this process where the store may be kept when `home` cannot be written."""
    return Path(tempfile.mkdtemp(prefix="rlhf-lessons-"))
