"""How tables show in the notebooks."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter

from rlhf_lessons import tables


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.123456, "0.123"), (-1.23456, "-1.23"), (12.3456, "12.3"), (123.456, "123"), (1234.5, "1,234"),
        (16000, "16,000"), (2.0, "2"), (np.float32(0.5), "0.500"), (np.int64(7), "7"), (0.00012345, "0.000123"),
        (0.0000012345, "1.23e-06"), (math.nan, ""), (math.inf, "inf"), (-0.0, "0"), (True, "True"),
        ("a < b", "a < b"), (None, "None"),
    ],
)  # fmt: skip
def test_three_digits_count(value, shown):
    assert tables.number(value) == shown


def test_no_word_is_cut_and_rows_after_the_twelfth_are_folded():
    answer = "avoid it : lactic acid rises ; insulin instead . " * 5
    table = pd.DataFrame({"answer": [answer] * 20, "score": np.arange(20) / 7})
    shown = tables.as_html(table)
    assert shown.count(answer.strip()) == 20 and "..." not in shown
    before, _, after = shown.partition("<details>")
    assert before.count("<tr") == 1 + tables.ROWS and after.count("<tr") == 1 + 8 and "8 more rows" in after
    assert "<details>" not in tables.as_html(table.head(tables.ROWS))


def test_what_stands_in_a_table_is_no_html():
    assert "&lt;pad&gt;" in tables.as_html(pd.DataFrame({"<b>": ["<pad>"]})) and "<b>" not in tables.as_html(
        pd.DataFrame({"<b>": ["<pad>"]})
    )


def test_a_session_shows_tables_so(monkeypatch):
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    monkeypatch.setattr(tables, "get_ipython", lambda: shell)
    tables.install()
    shown, _ = shell.display_formatter.format(pd.DataFrame({"x": [0.123456]}))
    assert "0.123<" in shown["text/html"]
