"""What notebook 10 measures on a real model; where there is none, what was measured before, with its label.

`python -m rlhf_lessons.real.study` measures it all and keeps it.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rlhf_lessons import files
from rlhf_lessons.keys import Key, code_version
from rlhf_lessons.real import choosing, lora, ranking, tokens
from rlhf_lessons.real.model import NoModelError, RealModel, load
from rlhf_lessons.sweeps import results

FILE = Path(__file__).parent / "kept" / "notebook_10.json"
COMMAND = "python -m rlhf_lessons.real.study"
SEEDS = range(5)

Result = dict[str, Any]
Measure = Callable[[RealModel, int], Result]
SPREAD: tuple[Measure, ...] = (ranking.ranking,)  # measured with all seeds
PARTS = (*SPREAD, tokens.reading, choosing.with_truth, choosing.without_truth, lora.short_dpo)


@dataclass(frozen=True)
class Study:
    """Measures on the real model that is here, or looks up what was kept."""

    model: RealModel | None
    seed: int = 0

    def __call__(self, measure: Measure) -> Result:
        """What `measure`, one of `PARTS`, finds: now, or earlier on this machine, or as it was kept."""
        if self.model is None:
            return by_seed(measure)[SEEDS[0]]
        settings = {"weights": self.model.digest, "seed": self.seed}
        return results.remembered(
            Key.of(measure.__name__, settings, [measure]), partial(measure, self.model, self.seed)
        )

    def __str__(self) -> str:
        if self.model is None:
            return f"Without a real model, this is what was kept. {sentence()}"
        weights = sum(tensor.numel() for tensor in self.model.model.parameters())
        return f"{self.model.name}: {weights / 1e6:.1f} million weights. Kept for more seeds: {sentence()}"


def begin(folder: str, seed: int) -> Study:
    """A study of the model in `folder`, or of the installed one; without that, of what was kept, and it says why.

    Raises ValueError for a folder that cannot be used.
    """
    try:
        return Study(load(folder), seed)
    except NoModelError as reason:
        if folder:
            raise
        print(reason)
        return Study(None, seed)


def by_seed(measure: Measure) -> dict[int, Result]:
    """What was kept of a measure: seed -> result."""
    return {int(seed): result for seed, result in _kept()["results"][measure.__name__].items()}


def sentence() -> str:
    """What made the kept results, and when."""
    label = _kept()["label"]
    state = "this code" if label["code"] == code_version(*PARTS) else "an earlier state of the code"
    made = f"Made on {label['made']} by {label['command']} with {label['model']}, {state}, seeds {label['seeds']}"
    return f"{made}, torch {label['torch']}, transformers {label['transformers']}."


@cache
def _kept() -> dict[str, Any]:
    return files.parse_json(files.read(FILE), FILE.name)


def keep() -> None:
    """Measure every part on the installed model, and keep it. Raises NoModelError without one."""
    model = load()
    seeds = {measure: SEEDS if measure in SPREAD else SEEDS[:1] for measure in PARTS}
    found = {measure.__name__: {seed: Study(model, seed)(measure) for seed in seeds[measure]} for measure in PARTS}
    label = {
        "command": COMMAND,
        "model": model.name,
        "made": date.today().isoformat(),
        "seeds": list(SEEDS),
        "code": code_version(*PARTS),
        **{library: version(library) for library in ("torch", "transformers", "peft")},
    }
    short = json.loads(json.dumps(found), parse_float=lambda digits: float(f"{float(digits):.5g}"))
    text = json.dumps({"label": label, "results": short}, indent=1, ensure_ascii=False)
    FILE.parent.mkdir(exist_ok=True)
    files.replace(FILE, f"{text}\n".encode())


if __name__ == "__main__":
    keep()
