"""How tables show in the notebooks: every word, three digits, and at most twelve rows before a fold."""

import math
from numbers import Real
from typing import Any

import pandas as pd
from IPython import get_ipython

ROWS = 12
DIGITS = 3


def install() -> None:
    """Let this session show pandas tables so. Outside IPython it does nothing."""
    shell = get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["text/html"].for_type(pd.DataFrame, as_html)


def as_html(table: pd.DataFrame) -> str:
    """The table for a page. Rows after the twelfth are folded."""
    first, rest = table.iloc[:ROWS], table.iloc[ROWS:]
    folded = f"<details><summary>{len(rest)} more rows</summary>{_html(rest)}</details>" if len(rest) else ""
    return f'<div style="overflow-x:auto;max-width:100%">{_html(first)}{folded}</div>'


def number(value: Any) -> str:
    """A number with three digits that count, whole ones with all of theirs; nothing for what is missing."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return str(value)
    amount = float(value) + 0.0  # which makes -0 a 0
    if math.isnan(amount):
        return ""
    if not math.isfinite(amount) or amount.is_integer():
        return f"{amount:,.0f}"
    size = math.floor(math.log10(abs(amount)))
    return f"{amount:.{DIGITS - 1}e}" if size < -DIGITS - 1 else f"{amount:,.{max(0, DIGITS - 1 - size)}f}"


def _html(table: pd.DataFrame) -> str:
    with pd.option_context("display.max_colwidth", None):
        return table.map(number).to_html(max_rows=None, max_cols=None, na_rep="", border=0)
