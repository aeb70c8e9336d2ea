"""A key changes with the code that a result rests on, and with nothing else: changes are planted in copies."""

import ast
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rlhf_lessons import keys
from rlhf_lessons.keys import Key, code_version
from rlhf_lessons.pipeline import STAGES
from rlhf_lessons.sweeps import (
    examinations,
    hypotheses,
    method_search,
    methods,
    phase_diagram,
    policy_runs,
    reward_models,
    reward_runs,
    selection,
)

COMPUTES: dict[str, tuple[Callable, ...]] = {
    **{name: (stage.plan, stage.start, stage.train) for name, stage in STAGES.items()},
    "hypotheses": (hypotheses.run,),
    "phase_diagram": (phase_diagram.measure_heads,),
    "reward_run": (reward_runs.train_and_measure,),
    "policy_run": (policy_runs.RunSettings, policy_runs.train_and_judge),
    "recipe": (reward_models.train_recipe,),
    "broken": (reward_models.broken_reward,),
    "chosen_answers": (selection.curves, selection.cases),
    "examination": (examinations.examine,),
}
METHODS = {"method_run": methods.train_and_judge, "method_trial": method_search.train_and_try}  # rest on every stage
GROUPS = {"rloo", "grpo"}
# what lets a policy answer
SAMPLE = {"reward", "ppo", "policy_run", "recipe", "chosen_answers", "examination", "dpo", "distilled", *GROUPS}
WRITE = {"pretrained", "sft"}  # what learns by predicting words that the world wrote
COMPARE = {"reward", "hypotheses", "reward_run", "recipe"}  # what learns from pairs, but for heads on a frozen body
LABELLED = {"hypotheses", "reward_run", "phase_diagram"}  # what learns from curated pairs alone
EVERY = set(COMPUTES)


@pytest.fixture
def copy(tmp_path) -> Path:
    root = tmp_path / "rlhf_lessons"
    shutil.copytree(keys.ROOT, root, ignore=shutil.ignore_patterns("__pycache__", "kept"))
    return root


def versions(root: Path) -> dict[str, str]:
    return {name: code_version(*starts, root=root) for name, starts in COMPUTES.items()}


NOW = versions(keys.ROOT)


def changed(root: Path) -> set[str]:
    """Which results a changed copy of the package would compute anew."""
    return {name for name, version in versions(root).items() if version != NOW[name]}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.search(old, text, re.MULTILINE), f"{old} is not in {path}"
    path.write_text(re.sub(old, new, text, count=1, flags=re.MULTILINE), encoding="utf-8")


def add_a_statement(path: Path, function: str) -> None:
    """Make a function or class of the file do one thing more."""
    text = path.read_text(encoding="utf-8")
    (found,) = (node for node in ast.parse(text).body if getattr(node, "name", None) == function)
    last, lines = found.body[-1], text.splitlines()
    first_line = min(node.lineno for node in [last, *getattr(last, "decorator_list", [])])
    lines.insert(first_line - 1, " " * last.col_offset + "planted = 1")
    path.write_text("\n".join(lines), encoding="utf-8")


def test_a_copy_without_changes_has_the_same_versions(copy):
    assert changed(copy) == set()


def test_the_longest_answer_counts_for_everything_that_samples(copy):
    edit(copy / "evaluation/scorecard.py", r"^MAX_NEW_TOKENS = 16", "MAX_NEW_TOKENS = 8")
    assert changed(copy) == {"reward", "policy_run", "recipe", "chosen_answers", "examination", "dpo"}


def test_the_model_that_is_normalised_after_its_head_counts_for_the_hypotheses_alone(copy):
    add_a_statement(copy / "diagnostics/doctor/fault_bank.py", "NormalisedAfterHead")
    assert changed(copy) == {"hypotheses"}


def test_a_word_in_a_docstring_counts_for_nothing(copy):
    edit(copy / "pipeline.py", "The first rollout of the PPO run", "The very first rollout of the PPO run")
    assert changed(copy) == set()


