"""The formulary: what a pharmacist knows about some thirty real drugs, each fact with its public source.

Teaching simplification, not medical advice.
"""

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict

DISCLAIMER = "teaching simplification, not medical advice"

VERDICTS = ("avoid", "reduce", "safe")
DOSES = ("25", "50", "75")  # percent of the usual dose

FACTS_PATH = files("rlhf_lessons.world") / "formulary.csv"
REASONS_PATH = files("rlhf_lessons.world") / "reasons.csv"


class Fact(BaseModel):
    """One row of the formulary: what to do about `drug` in `situation`, why, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drug: str
    drug_class: str
    situation: str
    verdict: str
    reason: str
    advice: str
    source: str


class Reason(BaseModel):
    """A mechanism, and the phrases that name it in an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    phrases: tuple[str, ...]


@cache
def load_facts(path: Path | Traversable = FACTS_PATH) -> tuple[Fact, ...]:
    """The facts of a formulary file, in its order. Raises ValueError that names the bad row and field."""
    facts = []
    seen = set()
    for number, row in _rows(path, tuple(Fact.model_fields)):
        for field, allowed in _allowed(row).items():
            if not re.fullmatch(allowed, row[field]):
                raise ValueError(_complaint(path, number, field, row[field], f"match {allowed}"))
        if (row["drug"], row["situation"]) in seen:
            raise ValueError(_complaint(path, number, "situation", row["situation"], f"appear once for {row['drug']}"))
        seen.add((row["drug"], row["situation"]))
        facts.append(Fact(**row))
    return tuple(facts)


@cache
def load_reasons(path: Path | Traversable = REASONS_PATH) -> Mapping[str, Reason]:
    """The reasons of a file by their key. Raises ValueError that names the bad row and field."""
    reasons = {}
    for number, row in _rows(path, ("reason", "phrase_1", "phrase_2")):
        key = row.pop("reason")
        if not re.fullmatch("[a-z0-9_]+", key) or key in reasons:
            raise ValueError(_complaint(path, number, "reason", key, "be a new key in snake_case"))
        for field, phrase in row.items():
            if not re.fullmatch("[a-z0-9]+( [a-z0-9]+){1,3}", phrase):
                raise ValueError(_complaint(path, number, field, phrase, "be two to four lower-case words"))
        reasons[key] = Reason(key=key, phrases=tuple(row.values()))
    return MappingProxyType(reasons)


def _allowed(row: Mapping[str, str]) -> dict[str, str]:
    """The pattern each field of a row must match; the advice depends on the verdict."""
    advice = {"avoid": "[a-z]+", "reduce": "|".join(DOSES), "safe": ""}
    return {
        "drug": "[a-z]+",
        "drug_class": "[a-z_]+",
        "situation": r"egfr (<30|30-59|>=60)|(?!egfr)[a-z0-9.]+( [a-z0-9.]+)*",
        "verdict": "|".join(VERDICTS),
        "reason": "|".join(load_reasons()),
        "advice": advice.get(row["verdict"], ""),
        "source": r"\S.*",
    }


def _rows(path: Path | Traversable, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their line numbers; every row has exactly the named columns."""
    reader = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    if tuple(reader.fieldnames or ()) != columns:
        raise ValueError(_complaint(path, 1, "columns", reader.fieldnames, f"be {', '.join(columns)}"))
    rows = []
    for row in reader:
        if None in row or None in row.values():
            raise ValueError(_complaint(path, reader.line_num, "row", row, f"have {len(columns)} values"))
        rows.append((reader.line_num, row))
    return rows


def _complaint(path: Path | Traversable, number: int, field: str, value: object, must: str) -> str:
    return f"{path.name}, row {number}: {field}: {value!r} is not allowed; it must {must}"
