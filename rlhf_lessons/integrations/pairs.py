"""Preference pairs as TRL lays them out: `prompt`, `chosen`, `rejected`, as texts or as messages."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rlhf_lessons import files
from rlhf_lessons.diagnostics.doctor.measures import TextPair
from rlhf_lessons.refusals import shown

Text = str | list[dict[str, Any]]  # plain, or messages with `role` and `content`
Source = str | Path | Iterable[Mapping[str, Any]]  # a file, or records such as the rows of a `datasets.Dataset`
FEWEST = 2
TABLES: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda path: pd.read_csv(path, dtype=str),
    ".parquet": pd.read_parquet,
}


@dataclass(frozen=True)
class Pair:
    """Two answers to one prompt, the preferred one first; all three are texts, or all three are messages."""

    prompt: Text
    chosen: Text
    rejected: Text

    @property
    def texts(self) -> TextPair:
        """The three as plain texts: messages one a line, each behind its role."""
        return _plain(self.prompt), _plain(self.chosen), _plain(self.rejected)


def read_pairs(source: Source, name: str = "pairs") -> list[Pair]:
    """The pairs of a file (JSON lines, a JSON list, CSV, parquet) or of records.

    Without a `prompt`, or with one that is a text where the answers are messages, the prompt is what both answers
    begin with (of texts: whole words). Raises ValueError, in one line, for what holds no such pairs.
    """
    rows = _records(Path(source)) if isinstance(source, str | Path) else source
    pairs = [_pair(row, f"row {number} of {name}") for number, row in enumerate(rows, start=1)]
    if len(pairs) < FEWEST:
        raise ValueError(f"{name}: {len(pairs)} is not allowed; there must be at least {FEWEST} pairs")
    return pairs


def _records(path: Path) -> list[Any]:
    if path.suffix in TABLES:
        files.read(path)  # refuses a folder or a pipe
        try:
            table = TABLES[path.suffix](path).astype(object)
            return table.where(table.notna(), None).to_dict("records")
        except (ValueError, OSError) as error:  # pandas' and pyarrow's errors are of these kinds
            raise ValueError(f"file: {str(path)!r} is no table that can be read ({_first_line(error)})") from None
    text = files.read_text(path)
    if text.lstrip().startswith("["):
        return files.parse_json(text, repr(str(path)))
    lines = enumerate(text.split("\n"), start=1)  # splitlines would also cut at what may stand within a JSON text
    return [files.parse_json(line, f"line {number} of {str(path)!r}") for number, line in lines if line.strip()]


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _pair(row: Any, where: str) -> Pair:
    if not isinstance(row, Mapping):
        raise ValueError(f"{where}: {shown(row)} is not allowed; it must be an object with chosen and rejected")
    chosen, rejected = (_answer(row, name, where) for name in ("chosen", "rejected"))
    if type(chosen) is not type(rejected):
        raise ValueError(f"{where}: a text beside messages is not allowed; chosen and rejected must be of one kind")
    prompt = _bare(row.get("prompt"))
    if isinstance(prompt, type(chosen)) and (isinstance(prompt, str) or all(map(_is_message, prompt))):
        pair = Pair(prompt, chosen, rejected)
    elif prompt is None or isinstance(prompt, str):
        split = _shared(chosen, rejected)
        pair = Pair(chosen[:split], chosen[split:], rejected[split:])
    else:
        must = "it must be a text, or messages where the answers are messages"
        raise ValueError(f"prompt: {shown(prompt)} is not allowed; {must} ({where})")
    try:
        "".join(pair.texts).encode()
    except UnicodeEncodeError:
        raise ValueError(f"{where}: half a surrogate pair is not allowed; all must be Unicode") from None
    return pair


def _answer(row: Mapping[str, Any], name: str, where: str) -> Text:
    value = _bare(row.get(name))
    if isinstance(value, str) and value.strip():
        return value
    if isinstance(value, list) and value and all(map(_is_message, value)):
        return value
    must = "it must be a text that is not empty, or messages, each with a role and a content that are texts"
    raise ValueError(f"{name}: {shown(value)} is not allowed; {must} ({where})")


def _bare(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value  # as parquet gives lists


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(value.get(key), str) for key in ("role", "content"))


def _shared(chosen: Sequence[Any], rejected: Sequence[Any]) -> int:
    """How much both begin with: whole messages, at most all but the last; or whole words."""
    shared = sum(1 for _ in takewhile(lambda both: both[0] == both[1], zip(chosen, rejected, strict=False)))
    if isinstance(chosen, str):
        return len(re.sub(r"\S+$", "", chosen[:shared]))
    return min(shared, len(chosen) - 1, len(rejected) - 1)


def _plain(text: Text) -> str:
    if isinstance(text, str):
        return text
    return "\n".join(f"{message['role']}: {message['content']}" for message in text)
