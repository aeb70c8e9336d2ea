"""Three logs in the forms of other programs, written for the course: none comes from a real run."""

from pathlib import Path

from rlhf_lessons.refusals import check_choice

NAMES = ("deepspeed_reward_model", "trl_dpo", "trl_grpo")


def read(name: str) -> str:
    """The text of one of `NAMES`; ValueError for another."""
    check_choice("name", name, NAMES)
    return Path(__file__).with_name(f"{name}.log").read_text(encoding="utf-8")
