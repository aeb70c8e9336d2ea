"""The log this course set out to explain, number for number."""

from pathlib import Path

import pandas as pd

from rlhf_lessons.refusals import check_choice

LOG = Path(__file__).with_name("seed_logs.csv")


def seed_log(stage: str) -> pd.DataFrame:
    """The logged epochs of one stage, without the columns it did not log; ValueError for an unknown stage.

    Stages: pretraining, sft, reward_model, and theory_reward_model (what a healthy one should reach).
    """
    table = pd.read_csv(LOG)
    check_choice("stage", stage, table["stage"].unique())
    rows = table[table["stage"] == stage].drop(columns="stage")
    return rows.dropna(axis=1, how="all").reset_index(drop=True)
