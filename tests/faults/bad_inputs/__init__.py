"""The table of bad inputs: what is given, how it ends, and the one line that says why.

Each file of this folder holds the `ROWS` of one part of the course. `BOX` in an input stands for a folder with the
files that `tests/faults/box.py` makes; `...` in a line stands for any words.
"""

from typing import NamedTuple


class Bad(NamedTuple):
    """One row.

    given: words for `rlhf-lessons`, after NAME=VALUE for its environment, or an expression in Python. ends: the exit
    code of the command, or the name of the exception. line: what it says, from its beginning to its end.
    """

    given: str
    ends: int | str
    line: str
