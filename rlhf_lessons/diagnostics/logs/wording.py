"""Numbers and phrases as they stand in the sentences of the log reader."""

from collections.abc import Iterable


def percent(share: float) -> str:
    """A share as "100 %", "55.5 %" or "0.4 %"."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def look_alikes(alternatives: Iterable[str], tell_apart: str) -> str:
    """The sentence about other causes of the same numbers, and what would tell them from the one that is named."""
    causes = f"The same numbers could come from {' or '.join(alternatives)}"
    return "; ".join(filter(None, (causes, tell_apart.rstrip(".")))) + "."
