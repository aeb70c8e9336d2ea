"""Read a training log, in whatever form it was printed, into columns of named numbers.

Understood are the source document's lines (`Epoch 20: Loss=0.6958, Accuracy=35%, r(pref)=-1.96`), `key=value`
and `key: value` in any order, CSV and other tables with a header, JSON and JSON lines, the log history of a
Hugging Face trainer, lists of dicts and data frames.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from rlhf_lessons import files
from rlhf_lessons.diagnostics.logs.columns import Log, collect
from rlhf_lessons.diagnostics.logs.forms import (
    FORMS,
    OtherFormError,
    Rows,
    refuse_twins,
    row_of_record,
    rows_of_records,
)
from rlhf_lessons.diagnostics.logs.names import WHERE, canonical, is_measured, plain

Source = str | bytes | Iterable[Mapping[str, Any]] | pd.DataFrame

LONGEST_NAME, MOST_NAMES = 60, 10  # of the stages that a refusal lists
EXAMPLES = ("loss", "margin", "accuracy", "reward_chosen", "reward_rejected", "mean_reward", "perplexity")


def parse(source: Source | Log) -> Log:
    """Read a log of one stage. Raises ValueError if nothing in it can be read as a measured value."""
    if isinstance(source, Log):
        return source
    logs = split_stages(source)
    if len(logs) > 1:
        named = ", ".join(stage[:LONGEST_NAME] for stage in sorted(logs)[:MOST_NAMES])
        more = f" and {len(logs) - MOST_NAMES} more" if len(logs) > MOST_NAMES else ""
        raise ValueError(f"stage: the log holds {named}{more}; it must hold one stage at a time")
    return next(iter(logs.values()))


def split_stages(source: Source) -> dict[str, Log]:
    """Stage -> its log, for records or a table with a column `stage`; anything else is one log, under an empty name.

    Raises ValueError where a stage holds nothing that can be read as a measured value.
    """
    if isinstance(source, bytes | bytearray):
        source = files.decode(bytes(source), "the log")
    if isinstance(source, str):
        logs = _read_text(source.removeprefix("\ufeff"))
    elif isinstance(source, pd.DataFrame):
        logs = collect(_rows_of_frame(source), "a data frame")
    else:
        logs = collect(rows_of_records(source), "records")
    for stage, log in (logs or {"": Log({})}).items():
        if not any(is_measured(name) and name in log for name in log.columns):
            where = f" in stage {stage[:LONGEST_NAME]}" if stage else ""
            what = f"it must hold some of {', '.join(EXAMPLES)}, as key=value, CSV or JSON"
            raise ValueError(f"log: nothing to read{where}; {what}")
    return logs


def _read_text(text: str) -> dict[str, Log]:
    if "\0" in text:
        raise ValueError("log: it holds zero bytes; it must be text")
    for form, read in FORMS.items():
        try:
            return collect(read(text), form)
        except OtherFormError:
            continue
    raise AssertionError("every text can be read as lines")


def _rows_of_frame(frame: pd.DataFrame) -> Rows:
    """Its rows, without the NaN that fills gaps; if nothing else is left in a row, the values themselves were NaN."""
    names = [key if isinstance(key, str) else plain(key) for key in frame.columns]
    refuse_twins([plain(name) for name in names])
    for cells in zip(*(frame.iloc[:, place].tolist() for place in range(len(names))), strict=True):
        record = dict(zip(names, cells, strict=True))
        filled = {name: value for name, value in record.items() if not (isinstance(value, float) and value != value)}
        yield row_of_record(filled if any(canonical(name) not in (None, *WHERE) for name in filled) else record)
