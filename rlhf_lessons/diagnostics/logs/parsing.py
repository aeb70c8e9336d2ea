"""Read a training log, in whatever form it was printed, into rows of named numbers.

Understood are the source document's lines (`Epoch 20: Loss=0.6958, Accuracy=35%, r(pref)=-1.96`), `key=value`
and `key: value` in any order, CSV and other tables with a header, JSON and JSON lines, the log history of a
Hugging Face trainer, lists of dicts and data frames.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from numbers import Real
from typing import Any

import pandas as pd

Row = dict[str, float]

# The names a metric goes by, after lower-casing and turning every run of other signs into "_".
NAMES: dict[str, tuple[str, ...]] = {
    "epoch": ("epoch", "ep"),
    "step": ("step", "global_step", "iteration", "iter"),
    "loss": ("loss", "bt_loss", "rm_loss", "reward_loss", "nll"),
    "margin": ("margin", "margins", "rewards_margins", "mean_margin", "reward_margin"),
    "accuracy": ("accuracy", "acc", "accuracies", "rewards_accuracies", "reward_accuracy"),
    "reward_chosen": (
        *("reward_chosen", "rewards_chosen", "chosen_reward", "chosen_rewards", "r_chosen", "chosen"),
        *("r_pref", "r_preferred", "reward_preferred", "preferred", "pref"),
    ),
    "reward_rejected": (
        *(
            "reward_rejected",
            "rewards_rejected",
            "rejected_reward",
            "rejected_rewards",
            "r_rejected",
            "rejected",
        ),
        *("r_dispref", "r_dispreferred", "reward_dispreferred", "dispreferred", "dispref"),
    ),
    "mean_reward": ("mean_reward", "reward_mean", "rewards_mean"),
    "min_reward": ("min_reward", "reward_min", "rewards_min"),
    "max_reward": ("max_reward", "reward_max", "rewards_max"),
    "std_reward": ("std_reward", "reward_std", "rewards_std"),
    "perplexity": ("perplexity", "ppl"),
    "token_accuracy": ("token_accuracy", "mean_token_accuracy"),
    "vocab_size": ("vocab_size", "vocab", "vocabulary", "n_vocab"),
    "learning_rate": ("learning_rate", "lr"),
    "grad_norm": ("grad_norm", "gradient_norm"),
    "n_pairs": ("n_pairs", "pairs", "samples", "n_samples", "num_samples"),
}
CANONICAL = {alias: name for name, aliases in NAMES.items() for alias in aliases}
HELD_OUT = ("eval_", "held_out_", "heldout_", "validation_", "valid_", "val_", "test_")
TRAINING = ("training_", "train_")
WHERE = ("epoch", "step")
MEASURED = ("loss", "margin", "accuracy", "reward_chosen", "reward_rejected", "mean_reward", "perplexity")

NUMBER = re.compile(
    r"(?<![\w.])[-+]?(?:nan|inf(?:inity)?|\d+(?:\.\d*)?(?:e[-+]?\d+)?|\.\d+(?:e[-+]?\d+)?)(?!\.?\w)\s*%?",
    re.IGNORECASE,
)
DELIMITERS = (",", ";", "\t", "|", None)
LONGEST_KEY = 60
LARGEST = 1e100


@dataclass(frozen=True)
class Log:
    """A log as rows of canonical names (`NAMES`, with `eval_` before what was held out) and numbers."""

    rows: tuple[Row, ...]

    def series(self, *names: str) -> list[tuple[float, ...]]:
        """The values of `names` in those rows which have all of them, in order; NaN and infinity included."""
        return [tuple(row[name] for name in names) for row in self.rows if all(name in row for name in names)]

    def finite(self, *names: str) -> list[tuple[float, ...]]:
        """As `series`, without the rows in which one of them is NaN or infinite."""
        return [values for values in self.series(*names) if all(map(math.isfinite, values))]

    def values(self, name: str) -> list[float]:
        """The finite values of one column, in order."""
        return [value for (value,) in self.finite(name)]

    def positions(self, name: str) -> tuple[str, list[float]]:
        """The unit and the places of the finite values of `name`: epoch, else step, else row number."""
        rows = [row for row in self.rows if math.isfinite(row.get(name, math.nan))]
        for where in WHERE:
            positions = [row.get(where, math.nan) for row in rows]
            if all(earlier < later for earlier, later in pairwise(positions)):
                return where, positions
        return "row", [float(number) for number in range(len(rows))]


def parse(source: str | Iterable[Mapping[str, Any]] | pd.DataFrame) -> Log:
    """Read a log. Raises ValueError if nothing in it can be read as a measured value."""
    if isinstance(source, str):
        rows = _rows_of_text(source)
    elif isinstance(source, pd.DataFrame):
        rows = [_row(_without_gaps(record)) for record in source.to_dict("records")]
    else:
        rows = _rows_of_records(source)
    log = Log(tuple(_with_margin(row) for row in _scale_accuracy(rows) if row))
    if not any(log.series(prefix + name) for name in MEASURED for prefix in ("", "eval_")):
        raise ValueError(f"log: nothing to read; it must hold some of {', '.join(MEASURED)}, as key=value, CSV or JSON")
    return log


def canonical(key: str) -> str | None:
    """The canonical name of a printed key, with `eval_` before it if held out, or None for an unknown key."""
    key = re.sub(r"\W+", "_", key.lower()).strip("_")
    for prefix in (*HELD_OUT, *TRAINING):
        if key.startswith(prefix):
            name = CANONICAL.get(key.removeprefix(prefix))
            return f"eval_{name}" if name and prefix in HELD_OUT and name not in WHERE else name
    return CANONICAL.get(key)


def _rows_of_records(records: Any) -> list[Row]:
    if isinstance(records, Mapping):
        records = records.get("log_history", [records])
    try:
        records = [dict(record) for record in records]
    except (TypeError, ValueError):
        raise ValueError("log: this is not a log; it must be text, a table or a list of records") from None
    stages = sorted({record["stage"] for record in records if isinstance(record.get("stage"), str)})
    if len(stages) > 1:
        raise ValueError(f"stage: the log holds {', '.join(stages)}; it must hold one stage at a time")
    # The summary that a Hugging Face trainer appends is a mean over the whole run, not one more point of it.
    return [_row(record) for record in records if "train_runtime" not in record]


def _row(record: Mapping[Any, Any]) -> Row:
    row = {canonical(str(key)): _number(value) for key, value in record.items()}
    return {name: value for name, value in row.items() if name and value is not None}


def _without_gaps(record: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Drop the NaN with which a data frame fills gaps; where nothing else is left, the values themselves were NaN."""
    filled = {key: value for key, value in record.items() if not (isinstance(value, float) and value != value)}
    return filled if any(canonical(str(key)) not in (None, *WHERE) for key in filled) else record