@pytest.mark.parametrize(
    ("file", "function", "expected"),
    [
        ("knobs.py", "Settings", EVERY - {"chosen_answers"}),
        ("objectives/likelihood.py", "masked_cross_entropy", WRITE | {"distilled"}),
        ("objectives/group.py", "rloo_advantages", GROUPS),
        ("objectives/preference.py", "bradley_terry_loss", COMPARE | {"examination"}),
        ("objectives/advantage.py", "gae", {"ppo", "policy_run"}),
        ("model/gpt.py", "GPT", EVERY - {"broken"}),
        ("model/heads.py", "RewardModel", COMPARE | {"ppo", "distilled", *GROUPS}),
        ("model/sampling.py", "sample", SAMPLE),
        ("model/sequences.py", "pad", EVERY - {"broken"}),
        ("world/answers.py", "careful_answer", WRITE | COMPARE | {"phase_diagram", "examination", "dpo"}),
        ("world/rubric.py", "judge", (SAMPLE | LABELLED) - {"distilled"}),
        ("world/annotators.py", "preference", LABELLED | {"reward", "policy_run", "recipe", "examination", "dpo"}),
        ("world/tokenizer.py", "course_tokenizer", EVERY),
        ("stages/language_model.py", "fit", WRITE | {"distilled"}),
        ("stages/reward.py", "train_reward", COMPARE),
        ("stages/reward_ensemble.py", "train_ensemble", {"recipe"}),
        ("stages/ppo.py", "train_ppo", {"ppo", "policy_run"}),
        ("program_one.py", "fit", {"broken"}),
        ("pipeline.py", "_train_sft", {"sft"}),
        ("sweeps/phase_diagram.py", "train_heads", {"phase_diagram"}),
        ("sweeps/policy_runs.py", "judge_policy", {"policy_run", "chosen_answers"}),
    ],
)
def test_a_change_counts_for_what_rests_on_it(copy, file, function, expected):
    add_a_statement(copy / file, function)
    assert changed(copy) == expected


def test_a_data_file_counts_like_code(copy):
    edit(copy / "world/formulary.csv", "egfr", "eGFR")
    assert changed(copy) == EVERY


@pytest.mark.parametrize(
    ("file", "function", "expected"),
    [
        ("objectives/direct.py", "dpo_loss", set(METHODS)),
        ("objectives/group.py", "grpo_advantages", set(METHODS)),
        ("stages/ppo.py", "train_ppo", set(METHODS)),
        ("world/verifier.py", "lazy", set(METHODS)),
        ("sweeps/policy_runs.py", "judge_policy", {"method_run"}),
        ("sweeps/methods.py", "sweep", set()),
        ("sweeps/methods.py", "tuned", set()),
        ("pipeline.py", "ensure", set()),
        ("store.py", "save", set()),
        ("diagnostics/alarms.py", "ringing", set()),
    ],
)
def test_a_method_rests_on_every_stage_and_on_what_judges_it(copy, file, function, expected):
    add_a_statement(copy / file, function)
    assert {
        name for name, start in METHODS.items() if code_version(start, root=copy) != code_version(start)
    } == expected


@pytest.mark.parametrize(
    ("file", "function"),
    [
        ("pipeline.py", "ensure"),
        ("pipeline.py", "_Progress"),
        ("pipeline.py", "first_rollout"),
        ("store.py", "save"),
        ("sweeps/results.py", "remembered"),
        ("sweeps/over_optimisation.py", "sweep"),
        ("reruns.py", "run_notebook"),
        ("plots/training.py", "curves"),
        ("labs/ppo.py", "draw"),
        ("diagnostics/log_reader.py", "diagnose"),
        ("diagnostics/alarms.py", "ringing"),
    ],
)
def test_what_only_runs_shows_or_keeps_results_counts_for_nothing(copy, file, function):
    add_a_statement(copy / file, function)
    assert changed(copy) == set()


def test_comments_docstrings_layout_and_words_for_people_count_for_nothing_in_any_file(copy):
    for path in copy.rglob("*.py"):
        text = path.read_text(encoding="utf-8").replace('"""', '"""Other words. ', 1)
        path.write_text(f"# a comment\n\n\n{text}\n\n# another\n", encoding="utf-8")
    edit(copy / "knobs.py", r'description="', 'description="Other words. ')
    assert changed(copy) == set()


def test_the_words_that_explain_a_metric_count_for_nothing(copy):
    edit(copy / "stages/metrics.py", "optimiser steps so far", "steps of the optimiser so far")
    assert changed(copy) == set()


