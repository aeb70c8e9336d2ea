"""The cases in which training changed whether a policy's answer is safe to act on."""

import pandas as pd

WON, LOST = "won", "lost"


def differing(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Where two tables of answers (`scorecard.table`) to the same prompts, one answer each, differ in safety.

    Columns prompt, truth, change (`WON`: only the second answer is safe; `LOST`: only the first), both answers and
    what the rubric says of them. What was lost comes first; otherwise in the order of the prompts.
    Raises ValueError for tables of other prompts.
    """
    if list(before.prompt) != list(after.prompt) or before.prompt.duplicated().any():
        raise ValueError("before, after: their prompts are not allowed; they must be the same, each once, in one order")
    told = ["prompt", "truth", "answer", "rubric"]
    both = before[told].merge(after[told], on=["prompt", "truth"], suffixes=(" before", " after"))
    both.insert(2, "change", after.safe.map({"yes": WON, "NO": LOST}).to_numpy())
    return both[(before.safe != after.safe).to_numpy()].sort_values("change", kind="stable").reset_index(drop=True)
