"""Every row of the table of bad inputs: refused in one line, with the right exit code, and no traceback."""

import importlib
import pkgutil
import re
import shlex

import pytest
from typer.testing import CliRunner

from rlhf_lessons.cli import app
from tests.faults import bad_inputs, box

TABLE = [
    row
    for module in pkgutil.iter_modules(bad_inputs.__path__)
    for row in importlib.import_module(f"{bad_inputs.__name__}.{module.name}").ROWS
]
COMMANDS = [row for row in TABLE if isinstance(row.ends, int)]
CALLS = [row for row in TABLE if isinstance(row.ends, str)]
NAMES = """
import math
from pathlib import Path
import numpy as np, pandas as pd, torch
from rlhf_lessons import knobs, pipeline, program_one, reruns, store
from rlhf_lessons.diagnostics.doctor import fault_bank
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.labs import five_pairs, label_pairs, program_one as lab_program_one
from rlhf_lessons.model.gpt import GPT, GPTConfig
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.objectives import advantage, direct, kl, likelihood, policy, preference
from rlhf_lessons.pipeline import ensure
from rlhf_lessons.real.model import load as load_model
from rlhf_lessons.stages.ppo import PPOSettings
from rlhf_lessons.statistics import fits, intervals
from rlhf_lessons.sweeps import kept, reward_models
from rlhf_lessons.world import annotators, cases, datasets, tokenizer

one, tiny = torch.zeros(1), GPT(GPTConfig(20, layers=1, heads=2, width=16), seed=0)
"""
VARIABLE = re.compile("[A-Z_]+=")  # set for the command, as in a shell
PARAMETERS = re.compile(
    r"parameters of \w+:|  \w+ = .*"
)  # the list that follows where a notebook has no such parameter


@pytest.fixture(scope="module")
def full_box(tmp_path_factory):
    folder = tmp_path_factory.mktemp("box")
    box.fill(folder)
    return folder


@pytest.fixture(scope="module")
def names():
    known = {}
    exec(NAMES, known)
    return known


def fits(line: str, said: str, folder) -> bool:
    pattern = ".*".join(map(re.escape, line.replace("BOX", str(folder)).split("...")))
    return re.fullmatch(pattern, said) is not None


def test_the_table_says_nothing_twice():
    assert len({row.given for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("row", COMMANDS, ids=lambda row: row.given[:70])
def test_a_bad_command_is_refused_in_one_line(row, full_box, tmp_path, monkeypatch, tally):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "1000")
    words = [word.replace("BOX", str(full_box)) for word in shlex.split(row.given)]
    while VARIABLE.match(words[0]):
        monkeypatch.setenv(*words.pop(0).split("="))
    result = CliRunner().invoke(app, words)
    assert result.exit_code == row.ends and (result.exception is None or isinstance(result.exception, SystemExit))
    first, *others = result.stderr.splitlines()
    assert fits(row.line, first, full_box), first
    assert all(PARAMETERS.fullmatch(other) for other in others), result.stderr
    tally("bad inputs refused")


@pytest.mark.parametrize("row", CALLS, ids=lambda row: row.given)
def test_a_bad_call_is_refused_in_one_line(row, full_box, names, tally):
    with pytest.raises(Exception) as caught:
        eval(row.given.replace("BOX", str(full_box)), names)
    assert caught.typename == row.ends and "\n" not in str(caught.value)
    assert fits(row.line, str(caught.value), full_box), str(caught.value)
    tally("bad inputs refused")
