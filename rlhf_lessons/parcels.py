"""What a store holds, on its way to another store: as bytes, checked on arrival."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rlhf_lessons import sealed, store
from rlhf_lessons.sealed import BrokenError


@dataclass(frozen=True)
class Parcel:
    """One stage or result: the name of its folder in the store, and its two files."""

    folder: str
    meta: bytes
    weights: bytes


def stored() -> set[Path]:
    """The folders of the store that hold a stage or a result."""
    return {path.parent for path in store.home().glob(f"*/{store.META}")}


def pack(folders: Iterable[Path]) -> list[Parcel]:
    """What these folders of a store hold. One whose meta is damaged is left out."""
    found = []
    for folder in sorted(folders):
        if record := store.read_meta(folder):
            files = (folder / store.META, folder / record["weights"])
            found.append(Parcel(folder.name, *(path.read_bytes() for path in files)))
    return found


def unpack(parcels: Iterable[Parcel]) -> None:
    """Keep what the store does not hold yet.

    Raises BrokenError for what is not as it was packed, and OSError as `store.save` does.
    """
    from safetensors.torch import load

    for parcel in parcels:
        if Path(store.home(), parcel.folder, store.META).exists():
            continue
        record = sealed.parse(parcel.meta, Path(parcel.folder, store.META))
        if sealed.digest(parcel.weights) != record["weights_sha256"]:
            raise BrokenError(f"the weights of {parcel.folder} {sealed.EDITED} on their way")
        store.save(record["name"], record["fingerprint"], load(parcel.weights), record["meta"])
