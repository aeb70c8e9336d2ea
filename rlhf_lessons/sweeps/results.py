"""Results that took long to measure, kept on disk under all they depend on."""

from collections.abc import Callable, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from rlhf_lessons import model, store, world
from rlhf_lessons.objectives import preference
from rlhf_lessons.stages import history, loop, reward

CODE = (model, preference, history, loop, reward)


def remembered(
    name: str,
    settings: Mapping[str, Any],
    parent: str,
    module: ModuleType,
    measure: Callable[[], dict[str, Any]],
    remake: bool = False,
    code: tuple[ModuleType, ...] = CODE,
) -> dict[str, Any]:
    """What `measure` gave for these settings before, or gives now. `remake` measures again whatever is kept.

    The result (anything JSON can hold) counts for one parent model (its fingerprint) and one state of the code:
    that of `module` and of all it rests on, `code`. Raises OSError as `store.save_result` does.
    """
    key = store.fingerprint(name, settings, data=version(world), parent=parent, code=version(module, *code))
    place = f"sweeps/{name}-{key}"
    kept = None if remake else store.load_result(place)
    if kept is None:
        kept = measure()
        store.save_result(place, kept)
    return kept


@cache
def version(*modules: ModuleType) -> str:
    """16 hex digits for the source text of the modules, read once."""
    return store.code_version(*modules)
