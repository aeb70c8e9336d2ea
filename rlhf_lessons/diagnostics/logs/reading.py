"""What was understood of a log, said before anything is concluded from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_SHOWN = 8


@dataclass(frozen=True)
class Reading:
    """What was read.

    form: the name of the reader; rows: how many; names: canonical name -> names as printed; ends: canonical name ->
    its first and last finite value; ignored: printed names that mean nothing to the rules; settings: learning rate,
    epochs and the like, as a file states them beside its table; words: kinds of training that its prose names; remarks:
    what had to be assumed, or was left out. run: the name of the run or stage. kind: what it was taken for, and why.
    """

    form: str = ""
    rows: int = 0
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ends: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    settings: Mapping[str, float] = field(default_factory=dict)
    words: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()
    run: str = ""
    kind: str = ""

    def __str__(self) -> str:
        if not self.form:
            return ""
        lines = [f"Read: {self.form}, {self.rows:,} {'row' if self.rows == 1 else 'rows'}. {self.kind}".rstrip()]
        for title, held_out in (("training", False), ("held out", True)):
            shown = [name for name in self.names if name.startswith("eval_") == held_out]
            if shown:
                lines.append(f"  {title}: {', '.join(map(self._course, shown))}")
        if self.ignored:
            more = f" and {len(self.ignored) - MOST_SHOWN} more" if len(self.ignored) > MOST_SHOWN else ""
            lines.append(f"  ignored: {', '.join(self.ignored[:MOST_SHOWN])}{more}")
        return "\n".join([*lines, *(f"  {remark}" for remark in self.remarks)])

    def _course(self, name: str) -> str:
        """A metric by its printed name, the name it was taken for, and its first and last value."""
        printed = " or ".join(self.names[name])
        meant = "" if printed == name else f" ({name})"
        if name not in self.ends:
            return f"{printed}{meant}"
        first, last = self.ends[name]
        values = f"{first:.4g}" if first == last else f"{first:.4g} to {last:.4g}"
        return f"{printed}{meant} {values}"


NO_READING = Reading()
