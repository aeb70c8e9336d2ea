"""What a learner has done, counted for each notebook, and for the labs together."""

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from rlhf_lessons import exercises, progress

COLUMNS = ["exercises right", "exercises not yet right", "exercises undone"]
COLUMNS += ["predictions right", "predictions close", "predictions wrong", "quiz right", "quiz wrong", "labs used"]


def summary() -> pd.DataFrame:
    """A row for each notebook ("01", "02", ...) and one for the labs ("lab"), with counts in `COLUMNS`.

    No rows where nothing was done yet.
    """
    done = list(_done())
    known = [*exercises.all_exercises(), *exercises.MADE_LATER]
    tried = {name for name, column in done if column.startswith("exercises")}
    undone = [(name, "exercises undone") for name in known if name not in tried]
    counts = Counter((name.partition(".")[0], column) for name, column in [*done, *undone])
    notebooks = sorted({notebook for notebook, _ in counts}) if done else []
    table = [[counts[notebook, column] for column in COLUMNS] for notebook in notebooks]
    return pd.DataFrame(table, pd.Index(notebooks, name="notebook", dtype="str"), COLUMNS)


def _done() -> Iterator[tuple[str, str]]:
    """Name and column of each thing that was done; a blank exercise was not."""
    for name, found in progress.kept("exercise").items():
        if found.get("state") != "undone":
            yield name, f"exercises {'right' if found.get('state') == 'right' else 'not yet right'}"
    for kind, word in (("prediction", "predictions"), ("quiz", "quiz")):
        for name, found in progress.kept(kind).items():
            if found.get("mark"):  # a prediction may still wait for its answer
                yield name, f"{word} {found['mark']}"
    for name in progress.kept("lab"):
        yield name, "labs used"
