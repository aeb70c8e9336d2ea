"""Submitted notebooks: where they are, of what code they consist, and which notebook of the course they are."""

import re
from dataclasses import dataclass
from pathlib import Path

from rlhf_lessons import exercises, reruns

HEADER = re.compile(r"""\bcourse\.here\(\s*["']([0-9]{2})["']""")
LARGEST = 50_000_000  # bytes


class NotGraded(Exception):
    """Why a file cannot be graded, in a line."""


@dataclass(frozen=True)
class Submission:
    """A file, the text of its code cells, and the two digits of its notebook."""

    file: str
    cells: tuple[str, ...]
    notebook: str

    @property
    def exercises(self) -> list[str]:
        """The names of all exercises of its notebook, whether it contains them or not."""
        return exercises.names(self.notebook)

    def cell_of(self, exercise: str) -> int | None:
        """The number, from 1, of the first code cell that has the exercise's check; None where it has none."""
        check = re.compile(rf"\b{exercise.partition('.')[2].upper()}\.check\b")
        return next((number for number, text in enumerate(self.cells, 1) if check.search(text)), None)


def find(folder: Path) -> list[Path]:
    """All notebooks below a folder, but for Jupyter's own copies. Raises ValueError if there are none."""
    if not folder.is_dir():
        raise ValueError(f"folder: {str(folder)!r} is not allowed; it must be a folder with submitted notebooks")
    found = sorted(path for path in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
    if not found:
        raise ValueError(f"folder: {str(folder)!r} holds no notebooks; their names must end in .ipynb")
    return found


def read(path: Path, file: str) -> Submission:
    """The submission at `path`, which the table calls `file`. Raises NotGraded."""
    try:
        if path.stat().st_size > LARGEST:
            raise NotGraded(f"it is larger than {LARGEST / 1e6:.0f} MB")
        cells = tuple(text for kind, text, _ in reruns.cells(path) if kind == "code")
    except OSError as error:
        raise NotGraded(f"it cannot be read ({error.strerror})") from None
    except ValueError:
        raise NotGraded("it is no notebook that Jupyter saved") from None
    header = next(filter(None, map(HEADER.search, cells)), None)
    if not header:
        raise NotGraded('it is no notebook of the course: it has no cell with course.here("06") or another number')
    submission = Submission(file, cells, header[1])
    if not submission.exercises:
        raise NotGraded(f"notebook {header[1]} of the course has no exercises")
    return submission
