"""What the commands show on the terminal, and ask there."""

from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from rlhf_lessons.cache import Entry


def show(table: Table) -> None:
    """On the screen as it is: brackets in a notebook's title are no commands to rich."""
    Console(markup=False, highlight=False).print(table)


def agreed(question: str) -> bool:
    """Ask for a yes. Raises ValueError where nobody is there to answer."""
    try:
        return input(f"{question} [y/N]: ").strip().lower() in ("y", "yes")
    except EOFError:
        raise ValueError("yes: nobody is there to answer; give --yes to remove without a question") from None


def megabytes(size: int) -> str:
    """A size on disk for people."""
    return f"{size / 1e6:.1f} MB"


def total(entries: Iterable[Entry]) -> str:
    """How much entries of the cache take together."""
    return megabytes(sum(entry.size for entry in entries))
