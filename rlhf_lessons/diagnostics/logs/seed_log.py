"""The log this course set out to explain, number for number."""

from pathlib import Path

import pandas as pd

LOG = Path(__file__).with_name("seed_logs.csv")


def seed_log(stage: str) -> pd.DataFrame:
    """The logged epochs of one stage, without the columns it did not log; ValueError for an unknown stage.

    Stages: pretraining, sft, reward_model, and theory_reward_model (what a healthy one should reach).
    """
    table = pd.read_csv(LOG)
    stages = table["stage"].unique().tolist()
    if stage not in stages:
        raise ValueError(f"stage: {stage!r} is not allowed; it must be one of {', '.join(stages)}")
    rows = table[table["stage"] == stage].drop(columns="stage")
    return rows.dropna(axis=1, how="all").reset_index(drop=True)
