"""What a training run leaves behind: one plain record a step."""

from collections.abc import Iterator

import pandas as pd

Record = dict[str, float]


class History:
    """A list of records, each a dict of metric name to number. `stages.metrics` explains the names."""

    def __init__(self, records: list[Record] | None = None):
        self.records: list[Record] = []
        for record in records or []:
            self.append(**record)

    def append(self, **metrics: float) -> Record:
        """Add one record and return it."""
        self.records.append({name: float(value) for name, value in metrics.items()})
        return self.records[-1]

    @property
    def latest(self) -> Record:
        """The last record; raises IndexError while there is none."""
        return self.records[-1]

    def frame(self) -> pd.DataFrame:
        """The records as a table, one row a step."""
        return pd.DataFrame(self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records)
