"""Results of a sweep that takes too long for a lesson: made by one command, kept in the package with their label."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

FOLDER = Path(__file__).parent / "kept"
DIGITS = "%.5g"


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


def write(name: str, tables: Mapping[str, pd.DataFrame], label: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Keep the tables and their label under `name`, in place of what was kept before."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    for table_name, table in tables.items():
        same_bytes = {"method": "gzip", "mtime": 0}  # so that the same results make the same file
        table.to_csv(place / f"{table_name}.csv.gz", index=False, float_format=DIGITS, compression=same_bytes)
    (place / "label.json").write_text(json.dumps(dict(label), indent=1) + "\n", encoding="utf-8")


def read(name: str, folder: Path = FOLDER) -> Kept:
    """What was kept under `name`. Raises ValueError, with the command that makes it, if there is nothing."""
    place = folder / name
    if not (place / "label.json").exists():
        command = f"rlhf-lessons sweep {name.replace('_', '-')}"
        raise ValueError(f"name: {name!r} has no kept results; {command} makes them")
    tables = {path.name.removesuffix(".csv.gz"): pd.read_csv(path) for path in sorted(place.glob("*.csv.gz"))}
    return Kept(tables, json.loads((place / "label.json").read_text(encoding="utf-8")))
