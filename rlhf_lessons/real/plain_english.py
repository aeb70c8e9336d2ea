"""The course's words as English that a real model has read: `metformin with egfr 28 ?`, and its answers."""

import re

from rlhf_lessons.real.model import Messages

SYSTEM = "You are a pharmacist."
# How a situation begins, and what it is called outside the toy pharmacy.
SITUATIONS = {
    "egfr ": "an eGFR of ",
    "level ": "a level of ",
    "glucose ": "a glucose of ",
    "long qt": "a long QT",
    "new rash": "a new rash",
    "sudden stop": "a sudden stop",
    "cyp2d6 poor metaboliser": "poor CYP2D6 metabolism",
    "st johns wort": "St John's wort",
}


def question(prompt: str) -> str:
    """The prompt of a case as a question in English."""
    drug, _, situation = prompt.removesuffix(" ?").partition(" with ")
    for beginning, called in SITUATIONS.items():
        if situation.startswith(beginning):
            situation = called + situation.removeprefix(beginning)
    return f"Can {drug} be taken with {situation}?"


def sentence(answer: str) -> str:
    """An answer with a capital letter and its punctuation where English has it."""
    return re.sub(r" ([;:,.])", r"\1", answer[:1].upper() + answer[1:])


def conversation(asked: str, answered: str = "") -> Messages:
    """A question in English, and an answer to it, as messages."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": asked}]
    return [*messages, {"role": "assistant", "content": answered}] if answered else messages
