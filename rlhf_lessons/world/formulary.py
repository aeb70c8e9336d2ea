"""The formulary: what a pharmacist knows about some thirty real drugs, each fact with its public source.

Four tables stand beside this module:

- `formulary.csv`: the facts. `figure` says of a percentage whether the source gives it (`source`: every dose
  that the source allows rounds to this quarter of the usual dose) or we chose it (`teaching`);
- `reasons.csv`: the mechanisms, and the phrases that name them;
- `stand_ins.csv`: what can be used instead of what;
- `said_otherwise.csv`: how careful people say a verdict, a reason or an advice in other words.

A renal band is one fact, so every eGFR value that the course asks about in a band (`cases.EGFR_VALUES`) must lie
where the sources of all its drugs agree: under 45 (metformin is halved only there) and over 35 (atenolol is
reduced up to there) in the middle band, and not under 15 in the lowest (apixaban is not recommended there).
Sources often count creatinine clearance; here it counts as eGFR.

Teaching simplification, not medical advice.
"""

import csv
import re
from collections.abc import Collection, Mapping
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
STAND_INS_PATH = files("rlhf_lessons.world") / "stand_ins.csv"
SAID_OTHERWISE_PATH = files("rlhf_lessons.world") / "said_otherwise.csv"

# A situation is a renal band, or words (a state, a level, another drug, a food, a herb).
_SITUATION = r"(?:egfr (?:<30|30-59|>=60)|(?!egfr)[a-z0-9.]+(?: [a-z0-9.]+)*)"
_NAMES = rf"(?:(?:{_SITUATION}|[a-z_]+)(?:;(?:{_SITUATION}|[a-z_]+))*)?"  # situations, drugs and classes
_PHRASE = r"(?:[a-z0-9]+|\{\})(?: (?:[a-z0-9]+|\{\}))*"


class Fact(BaseModel):
    """One row of the formulary: what to do about `drug` in `situation`, why, and who says so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    drug: str
    drug_class: str
    situation: str
    verdict: str
    reason: str
    advice: str
    figure: str
    source: str


class Reason(BaseModel):
    """A mechanism, and the phrases that name it in an answer."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    phrases: tuple[str, ...]


class StandIn(BaseModel):
    """`alternative` serves the same purpose as `drug_or_class` beside what remains: the situation or the other drug.

    only_with, never_with: situations, drugs or drug classes that must remain (where any is named) or must not.
    They list what the formulary does not know: an alternative is never right where the formulary says avoid.
    An alternative can be an action, such as `taper`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    drug_or_class: str
    alternative: str
    only_with: frozenset[str]
    never_with: frozenset[str]
    source: str

    def fits(self, remaining: Collection[str]) -> bool:
        """Whether it may be used beside what remains, which is given by every name it has (drug and class)."""
        return not self.never_with.intersection(remaining) and (
            not self.only_with or bool(self.only_with.intersection(remaining))
        )


class SaidOtherwise(BaseModel):
    """A phrase that means `value`: a verdict, a reason's key, or an advice such as `avoid taper` or `reduce 50`.

    `{}` in both stands for any alternative (`avoid {}`) or percentage (`reduce {}`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    value: str
    phrase: str


@cache
def load_facts(path: Path | Traversable = FACTS_PATH) -> tuple[Fact, ...]:
    """The facts of a formulary file, in its order. Raises ValueError that names the bad row and field."""
    facts = []
    seen = set()
    for number, row in _rows(path, tuple(Fact.model_fields)):
        _check(path, number, row, _allowed(row))
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


@cache
def load_stand_ins(path: Path | Traversable = STAND_INS_PATH) -> tuple[StandIn, ...]:
    """What stands in for what, in the file's order. Raises ValueError that names the bad row and field."""
    allowed = {
        "drug_or_class": "[a-z_]+( [a-z]+)*",
        "alternative": "[a-z]+",
        "only_with": _NAMES,
        "never_with": _NAMES,
        "source": r"\S.*",
    }
    stand_ins = []
    for number, row in _rows(path, tuple(StandIn.model_fields)):
        _check(path, number, row, allowed)
        names = {field: frozenset(filter(None, row.pop(field).split(";"))) for field in ("only_with", "never_with")}
        stand_ins.append(StandIn.model_validate(row | names))
    return tuple(stand_ins)


@cache
def load_said_otherwise(path: Path | Traversable = SAID_OTHERWISE_PATH) -> tuple[SaidOtherwise, ...]:
    """The phrases of a file, in its order. Raises ValueError that names the bad row and field."""
    values = {
        "verdict": "|".join(VERDICTS),
        "reason": "|".join(load_reasons()),
        "advice": r"avoid ([a-z]+|\{\})|reduce ([0-9]+|\{\})|safe",
    }
    phrases = []
    for number, row in _rows(path, tuple(SaidOtherwise.model_fields)):
        _check(path, number, row, {"kind": "|".join(values), "value": values.get(row["kind"], ""), "phrase": _PHRASE})
        phrases.append(SaidOtherwise(**row))
    return tuple(phrases)


def _allowed(row: Mapping[str, str]) -> dict[str, str]:
    """The pattern each field of a row must match; the advice depends on the verdict."""
    advice = {"avoid": "[a-z]+", "reduce": "|".join(DOSES), "safe": ""}
    return {
        "drug": "[a-z]+",
        "drug_class": "[a-z_]+",
        "situation": _SITUATION,
        "verdict": "|".join(VERDICTS),
        "reason": "|".join(load_reasons()),
        "advice": advice.get(row["verdict"], ""),
        "figure": "source|teaching" if row["verdict"] == "reduce" else "",
        "source": r"\S.*",
    }


def _check(path: Path | Traversable, number: int, row: Mapping[str, str], allowed: Mapping[str, str]) -> None:
    """Raise ValueError for the first field of a row that its pattern in `allowed` does not match."""
    for field, pattern in allowed.items():
        if not re.fullmatch(pattern, row[field]):
            raise ValueError(_complaint(path, number, field, row[field], f"match {pattern}"))


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
