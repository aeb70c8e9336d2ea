"""The exercises of the notebooks: tasks, checks that name the likely mistake, hints, and solutions to reveal."""

import importlib
import pkgutil

from rlhf_lessons.exercises.exercise import Exercise

MADE_LATER = {"04.name_that_fault": 10}  # its minutes; its case is a model that the notebook chooses


def all_exercises() -> dict[str, Exercise]:
    """Every exercise by its name, such as "06.gae", in the order of the notebooks; without those of `MADE_LATER`."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    found = [value for module in modules for value in vars(module).values() if isinstance(value, Exercise)]
    return {exercise.name: exercise for exercise in sorted(found, key=lambda each: each.name[:2])}


def minutes(notebook: str = "") -> dict[str, int]:
    """Name -> minutes of every exercise of a notebook, which is given by its two digits, or of all notebooks."""
    asked = {name: exercise.minutes for name, exercise in all_exercises().items()} | MADE_LATER
    return {name: each for name, each in asked.items() if name.startswith(notebook)}


def names(notebook: str = "") -> list[str]:
    """The names of the exercises of a notebook, or of all."""
    return list(minutes(notebook))
