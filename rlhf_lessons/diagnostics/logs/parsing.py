"""Read a training log, in whatever form it was printed (docs/formats.md), into columns of named numbers."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from rlhf_lessons import files
from rlhf_lessons.diagnostics.logs.columns import Log, collect
from rlhf_lessons.diagnostics.logs.names import WHERE, canonical, is_measured, plain
from rlhf_lessons.diagnostics.logs.readers import FORMS, events
from rlhf_lessons.diagnostics.logs.readers.prose import words
from rlhf_lessons.diagnostics.logs.readers.records import Record, rows_of, rows_of_records
from rlhf_lessons.diagnostics.logs.readers.tables import refuse_twins
from rlhf_lessons.diagnostics.logs.readers.text import COLOURS, Found, Rows, of_one_process
from rlhf_lessons.diagnostics.logs.readers.wrapping import unwrapped

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
    """Run or stage -> its log, where records or a table name them (`names.RUNS`); else one log, under an empty name.

    Raises ValueError where a run holds nothing that can be read as a measured value.
    """
    if isinstance(source, bytes | bytearray) and events.sniff(bytes(source)):
        logs = collect(events.read(bytes(source)), events.FORM)
    elif isinstance(source, bytes | bytearray):
        logs = _read_text(files.decode(bytes(source), "the log"))
    elif isinstance(source, str):
        logs = _read_text(source)
    elif isinstance(source, pd.DataFrame):
        logs = collect(_rows_of_frame(source), "a data frame")
    else:
        logs = collect(rows_of(source), "records")
    for stage, log in (logs or {"": Log({})}).items():
        if not any(is_measured(name) and name in log for name in log.columns):
            where = f" in stage {stage[:LONGEST_NAME]}" if stage else ""
            what = f"it must hold some of {', '.join(EXAMPLES)}, as key=value, CSV or JSON"
            raise ValueError(f"log: nothing to read{where}; {what}")
    return logs


def _read_text(text: str) -> dict[str, Log]:
    if "\0" in text:
        raise ValueError("log: it holds zero bytes; it must be text")
    text = text.removeprefix("\ufeff")
    if "\x1b" in text:
        text = COLOURS.sub("", text)
    text, remark = of_one_process(unwrapped(text))
    form = next(form for form in FORMS if form.sniff(text))

    def found() -> Found:
        yield from [remark] if remark else []
        yield from form.read(text)

    return collect(found(), form.name, words(text))


def _rows_of_frame(frame: pd.DataFrame) -> Rows:
    """Its rows, without the NaN that fills gaps; if nothing else is left in a row, the values themselves were NaN."""
    names = [key if isinstance(key, str) else plain(key) for key in frame.columns]
    refuse_twins([plain(name) for name in names])

    def records() -> Iterator[Record]:
        for cells in zip(*(frame.iloc[:, place].tolist() for place in range(len(names))), strict=True):
            record = dict(zip(names, cells, strict=True))
            filled = {key: value for key, value in record.items() if not (isinstance(value, float) and value != value)}
            yield filled if any(canonical(name) not in (None, *WHERE) for name in filled) else record

    return rows_of_records(records)
