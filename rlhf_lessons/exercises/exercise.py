"""The common form of all exercises.

A learner fills in a function and hands it to `check`. Left undone (it returns None), the reference stands in, so
that *Run All* and reruns always finish.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that learners give, and what to say to it. `gives` computes it from the same inputs."""

    gives: Callable[..., Any]
    advice: str


@dataclass(frozen=True)
class Exercise:
    """A task with its reference solution, inputs to try it on, known mistakes and hints."""

    task: str
    reference: Callable[..., Any]
    cases: Sequence[tuple[Any, ...]]
    mistakes: Sequence[Mistake] = ()
    hints: Sequence[str] = ()

    def check(self, attempt: Callable[..., Any]) -> Callable[..., Any]:
        """Try `attempt` on every case and say what is right or wrong. Returns it if right, else the reference."""
        for inputs in self.cases:
            given, wanted = attempt(*inputs), self.reference(*inputs)
            if given is None:
                print("Not done yet: the course goes on with the reference solution. Try it, then run this cell again.")
                return self.reference
            if not same(given, wanted):
                print(self.advice(given, wanted, inputs))
                return self.reference
        print(f"Right, on all {len(self.cases)} cases.")
        return attempt

    def advice(self, given: Any, wanted: Any, inputs: tuple[Any, ...]) -> str:
        """What to tell a learner whose function gave `given`."""
        for mistake in self.mistakes:
            if same(given, mistake.gives(*inputs)):
                return f"Not yet. {mistake.advice}"
        shown = ", ".join(map(repr, inputs))
        return f"Not yet: for the inputs {shown} it gives {given!r}; it should give {wanted!r}."

    def hint(self, number: int = 1) -> None:
        """Print the first, second, ... hint."""
        if not 1 <= number <= len(self.hints):
            raise ValueError(f"number: {number} is not allowed; there are hints 1 to {len(self.hints)}")
        print(f"Hint {number} of {len(self.hints)}: {self.hints[number - 1]}")

    def reveal(self) -> None:
        """Print the reference solution."""
        print(inspect.getsource(self.reference))


def same(given: Any, wanted: Any) -> bool:
    """Whether two answers agree: numbers, lists and tensors to 1e-4, anything of another shape never."""
    try:
        ours, theirs = (torch.as_tensor(value, dtype=torch.float64) for value in (given, wanted))
    except (TypeError, ValueError, RuntimeError):
        return False
    return ours.shape == theirs.shape and torch.allclose(ours, theirs, atol=1e-4)
