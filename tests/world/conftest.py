"""What the tests of the world's tables share."""

import re

import pytest


@pytest.fixture
def refused(tmp_path):
    """Asserts that a loader refuses a table with one bad row, in a line that names the file, the row and the field."""

    def check(load, name: str, columns: str, row: str, field: str) -> None:
        path = tmp_path / name
        path.write_text(f"{columns}\n{row}\n", encoding="utf-8")
        with pytest.raises(ValueError, match=rf"{re.escape(name)}, row 2: {field}: '.*' is not allowed; it must match"):
            load(path)

    return check
