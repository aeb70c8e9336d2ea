"""What the commands show on the terminal, and ask there."""

from rich.console import Console
from rich.table import Table


def show(table: Table) -> None:
    """On the screen as it is: brackets in a notebook's title are no commands to rich."""
    Console(markup=False, highlight=False).print(table)


def agreed(question: str) -> bool:
    """Ask for a yes. Raises ValueError where nobody is there to answer."""
    try:
        return input(f"{question} [y/N]: ").strip().lower() in ("y", "yes")
    except EOFError:
        raise ValueError("yes: nobody is there to answer; give --yes to remove without a question") from None
