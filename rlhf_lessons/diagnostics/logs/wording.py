"""How numbers stand in the sentences of the log reader."""


def percent(share: float) -> str:
    """A share as "100 %", "55.5 %" or "0.4 %"."""
    return f"{100 * share:.1f}".removesuffix(".0") + " %"
