"""Planted faults come in a short form for `make test` and a long one for `make verify`, which counts what they show."""

import os
from collections.abc import Callable

import pytest

from tools.verify.faults import LONG_VARIABLE


@pytest.fixture
def rounds() -> Callable[[int, int], int]:
    """How often to try: `rounds(short form, long form)`."""
    return lambda short, long: long if os.environ.get(LONG_VARIABLE) == "1" else short


@pytest.fixture
def tally(record_property) -> Callable[[str, int], None]:
    """`tally("kills survived", 20)`: so many more of this kind went well. Only said once they did."""
    return lambda kind, number=1: record_property(kind, number)
