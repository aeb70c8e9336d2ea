"""Writes a folder that somebody can go on with in transformers and TRL: a model or data, and what TRL needs beside it.

docs/handing_over.md says what lies where.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from rlhf_lessons.evaluation.scorecard import MAX_NEW_TOKENS
from rlhf_lessons.export.card import Card
from rlhf_lessons.export.folder import new_folder
from rlhf_lessons.export.judged import OVER_CASES, judge_policy, judge_reward
from rlhf_lessons.export.rows import DATA, HELD_OUT, TRAIN, Rows, held_out_pairs
from rlhf_lessons.export.weights import to_gpt2, transformers_library
from rlhf_lessons.export.words import to_fast_tokenizer
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.pipeline import ensure
from rlhf_lessons.refusals import check_choice

RECIPES_AT = Path(__file__).parent / "recipes"
START, JUDGE = "start", "judge"


@dataclass(frozen=True)
class Recipe:
    """What TRL trains: with which trainer, from which stage, on which data, and the stage that judges, if any."""

    trainer: str
    start: str
    rows: str
    judge: str | None = None


RECIPES = {
    "reward": Recipe("RewardTrainer", "pretrained", "pairs"),
    "dpo": Recipe("DPOTrainer", "sft", "pairs"),
    "grpo": Recipe("GRPOTrainer", "sft", "prompts", "reward"),
}
MODELS = ("pretrained", "sft", "reward", "ppo", "dpo", "grpo", "rloo")
NAMES = (*MODELS, *DATA)


def hand_over(what: str, to: Path, seed: int = 0, force: bool = False) -> Card:
    """Write the stage or the data `what`, one of NAMES, into a new folder `to`, with a README.md, which is returned.

    Trains what is not stored yet. Raises as `new_folder` and `to_gpt2` do, and ValueError for an unknown name.
    """
    check_choice("what", what, NAMES)
    with new_folder(to, force) as folder:
        card = _data(what, seed, folder) if what in DATA else _model(what, seed, folder)
        (folder / "README.md").write_text(str(card), encoding="utf-8")
    return card


def _data(what: str, seed: int, folder: Path) -> Card:
    rows = DATA[what](seed)
    return Card(what, seed, rows.key, _write_rows(what, rows, folder), rows.measured, how=rows.how)


def _model(what: str, seed: int, folder: Path) -> Card:
    transformers_library()  # before anything is trained
    trained = ensure(what, seed)
    if isinstance(trained.model, RewardModel):
        measured, over = judge_reward(trained.model, held_out_pairs(seed))
    else:
        measured, over = judge_policy(trained.model), OVER_CASES
    kind = save(trained.model, folder)
    files = {"config.json": f"with `model.safetensors` and the tokenizer: the course's stage {what} as a {kind}"}
    how = _write_recipe(what, seed, folder, files) if what in RECIPES else ""
    return Card(what, seed, trained.key, files, measured, over, how, kind)


def save(model: GPT | RewardModel, folder: Path) -> str:
    """Write a model with its tokenizer; returns the name of its class. Raises OSError where it cannot be written."""
    transformers_library().utils.logging.disable_progress_bar()  # of what takes milliseconds
    gpt2, body = to_gpt2(model), model if isinstance(model, GPT) else model.body
    if isinstance(model, GPT):
        gpt2.generation_config.max_new_tokens = MAX_NEW_TOKENS
    try:
        gpt2.save_pretrained(folder)
        to_fast_tokenizer(body.config.context).save_pretrained(folder)
    except Exception as error:  # a full disk is another error in each of the libraries beneath
        raise OSError(f"to: the model cannot be written ({' '.join(str(error).split())})") from None
    return type(gpt2).__name__


def _write_recipe(what: str, seed: int, folder: Path, files: dict[str, str]) -> str:
    """Write what a recipe needs, and into `files` what it is; returns how its data was made."""
    recipe = RECIPES[what]
    rows = DATA[recipe.rows](seed)
    save(ensure(recipe.start, seed).model, folder / START)
    files[f"{START}/"] = f"the model that training starts from: {recipe.start}"
    if recipe.judge:
        save(ensure(recipe.judge, seed).model, folder / JUDGE)
        files[f"{JUDGE}/"] = "the reward model that training asks"
    files |= _write_rows(recipe.rows, rows, folder)
    shutil.copy(RECIPES_AT / f"{what}.py", folder / "train.py")
    shutil.copy(RECIPES_AT / "accelerate.yaml", folder)
    files["train.py"] = f"TRL's {recipe.trainer}; what it leaves in `trained/`, `rlhf-lessons import trained` judges"
    files["accelerate.yaml"] = "for several GPUs: `accelerate launch --config_file accelerate.yaml train.py`"
    return rows.how


def _write_rows(name: str, rows: Rows, folder: Path) -> dict[str, str]:
    files = {}
    for split, told in ((TRAIN, "for training"), (HELD_OUT, "of cases whose facts alignment never saw")):
        lines = [json.dumps(row) for row in rows.splits[split]]
        (folder / f"{split}.jsonl").write_text("\n".join([*lines, ""]), encoding="utf-8")
        files[f"{split}.jsonl"] = f"{len(lines):,} {name} {told}: {rows.form}"
    return files
