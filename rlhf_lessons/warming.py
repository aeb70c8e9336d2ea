"""Filling the cache with what the course needs, for a class that shares it (RLHF_LESSONS_SHARED).

What that is, the notebooks say: each is run as a new learner would run it who has the cache for a shared one, and what
this learner had to make is kept in the cache. Nothing else of this learner stays: no results, no progress, no ticks.
"""

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rlhf_lessons import progress, reruns, store
from rlhf_lessons.exercises.exercise import STRICT_VARIABLE

CACHE = ("cache", "all")  # name and fingerprint of the lock: two programs that fill one cache would do all work twice


def jobs(notebooks: Path, seeds: int, with_judges: bool) -> dict[str, Callable[[], list[str]]]:
    """What there is to do, by name, seed by seed from 0; each returns what failed. A notebook without a seed runs once.

    with_judges: also the reward models that a learner may choose in the labs.
    """
    found = [(path, "seed" in reruns.parameters_of(path)) for path in reruns.list_notebooks(notebooks)]
    work: dict[str, Callable[[], list[str]]] = {}
    for seed in range(seeds):
        for path, takes_seed in found:
            if takes_seed or not seed:
                settings = {"seed": seed} if takes_seed else {}
                work[f"{path.stem}, seed {seed}"] = partial(_run, path, settings)
        if with_judges:
            work[f"judges, seed {seed}"] = partial(_train_judges, seed)
    return work


def _run(path: Path, parameters: Mapping[str, int]) -> list[str]:
    with _new_learner() as folder:
        return reruns.run_notebook(path, parameters, folder / path.name).errors


def _train_judges(seed: int) -> list[str]:
    from rlhf_lessons.sweeps.reward_models import REWARD_MODELS, reward_function

    with _new_learner():
        for name in REWARD_MODELS:
            reward_function(name, seed)
    return []


@contextmanager
def _new_learner() -> Iterator[Path]:
    """Inside, and in programs that start there, the home is empty and what it was is the shared cache.

    What was made inside is kept in the home at the end, also after an error or Ctrl-C. Gives a folder for other files.
    """
    from rlhf_lessons import cache

    before, home = dict(os.environ), store.home()
    with tempfile.TemporaryDirectory(prefix="rlhf-lessons-") as folder:
        os.environ |= {store.HOME_VARIABLE: f"{folder}/home", store.SHARED_VARIABLE: str(home)}
        for variable in (progress.VARIABLE, STRICT_VARIABLE):
            os.environ.pop(variable, None)
        try:
            yield Path(folder)
        finally:
            made = [entry.path.name.rpartition("-") for entry in cache.entries() if entry.current]
            found = {(name, fingerprint): store.load(name, fingerprint) for name, _, fingerprint in made}
            os.environ.clear()
            os.environ.update(before)
            for key, stored in found.items():
                if stored:
                    store.save(*key, stored.tensors, stored.meta)