def _number(value: Any) -> float | None:
    """A number, a string that is one, or a percentage; what is too large for any loss counts as infinite."""
    percent = False
    if isinstance(value, str):
        percent = value.strip().endswith("%")
        value = value.strip().rstrip("% ")
    elif isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        number = float(value) / (100 if percent else 1)
    except (ValueError, OverflowError):
        return None
    return math.copysign(math.inf, number) if abs(number) > LARGEST else number


def _rows_of_text(text: str) -> list[Row]:
    records = _read_json(text)
    if records is None:
        records = _read_table(text)
    return _rows_of_lines(text) if records is None else _rows_of_records(records)


def _read_json(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError):
        return None


def _read_table(text: str) -> list[dict[str, str]] | None:
    """The rows below a header, which is a first line of at least two known names and no numbers."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or NUMBER.search(lines[0]):
        return None
    for delimiter in DELIMITERS:
        header = [cell.strip(" \"'") for cell in lines[0].split(delimiter)]
        if sum(canonical(cell) is not None for cell in header) >= 2:
            cells = [[cell.strip(" \"'") for cell in line.split(delimiter)] for line in lines[1:]]
            return [dict(zip(header, row, strict=False)) for row in cells]
    return None


def _rows_of_lines(text: str) -> list[Row]:
    """One row a line; a line that says more of the same epoch or step is added to the row before."""
    rows: list[Row] = [{}]
    for line in text.splitlines():
        row = {} if "train_runtime" in line else _fields(line.replace("'", "").replace('"', ""))
        if all(name in WHERE and rows[-1][name] == value for name, value in row.items() if name in rows[-1]):
            rows[-1] |= row
        else:
            rows.append(row)
    return rows


def _fields(line: str) -> Row:
    """Every number of a line that stands behind a known name."""
    row: Row = {}
    end = 0
    for match in NUMBER.finditer(line):
        label = line[max(end, match.start() - LONGEST_KEY) : match.start()]
        words = re.split(r"[,;|{]", label)[-1].rstrip(" \t=:#[").split()
        names = [canonical("_".join(words[first:])) for first in range(len(words))]
        name, value = next(filter(None, names), None), _number(match[0])
        if name and value is not None:
            row.setdefault(name, value)
        end = match.end()
    return row


def _scale_accuracy(rows: list[Row]) -> list[Row]:
    """Accuracies as shares from 0 to 1, whether they were printed so or in percent; others are left out."""
    for name in ("accuracy", "eval_accuracy"):
        highest = max((row[name] for row in rows if name in row), default=0.0)
        scale = 100 if highest > 1 else 1
        for row in rows:
            if name in row:
                share = row.pop(name) / scale
                row |= {name: share} if 0 <= share <= 1 else {}
    return rows


def _with_margin(row: Row) -> Row:
    for prefix in ("", "eval_"):
        chosen, rejected = row.get(f"{prefix}reward_chosen"), row.get(f"{prefix}reward_rejected")
        if chosen is not None and rejected is not None:
            row.setdefault(f"{prefix}margin", chosen - rejected)
    return row
