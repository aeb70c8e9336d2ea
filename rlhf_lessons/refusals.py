"""What a refusal shows of the value it refuses."""

from typing import Any

LONGEST = 60  # characters


def shown(value: Any) -> str:
    """`repr(value)` as it fits into a line: cut where it is long, and on one line whatever the value is."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError) as error:  # a number of over 4,300 digits, a list in a list in a list
        text = f"<{type(value).__name__} that cannot be printed: {error}>"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
