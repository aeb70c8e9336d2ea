"""Results that took long to measure: found again in the cache, or among those that ship with the course.

The course ships what its notebooks measure with many trainings (`SHIPPED`), so that a lesson need not wait for them;
`make notebooks` remakes them. A shipped result counts only for the key it was made with: once the code or the settings
behind it change, it is measured anew.
"""

import gzip
import json
import os
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from rlhf_lessons import files, sealed, store
from rlhf_lessons.keys import Key

FOLDER = Path(__file__).parent / "kept" / "lessons"
SHIPPED = ("hypotheses", "phase_diagram", "reward_run")
REMAKE_VARIABLE = "RLHF_LESSONS_REMAKE"  # set to 1, nothing that ships with the course is used
DIGITS = 6
LARGEST_RESULT = 1_000_000  # bytes


def remembered(key: Key, measure: Callable[[], Mapping[str, Any]], remake: bool = False) -> dict[str, Any]:
    """What `measure` gave for this key before, or gives now. `remake` measures again whatever is kept.

    The result is anything that JSON can hold. Raises OSError, before it measures, if the result could not be kept.
    """
    stored = None if remake else store.load(key.name, key.fingerprint)
    if stored:
        if isinstance(stored.meta.get("result"), dict):
            return stored.meta["result"]
        store.distrust(key.name, f"what is stored as {key.name}-{key.fingerprint} holds no result")
    if not remake and os.environ.get(REMAKE_VARIABLE) != "1" and key.fingerprint in shipped(key.name):
        return shipped(key.name)[key.fingerprint]["result"]
    store.check_room(key.name, key.fingerprint, LARGEST_RESULT)
    result = sealed.plain(measure())
    store.save_or_rescue(key.name, key.fingerprint, {}, {"key": key.as_dict(), "result": result})
    return result


def columns(table: pd.DataFrame) -> dict[str, list[Any]]:
    """A table as JSON can hold it: column name -> values."""
    return {str(name): table[name].tolist() for name in table}


def tagged(frame: pd.DataFrame, condition: str, seed: int) -> pd.DataFrame:
    """A table of one run, with the columns that tell it from others."""
    return frame.assign(condition=condition, seed=seed)


def by_policy(policies: Mapping[tuple[str, int], Mapping[str, list[float]]]) -> pd.DataFrame:
    """(condition, seed) -> measure -> values by case, as one row a policy, seed and case.

    `case` counts the cases of the split, in order.
    """
    return pd.concat(
        tagged(pd.DataFrame(found), *key).assign(case=lambda frame: range(len(frame)))
        for key, found in policies.items()
    )


@cache
def shipped(name: str) -> dict[str, dict[str, Any]]:
    """Fingerprint -> key and result of all shipped results with this name.

    A file that is not as `ship` wrote it counts as nothing, after a CorruptCacheWarning.
    """
    path = FOLDER / f"{name}.json.gz"
    if not path.exists():
        return {}
    try:
        found = files.parse_json(gzip.decompress(files.read(path)), path.name)
        if not all(map(_is_entry, found.keys(), found.values())):
            raise ValueError("a result stands under another key")
    except Exception as error:  # a forged file makes the libraries raise errors of any kind
        reason = f"{path} is cut short or was edited ({type(error).__name__}: {error})"
        warnings.warn(f"{reason}; {name} will be measured again", store.CorruptCacheWarning, stacklevel=2)
        return {}
    return found


def ship(entries: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Replace the shipped results: name -> fingerprint -> {"key", "result"}; numbers rounded to six digits."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, found in entries.items():
        text = json.dumps(_rounded(found), sort_keys=True, separators=(",", ":"))
        files.replace(FOLDER / f"{name}.json.gz", gzip.compress(text.encode(), mtime=0))


def current() -> dict[str, dict[str, dict[str, Any]]]:
    """The shipped results that today's code would find: name -> fingerprint -> key and result."""
    return {
        name: {digits: entry for digits, entry in shipped(name).items() if Key.from_dict(entry["key"]).is_current}
        for name in SHIPPED
    }


def stale() -> list[str]:
    """Names of the shipped results that today's code would not find, each with how many of how many."""
    found = []
    for name, good in current().items():
        old = len(shipped(name)) - len(good)
        if old or not good:
            found.append(f"{name}: {old} of {len(shipped(name))}")
    return found


def _is_entry(fingerprint: str, entry: Mapping[str, Any]) -> bool:
    """Whether an entry has a result, and a key with this fingerprint. Raises some error for what is no entry at all."""
    return Key.from_dict(entry["key"]).fingerprint == fingerprint and isinstance(entry["result"], dict)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {key: _rounded(one) for key, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list) else value
