"""How a value is refused: one line that names the field, the value and what is allowed."""

from collections.abc import Iterable
from typing import Any

LONGEST = 60  # characters


def shown(value: Any) -> str:
    """`repr(value)` as it fits into a line: cut where it is long, and on one line whatever the value is."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # a number of over 4,300 digits, a list in a list in a list
        text = f"<{type(value).__name__} too long to print>"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def check_choice(field: str, value: Any, choices: Iterable[str]) -> None:
    """Raise ValueError unless `value` is one of `choices`."""
    allowed = list(choices)
    if value not in allowed:
        raise ValueError(f"{field}: {shown(value)} is not allowed; it must be one of {', '.join(allowed)}")
