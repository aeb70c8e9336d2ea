"""A control for each knob: where its slider stops, what a typed text sets it to, and what the page says of it."""

import inspect
import math
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter

from rlhf_lessons.knobs import KNOBS, Knob, Value

T = TypeVar("T")
MOST_EVEN_STOPS = 50
MOST_WHOLE_STOPS = 100
DECADES_TO_ZERO = 4  # a logarithmic slider that begins at 0 goes on this far above it
# The words on a knob's label and the symbol of the literature, where its name alone does not say it.
LABELS: Mapping[str, tuple[str, str]] = {
    "choices": ("your choices", ""),
    "n_pairs": ("training pairs", "N"),
    "n_notes": ("notes in the corpus", "N"),
    "n_demonstrations": ("demonstrations", "N"),
    "learning_rate": ("learning rate", "η"),
    "kl_coef": ("price of KL", "β"),
    "clip_range": ("clip range", "ε"),
    "careless_share": ("careless answers", ""),
    "blind_share": ("shrugs in blind spots", ""),
    "width": ("width of the model", ""),
    "head_init_scale": ("first weights, times", ""),
    "reward_offset": ("first reward", "b"),
    "weight_scale": ("spread of the first weights", "σ"),
    "noise": ("flipped preferences", ""),
    "members": ("judges", ""),
    "combination": ("what several judges say", ""),
    "bound": ("bound of the reward", ""),
    "reward_model": ("who scores", ""),
    "judge": ("who scores", ""),
    "answers": ("whose answers", ""),
    "direct_loss": ("the loss", ""),
    "group_size": ("group size", "G"),
    "scale_by_length": ("divide by length", ""),
    "beta": ("price", "β"),
    "update": ("the update", ""),
    "ppo_epochs": ("passes", ""),
}


@dataclass(frozen=True)
class Choices(Knob):
    """What a learner chose between two answers, round after round: a text with a digit, 1 or 2, for each so far."""

    rounds: int = 1

    @property
    def allowed(self) -> str:
        """What the knob accepts, in words that end the sentence "it must be"."""
        return f"a text of at most {self.rounds} digits, each 1 or 2"

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(Annotated[str, Field(pattern=f"^[12]{{0,{self.rounds}}}$", strict=True)])


def knobs_of(
    compute: Callable[..., Any], ranges: Mapping[str, Mapping[str, Any] | Knob]
) -> dict[str, tuple[Knob, Value]]:
    """The knobs among `compute`'s parameters, with their defaults.

    `ranges` narrows bounds or choices, and declares the knobs that are this lab's alone.
    """
    parameters = inspect.signature(compute).parameters.values()
    return {
        p.name: (_narrowed(p.name, ranges.get(p.name, {})), p.default)
        for p in parameters
        if p.name in KNOBS or p.name in ranges
    }


def _narrowed(name: str, to: Mapping[str, Any] | Knob) -> Knob:
    return to if isinstance(to, Knob) else replace(KNOBS.get(name, Knob(name)), **to)


class Control:
    """One knob of a lab. `value` is exact; a slider stands at the stop that is nearest to it.

    stops: what a slider can be moved to, or the choices of a list, or False and True, or all rounds chosen.
    """

    def __init__(self, knob: Knob, value: Value, must_stop: Iterable[Value] = ()):
        self.knob = knob
        self.value = knob.check(value)
        self.words, self.symbol = LABELS.get(knob.name, (knob.name.replace("_", " "), ""))
        self.stops = stops(knob, [self.value, *must_stop])

    def set(self, value: Value) -> None:
        """Turn the knob. Raises ValueError if it refuses the value."""
        self.value = self.knob.check(value)

    def move(self, place: int) -> None:
        """Turn it to one of its stops. Raises ValueError if there is none at that place."""
        last = len(self.stops) - 1
        if type(place) is not int or not 0 <= place <= last:
            raise ValueError(f"{self.words}: {place!r} is not allowed; it must be a stop from 0 to {last}")
        self.value = self.stops[place]

    def type(self, text: str) -> None:
        """Turn it to a typed value. Raises ValueError, in the words of the label, if that is not allowed."""
        self.value = read_typed(text, replace(self.knob, name=self.words).parse)

    def random_stop(self, dice: random.Random) -> Value:
        """One of its stops."""
        return dice.choice(self.stops)

    @property
    def place(self) -> int:
        """The stop that is nearest to the value; -1 for rounds not all chosen yet."""
        if self.value in self.stops:
            return self.stops.index(self.value)
        if isinstance(self.knob, Choices):
            return -1
        return min(range(len(self.stops)), key=lambda place: abs(float(self.stops[place]) - float(self.value)))

    @property
    def spec(self) -> dict[str, Any]:
        """What the page needs to know of it, once."""
        kind = "number" if self.knob.kind in (int, float) else "tick" if self.knob.kind is bool else "list"
        kind = "choose" if isinstance(self.knob, Choices) else kind
        ends = f" From {as_text(self.stops[0])} to {as_text(self.stops[-1])}." if kind == "number" else ""
        parts = {"name": self.knob.name, "words": self.words, "symbol": self.symbol, "unit": self.knob.unit}
        return parts | {"kind": kind, "about": self.knob.meaning + ends, "stops": [*map(as_text, self.stops)]}

    @property
    def state(self) -> dict[str, Any]:
        """How it stands."""
        return {"text": as_text(self.value), "place": self.place}


def as_text(value: Value) -> str:
    """A value as people write it: 0.0001, 1e-06; a choice without its underscores."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        number = value.removeprefix("pairs_")
        return f"{int(number):,} pairs" if number != value and number.isdigit() else value.replace("_", " ")
    return f"{value + 0.0:.6g}" if isinstance(value, float) else str(value)  # + 0.0 takes the sign off -0.0


def read_typed(text: str, read: Callable[[str], T]) -> T:
    """What `read` makes of a typed text. A ValueError that a decimal point would mend says so."""
    text = text.strip()
    try:
        return read(text)
    except ValueError as error:
        pointed = text.replace(",", ".")
        try:
            read(pointed)
        except ValueError:
            raise error from None
        raise ValueError(f"{error}; write {pointed}") from None


def stops(knob: Knob, must_have: Iterable[Value]) -> tuple[Value, ...]:
    """Where a slider stops: at round values, at both ends, and at those it must have.

    Whole numbers of a small range are all there; on a logarithmic scale they are 1, 2 and 5 times powers of ten, with
    0 before them if the range begins there; otherwise they are evenly spaced.
    """
    if isinstance(knob, Choices):
        return tuple(map("".join, product("12", repeat=knob.rounds)))
    if knob.kind not in (int, float):
        return knob.choices or (False, True)
    low, high = knob.low, knob.high
    if knob.log:
        first = low if low > 0 else high / 10**DECADES_TO_ZERO
        exponents = range(math.floor(math.log10(first)), math.ceil(math.log10(high)) + 1)
        found = [float(f"{digit}e{exponent}") for exponent in exponents for digit in (1, 2, 5)]
        found = [value for value in found if first <= value <= high]
    else:
        is_small = knob.kind is int and high - low <= MOST_WHOLE_STOPS
        step = 1.0 if is_small else _round_step((high - low) / MOST_EVEN_STOPS)
        found = [round(step * n, 10) for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    return tuple(sorted({knob.kind(value) for value in (*found, low, high, *must_have)}))


def _round_step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not under `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(digit * power for digit in (1, 2, 5, 10) if digit * power >= 0.999 * least)
