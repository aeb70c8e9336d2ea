"""One row a figure: what is quoted, what was remade, and whether the two agree."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import stdev

EQUAL, AGREES, DIFFERS = "equal", "agrees", "DIFFERS"
NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?(?:\s?%)?")
STANDARD_DEVIATIONS = 4  # a remade figure that strays further than this is not luck
EXACT = "kept tables: the same digits"


@dataclass(frozen=True)
class Number:
    """A number as it is printed: `83.1 %` has the value 83.1, one decimal, and is a percentage."""

    text: str
    value: float
    decimals: int
    percent: bool

    @property
    def is_whole(self) -> bool:
        """Whether it is written without a decimal point, as what is counted is."""
        return not self.percent and re.fullmatch(r"[-+]?[\d,]+", self.text) is not None

    def printed(self, value: float) -> str:
        """Another value in the same form."""
        return f"{value:.{self.decimals}f}{' %' if self.percent else ''}"

    def rounds_from(self, value: float) -> bool:
        """Whether a value, printed in this form, is this number."""
        return self.printed(value) == self.printed(self.value)


@dataclass(frozen=True)
class Row:
    """A line of the table.

    judged_by: what makes them agree. figures: how many numbers have this verdict. besides: how many more of the same
    cell agree, which the line does not show.
    """

    where: str
    what: str
    quoted: str
    remade: str
    difference: str
    judged_by: str
    verdict: str
    figures: int = 1
    besides: int = 0


def numbers(text: str) -> list[Number]:
    """The numbers in a text, in order. Digits inside a word (`pairs_200`, `C26`) are part of its name."""
    found = []
    for match in NUMBER.finditer(text):
        digits = match[0].rstrip("% ").replace(",", "")
        decimals = len(digits.partition(".")[2].partition("e")[0])
        found.append(Number(match[0], float(digits), decimals, match[0].endswith("%")))
    return found


def first_number(text: str) -> Number:
    """The first number in a text. Raises ValueError if there is none."""
    found = numbers(text)
    if not found:
        raise ValueError(f"quoted: {text!r} is not allowed; it must hold a number")
    return found[0]


def compare(where: str, what: str, quoted: str, remade: float, allowed: float, judged_by: str) -> Row:
    """A quoted number against a remade one in the same unit, which may stray from it by `allowed`."""
    number = first_number(quoted)
    return within(where, what, quoted, remade, number.value - allowed, number.value + allowed, judged_by)


def within(where: str, what: str, quoted: str, remade: float, low: float, high: float, judged_by: str) -> Row:
    """A quoted number against a remade one in the same unit, which may lie from `low` to `high`."""
    number = first_number(quoted)
    verdict = EQUAL if number.rounds_from(remade) else AGREES if low <= remade <= high else DIFFERS
    difference = "0" if verdict == EQUAL else f"{remade - number.value:+.{number.decimals}f}"
    return Row(where, what, quoted, number.printed(remade), difference, judged_by, verdict)


def promise(where: str, what: str, form: str, remade: float, low: float = -1e9, high: float = 1e9) -> Row:
    """A figure that was promised to lie from `low` to `high`; `form` prints all three."""
    bounds = [f"at least {form.format(low)}"] * (low > -1e9) + [f"at most {form.format(high)}"] * (high < 1e9)
    verdict = AGREES if low <= remade <= high else DIFFERS
    return Row(where, what, ", ".join(bounds), form.format(remade), "", "a promise", verdict)


def missing(where: str, what: str, reason: str) -> Row:
    """A figure that could not be compared."""
    return Row(where, what, "", "", "", reason, DIFFERS)


def spread_of_mean(values: Sequence[float]) -> float:
    """How far apart the means of two sets of so many seeds may lie."""
    return STANDARD_DEVIATIONS * stdev(values) * (2 / len(values)) ** 0.5


def spread_of_extreme(values: Sequence[float]) -> float:
    """How far apart the lowest (or highest) values of two sets of seeds may lie."""
    return STANDARD_DEVIATIONS * stdev(values)


def count(rows: Iterable[Row]) -> dict[str, int]:
    """Verdict -> how many figures have it."""
    found = Counter({AGREES: 0, EQUAL: 0, DIFFERS: 0})
    for row in rows:
        found[row.verdict] += row.figures
        found[AGREES] += row.besides
    return found
