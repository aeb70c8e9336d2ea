"""Logs are read in whatever form they were printed, and nonsense is refused, never crashed on."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.names import AS_PRINTED, canonical
from rlhf_lessons.diagnostics.logs.parsing import parse
from rlhf_lessons.diagnostics.logs.trends import steady_trend


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("r(pref)", "reward_chosen"),
        ("r(dispref)", "reward_rejected"),
        ("eval_rewards/accuracies", "eval_accuracy"),
        ("held_out_loss", "eval_loss"),
        ("Val Acc", "eval_accuracy"),
        ("train_loss", "loss"),
        ("eval_epoch", "epoch"),
        ("eval_runtime", "eval_runtime"),
        ("steps_per_second", None),
        ("grad", None),
    ],
)
def test_names_are_recognised(key, name):
    assert canonical(key) == name


def test_lines_are_read_however_they_are_printed():
    names = ("epoch", "loss", "accuracy", "margin")
    for text in (
        "Epoch 3: Loss=0.5, Accuracy=35%, Margin=-2.5e-1",
        "margin -.25 | accuracy: 35 % | loss = 0.5 | epoch [3/100]",
        "Epoch 3\n  loss: 0.5\n  margin: -0.25\n  accuracy: 0.35",
        "epoch,loss,accuracy,margin\n3,0.5,35,-0.25",
        "| epoch | loss | accuracy | margin |\n|---|---|---|---|\n| 3 | 0.5 | 35% | -0.25 |",
        "epoch loss accuracy margin\n3 0.5 0.35 -0.25",
    ):
        log = parse(text)
        assert log.columns.keys() - {AS_PRINTED} == set(names) and log.series(*names) == [(3, 0.5, 0.35, -0.25)], text


@pytest.mark.parametrize("source", ["", "hello", "loss", "[]", "{}", "[1, 2]", "loss=", 7, None, [3], [], {"a": 1}])
def test_nothing_to_read_is_a_value_error(source):
    with pytest.raises(ValueError, match="log"):
        diagnose(source)


def test_steady_trend():
    assert steady_trend([1, 2, 3, 4]) == 1
    assert steady_trend([1, 2, 3]) == 0
    assert steady_trend([5, 5, 5, 5, 5]) == 0
    assert steady_trend(-np.exp(np.arange(30.0))) == -1
    assert steady_trend(np.random.default_rng(0).normal(size=500)) == 0


# Nonsense

NAMES = "loss epoch step accuracy eval_loss eval_accuracy margin stage r(pref) r(dispref) train_runtime"
SIGNS = [*"=:,|;\n\t %{}[]\"'", "epoch,loss\n"]
NUMBERS = [
    "0.69",
    "-1",
    "1e308",
    "1e400",
    "9" * 400,
    "0",
    "-0.5",
    "50%",
    "1/2",
    "1e-320",
    "nan",
    "-inf",
    "null",
]
WORDS = st.sampled_from([*NAMES.split(), *SIGNS, *NUMBERS])
VALUES = st.one_of(st.floats(), st.integers(), st.text(max_size=5), st.none(), st.booleans(), st.lists(st.integers()))
COLUMNS = """loss epoch step margin accuracy eval_loss eval_accuracy eval_n_pairs vocab_size
perplexity stage x reward_chosen reward_rejected mean_reward min_reward max_reward"""
KEYS = st.sampled_from(COLUMNS.split())


def survives(source):
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            assert diagnose(source).findings
        except ValueError:
            return


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(), st.lists(WORDS, max_size=60).map("".join)))
def test_text_of_any_kind_is_read_or_refused(text):
    survives(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=12))
def test_records_of_any_kind_are_read_or_refused(records):
    survives(records)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(KEYS, st.lists(st.floats(), min_size=8, max_size=8), min_size=1, max_size=8))
def test_columns_of_any_numbers_are_read_or_refused(columns):
    survives(pd.DataFrame(columns))


def test_deep_and_long_text_is_no_trouble():
    survives("[" * 100_000)
    survives("loss " * 50_000)
    survives("a" * 200_000 + "=1")
