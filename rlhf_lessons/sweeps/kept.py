"""Results of a sweep that takes too long for a lesson: made by one command, kept in the package with their label.

One zip archive a sweep, for tables and label belong together and a file can be replaced in one step. To read a label:
`unzip -p rlhf_lessons/sweeps/kept/over_optimisation.zip label.json`.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch

from rlhf_lessons import devices, files

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FOLDER = Path(__file__).parent / "kept"
DIGITS = "%.5g"
TABLE, LABEL = ".csv", "label.json"
FIELDS = frozenset({"command", "seeds", "code", "torch", "made"})  # of a label, for its sentence


@dataclass(frozen=True)
class Kept:
    """Tables by name, and the label: what made them (settings, state of the code, versions, date, minutes)."""

    tables: dict[str, pd.DataFrame]
    label: dict[str, Any]

    def sentence(self, code: str) -> str:
        """The label as a sentence. `code` is the state of the code now, which may have moved on since."""
        state = "this code" if code == self.label["code"] else "an earlier state of the code"
        seeds, torch = self.label["seeds"], self.label["torch"]
        return f"Made on {self.label['made']} by {self.label['command']}, with {state}, seeds {seeds}, torch {torch}."


def label(
    name: str, conditions: Mapping[str, "DataclassInstance"], seeds: Sequence[int], code: str, seconds: float
) -> dict[str, Any]:
    """What made a sweep's results. `seconds` are those of all its trainings, on one thread each."""
    return {
        "command": f"rlhf-lessons sweep {name.replace('_', '-')}",
        "conditions": {condition: asdict(about) for condition, about in conditions.items()},
        "seeds": list(seeds),
        "code": code,
        "torch": torch.__version__,
        "device": devices.chosen(),
        "made": date.today().isoformat(),
        "minutes": round(float(seconds) / 60),
    }


def write(name: str, tables: Mapping[str, pd.DataFrame], label: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Keep the tables and their label under `name`, in place of what was kept before, all in one step."""
    texts = {
        f"{table_name}{TABLE}": table.to_csv(index=False, float_format=DIGITS, lineterminator="\n")
        for table_name, table in sorted(tables.items())
    }
    texts[LABEL] = json.dumps(dict(label), indent=1) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    files.replace(folder / f"{name}.zip", _packed(texts))


def read(name: str, folder: Path = FOLDER) -> Kept:
    """What was kept under `name`.

    Raises ValueError, with the command that makes it, if there is nothing or something else.
    """
    path, command = folder / f"{name}.zip", f"rlhf-lessons sweep {name.replace('_', '-')}"
    if not path.exists():
        raise ValueError(f"name: {name!r} has no kept results; {command} makes them")
    try:
        return _unpacked(files.read(path))
    except Exception as error:  # a forged archive makes the libraries raise errors of any kind
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"file: {str(path)!r} is not a kept result ({reason}); {command} makes it anew") from None


def _packed(texts: Mapping[str, str]) -> bytes:
    """A zip archive. The same texts make the same bytes, whenever and on whatever system it is made."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in texts.items():
            entry = zipfile.ZipInfo(name)  # of the year 1980
            entry.create_system = 3
            archive.writestr(entry, text, zipfile.ZIP_DEFLATED, compresslevel=9)
    return packed.getvalue()


def _unpacked(content: bytes) -> Kept:
    """What `write` packed. Raises some error for anything else."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        texts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    label = files.parse_json(texts.get(LABEL, b"null"), LABEL)
    tables = {
        name.removesuffix(TABLE): pd.read_csv(io.BytesIO(text))
        for name, text in sorted(texts.items())
        if name.endswith(TABLE)
    }
    if not tables or not isinstance(label, dict) or not FIELDS.issubset(label):
        raise ValueError(f"it must have tables, and a label with {', '.join(sorted(FIELDS))}")
    return Kept(tables, label)
