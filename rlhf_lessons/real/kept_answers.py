"""What a real model once answered, for labs on a machine that has none. `python -m tools.kept_answers` remakes it."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("kept")
PAIRS, CONVERSATION = KEPT / "answer_pairs.jsonl", KEPT / "conversation.jsonl"
WARNING = "A small language model wrote this, and it is often wrong. Not medical advice."


@dataclass(frozen=True)
class AnswerPair:
    """Two answers of one model to one question, in the order in which they were drawn."""

    question: str
    answers: tuple[str, str]
    source: str


@cache
def answer_pairs() -> tuple[AnswerPair, ...]:
    """The kept pairs. Their settings stand in the first line of the file, `label`."""
    label, *lines = _read(PAIRS)
    return tuple(
        AnswerPair(line["question"], (line["answers"][0], line["answers"][1]), label["model"]) for line in lines
    )


@cache
def conversation() -> tuple[str, list[dict[str, str]]]:
    """A kept conversation: the name of the model, and its messages, each with `role` and `content`."""
    label, *messages = _read(CONVERSATION)
    return label["model"], messages


def _read(path: Path) -> list[dict[str, Any]]:
    first, *lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [first["label"], *lines]
