"""The common form of all exercises.

A learner fills in a function under the decorator `check`. Left undone (it returns None) or wrong, the reference stands
in, so that *Run All* and reruns always finish; with RLHF_LESSONS_STRICT=1 it raises NotSolved instead.
"""

import copy
import inspect
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rlhf_lessons import progress
from rlhf_lessons.refusals import shown

STRICT_VARIABLE = "RLHF_LESSONS_STRICT"
MOST_STARS = 3
State = Literal["right", "mistake named", "wrong", "undone"]


class NotSolved(Exception):
    """In a strict run: an exercise is undone or wrong."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners give, and what to say to it. `gives` computes it from the same inputs."""

    gives: Callable[..., Any]
    advice: str


@dataclass(frozen=True)
class Exercise:
    """A task with its reference solution, inputs to try it on, known mistakes and hints.

    name: the notebook's number, a dot, and the name of its variable in small letters, such as "06.gae".
    stars: 1 (a line) to 3 (the heart of a trainer). minutes: what a student should allow.
    source: the package's own code that `reveal` shows, where `reference` only passes on to it.
    """

    name: str
    stars: int
    minutes: int
    task: str
    reference: Callable[..., Any]
    cases: Sequence[tuple[Any, ...]]
    mistakes: Sequence[Mistake] = ()
    hints: Sequence[str] = ()
    source: Callable[..., Any] | None = None

    def check(self, attempt: Callable[..., Any]) -> Callable[..., Any]:
        """Print the task; try `attempt` on every case, and say what is right or wrong.

        Returns `attempt` if it is right, else the reference. Raises NotSolved instead if RLHF_LESSONS_STRICT is 1.
        """
        print(f"{'★' * self.stars}{'☆' * (MOST_STARS - self.stars)} about {self.minutes} minutes. {self.task}\n")
        state, said = self._judge(attempt)
        if state != "undone" or not progress.find("exercise", self.name):  # a blank copy takes nothing back
            progress.keep("exercise", self.name, state=state, said=said)
        if state != "right" and os.environ.get(STRICT_VARIABLE) == "1":
            raise NotSolved(f"exercise {self.name}: {state}. {said}")
        print(said)
        return attempt if state == "right" else self.reference

    def _judge(self, attempt: Callable[..., Any]) -> tuple[State, str]:
        for inputs in self.cases:
            wanted = self.reference(*copy.deepcopy(inputs))
            try:
                given = attempt(*copy.deepcopy(inputs))
            except Exception as error:
                return "wrong", f"Not yet: it stops with {type(error).__name__}: {error}"
            if given is None and inputs is self.cases[0]:  # later, None is an answer, and a wrong one
                return "undone", f"Not done yet: the course goes on with the reference solution. {self._help}"
            if not same(given, wanted):
                return self._advice(given, wanted, inputs)
        return "right", f"Right, on {'its case' if len(self.cases) == 1 else f'all {len(self.cases)} cases'}."

    def _advice(self, given: Any, wanted: Any, inputs: tuple[Any, ...]) -> tuple[State, str]:
        for mistake in self.mistakes:
            if same(given, mistake.gives(*copy.deepcopy(inputs))):
                return "mistake named", f"Not yet. {mistake.advice}"
        at, gives, should = (", ".join(shown(_short(one)) for one in values) for values in (inputs, [given], [wanted]))
        return "wrong", f"Not yet: for the inputs {at} it gives {gives}; it should give {should}."

    @property
    def _help(self) -> str:
        variable = self.name.partition(".")[2].upper()
        return f"Stuck? {variable}.hint(1) helps a little, {variable}.reveal() shows the solution."

    def hint(self, number: int = 1) -> None:
        """Print the first, second, ... hint."""
        if not 1 <= number <= len(self.hints):
            raise ValueError(f"number: {number} is not allowed; there are hints 1 to {len(self.hints)}")
        print(f"Hint {number} of {len(self.hints)}: {self.hints[number - 1]}")

    def reveal(self) -> None:
        """Print the reference solution: the package's own code."""
        print(inspect.getsource(self.source or self.reference))


def same(given: Any, wanted: Any) -> bool:
    """Whether two answers agree: numbers to 1e-4, lists, tensors and mappings part by part, words to the letter."""
    given, wanted = _plain(given), _plain(wanted)
    if isinstance(wanted, Mapping):
        return (
            isinstance(given, Mapping)
            and given.keys() == wanted.keys()
            and all(same(given[k], wanted[k]) for k in wanted)
        )
    if isinstance(wanted, list | tuple):
        parts = isinstance(given, list | tuple) and len(given) == len(wanted)
        return parts and all(same(one, other) for one, other in zip(given, wanted, strict=True))
    if isinstance(wanted, str) or isinstance(given, str):
        return isinstance(given, str) and given == wanted
    try:
        ours, theirs = float(given), float(wanted)
    except (TypeError, ValueError):
        return False
    return math.isclose(ours, theirs, rel_tol=1e-5, abs_tol=1e-4) or (math.isnan(ours) and math.isnan(theirs))


def _plain(value: Any) -> Any:
    """Tensors and arrays as lists or numbers, all else as it is."""
    return value.tolist() if hasattr(value, "tolist") else value


def _short(value: Any) -> Any:
    """A value as it is shown: six digits of every number."""
    value = _plain(value)
    if isinstance(value, list | tuple):
        return (list if isinstance(value, list) else tuple)(map(_short, value))
    return float(f"{value:.6g}") if isinstance(value, float) else value
