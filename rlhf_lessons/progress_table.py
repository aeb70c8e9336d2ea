"""What a learner has done, counted for each notebook."""

from collections import Counter
from collections.abc import Iterator

import pandas as pd

from rlhf_lessons import exercises, progress

COLUMNS = ["exercises right", "exercises not yet right", "exercises undone"]
COLUMNS += ["predictions right", "predictions close", "predictions wrong", "quiz right", "quiz wrong", "labs used"]


def summary() -> pd.DataFrame:
    """A row for each notebook ("01", "02", ...) and a last one, "labs", with counts in `COLUMNS`.

    A prediction counts once it was measured. There are no rows where nothing was done yet.
    """
    done = list(_done())
    tried = {name for name, column in done if column.startswith("exercises")}
    undone = [(name, "exercises undone") for name in exercises.names() if name not in tried]
    counts = Counter((_row(name), column) for name, column in [*done, *undone])
    rows = sorted({row for row, _ in counts}) if done else []
    return pd.DataFrame(
        [[counts[row, column] for column in COLUMNS] for row in rows],
        pd.Index(rows, name="notebook", dtype="str"),
        COLUMNS,
    )


def _row(name: str) -> str:
    return name[:2] if name[:2].isdigit() else "labs"  # a lab has a name of its own: two notebooks may show it


def _done() -> Iterator[tuple[str, str]]:
    """Name and column of each thing that was done; a blank exercise was not."""
    for name, found in progress.kept("exercise").items():
        if found.get("state") != "undone":
            yield name, f"exercises {'right' if found.get('state') == 'right' else 'not yet right'}"
    for name, found in progress.kept("prediction").items():
        if found.get("mark"):
            yield name, f"predictions {found['mark']}"
    for name, found in progress.kept("quiz").items():
        yield name, f"quiz {found.get('mark')}"
    for name in progress.kept("lab"):
        yield name, "labs used"