def test_a_definition_may_move_to_another_module(copy):
    """`decay` goes from stages/loop.py to a file of its own, and everybody imports it from there."""
    text = (copy / "stages/loop.py").read_text(encoding="utf-8")
    (found,) = (node for node in ast.parse(text).body if getattr(node, "name", None) == "decay")
    lines = text.splitlines()
    moved, left = lines[found.lineno - 1 : found.end_lineno], lines[: found.lineno - 1] + lines[found.end_lineno :]
    (copy / "stages/rates.py").write_text("\n".join(["import torch", *moved]), encoding="utf-8")
    (copy / "stages/loop.py").write_text("\n".join(left), encoding="utf-8")
    for path in copy.rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        taken = re.search(r"from rlhf_lessons.stages.loop import .*\bdecay, ", source)
        if taken:
            source = source.replace(taken[0], taken[0].replace("decay, ", ""))
            path.write_text(f"from rlhf_lessons.stages.rates import decay\n{source}", encoding="utf-8")
    assert changed(copy) == set()


# How names are followed, on a package of a few lines.


def write(root: Path, **files: str) -> Path:
    for name, text in {"__init__": "", **files}.items():
        (root / f"{name}.py").write_text(text, encoding="utf-8")
    return root


def reached(root: Path, start: str = "start") -> set[str]:
    found = keys.reached_from([f"rlhf_lessons.main.{start}"], root)
    return {name.removeprefix("rlhf_lessons.") for name in found}


@pytest.mark.parametrize(
    ("main", "expected"),
    [
        ("from rlhf_lessons.other import used\ndef start(): return used()", {"other.used", "other.HELP"}),
        ("from rlhf_lessons import other\ndef start(): return other.used()", {"other.used", "other.HELP"}),
        ("import rlhf_lessons.other\ndef start(): rlhf_lessons.other.used()", {"other.used", "other.HELP"}),
        ("import rlhf_lessons.other as o\ndef start(): o.used()", {"other.used", "other.HELP"}),
        ("def start():\n  from rlhf_lessons.other import used\n  used()", {"other.used", "other.HELP"}),
        (
            "from rlhf_lessons import other\ndef start(): return vars(other)",
            {"other.used", "other.HELP", "other.spare"},
        ),
        ("from rlhf_lessons.other import spare\ndef start(spare): return spare()", set()),
        ("from rlhf_lessons.other import spare\ndef start():\n  spare = 1\n  return spare", set()),
        ("from rlhf_lessons.other import spare\nclass start:\n  def a(self): return spare", {"other.spare"}),
        ("from rlhf_lessons.other import spare\ndef start(a=spare): pass", {"other.spare"}),
        ("from rlhf_lessons.other import spare\nT = {}\nT['a'] = spare\ndef start(): T", {"main.T", "other.spare"}),
        ("from rlhf_lessons.other import spare\nspare()\ndef start(): pass", {"main.<at import>", "other.spare"}),
        ("from rlhf_lessons.other import HELP as h\ndef start(): return lambda: h.x", {"other.HELP"}),
        ("def start(): return start", set()),
    ],
)
def test_names_are_followed_through_imports_and_scopes(tmp_path, main, expected):
    other = "HELP = 1\ndef used(): return HELP\ndef spare(): pass"
    assert reached(write(tmp_path, main=main, other=other)) == {"main.start"} | expected


def test_a_start_that_is_gone_is_not_current():
    parent = Key("a", {}, keys.version_of(["rlhf_lessons.keys.Key"]), ("rlhf_lessons.keys.Key",))
    assert parent.is_current
    gone = Key("a", {}, parent.code, ("rlhf_lessons.keys.NoSuchThing",))
    assert not gone.is_current and not Key("b", {}, parent.code, parent.starts, (gone,)).is_current
    assert not Key("a", {}, "0" * 16, parent.starts).is_current


@pytest.mark.parametrize(
    "other",
    [
        Key("b", {"seed": 0}, "c", (), (Key("p", {}, "c"),)),
        Key("a", {"seed": 1}, "c", (), (Key("p", {}, "c"),)),
        Key("a", {"seed": 0}, "d", (), (Key("p", {}, "c"),)),
        Key("a", {"seed": 0}, "c", (), (Key("p", {}, "d"),)),
        Key("a", {"seed": 0}, "c"),
    ],
)
def test_the_fingerprint_depends_on_each_part(other):
    assert other.fingerprint != Key("a", {"seed": 0}, "c", (), (Key("p", {}, "c"),)).fingerprint


def test_the_fingerprint_is_the_same_everywhere_and_knows_no_order_of_settings():
    key = Key("sft", {"steps": 3, "seed": 0}, "c", ("x.y",), (Key("p", {}, "c"),))
    swapped = Key("sft", {"seed": 0, "steps": 3}, "c", (), (Key("p", {}, "c"),))
    assert key.fingerprint == swapped.fingerprint == "54ef4b4a4ef4b9b1"
    assert Key.from_dict(key.as_dict()).fingerprint == key.fingerprint
