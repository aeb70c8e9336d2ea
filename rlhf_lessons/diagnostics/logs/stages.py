"""A log of several training stages in one table, taken apart."""

import io

import pandas as pd


def split_stages(text: str) -> dict[str, str | pd.DataFrame]:
    """Stage -> its rows, for CSV with a column `stage`; any other text is one log, under the empty name.

    Columns that a stage did not log are left out of its rows.
    """
    header = text.lstrip().partition("\n")[0]
    if "stage" not in [name.strip().lower() for name in header.split(",")]:
        return {"": text}
    try:
        table = pd.read_csv(io.StringIO(text.lstrip()), skipinitialspace=True)
    except ValueError as error:
        raise ValueError(f"log: not a table that can be read ({error})") from None
    table.columns = [str(name).strip().lower() for name in table.columns]
    if table.empty:
        return {"": text}
    groups = table.groupby("stage", sort=False)
    return {str(stage): rows.drop(columns="stage").dropna(axis=1, how="all") for stage, rows in groups}
