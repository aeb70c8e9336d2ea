"""Random damage and nonsense: whatever the log reader is given, it reads or refuses in one line."""

import json
import os
import random
import warnings

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlhf_lessons import files
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.parsing import split_stages
from rlhf_lessons.diagnostics.logs.seed_log import LOG
from tests.diagnostics.logs.forms import SAMPLES
from tests.faults.conftest import LONG_VARIABLE

GOOD = [
    LOG.read_bytes(),
    b"\n".join(b"epoch %d: loss=0.%d, accuracy=5%d%%, r(pref)=-1.96" % (n, 70 - n, n) for n in range(1, 9)),
    json.dumps([{"step": n, "loss": 0.7 - n / 50, "eval_accuracy": 0.8} for n in range(9)]).encode(),
    json.dumps({"log_history": [{"epoch": n / 9, "rewards/margins": n / 5} for n in range(9)]}, indent=1).encode(),
    "\ufeffstage;epoch;loss\nsft;1;0,5\nsft;2;0,4\n".encode(),
    "| step | loss | accuracy |\n|---|---|---|\n| 1 | 0.69 | 50 % |\n".encode("utf-16"),
]
SCRAPS = [
    b"",
    b"\0",
    b"\xff",
    b'"',
    b"'",
    b",",
    b";",
    b"\n",
    b"\r",
    b"\t",
    b"{",
    b"}",
    b"[",
    b"]",
    b"-",
    b"nan",
    b"1e999",
]
SCRAPS += [
    b"stage",
    b"loss",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\x1b[2J",
    b"9" * 400,
    b"[" * 2_000,
    "\u202e\u2028µ".encode(),
]
IS_LONG = os.environ.get(LONG_VARIABLE) == "1"
RANDOM = settings(max_examples=750 if IS_LONG else 250, deadline=None, derandomize=True)


@st.composite
def damaged(draw):
    """A good log, some parts of it replaced, doubled, moved or cut off."""
    log = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        first, last = sorted(draw(st.integers(0, len(log))) for _ in range(2))
        middle = draw(st.sampled_from([*SCRAPS, log[first:last] * 2, log[:first]]))
        log = log[:first] + middle + log[draw(st.sampled_from([first, last])) :]
    return log[: draw(st.sampled_from([len(log), len(log) // 2]))]


def answers(source):
    """Diagnosed or refused by ValueError in one printable line; all else fails. Returns what was said."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warnings.simplefilter("ignore", files.GuessedEncodingWarning)
        try:
            return {stage: str(diagnose(log)) for stage, log in split_stages(source).items()}
        except ValueError as error:
            assert str(error).isprintable() and str(error).startswith(("log: ", "stage: ", "column: ", "file: "))


@RANDOM
@given(damaged())
def test_damaged_logs_are_read_or_refused(content):
    found = answers(content)
    if found is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", files.GuessedEncodingWarning)
            assert answers(files.decode(content)) == found


@RANDOM
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_bytes_and_text_of_any_kind_are_read_or_refused(content):
    answers(content)


NAMES = st.sampled_from(["loss", "stage", "step", "eval_accuracy", "margin", "\ufeffstage", "Loss ", "log_history"])
KEYS = st.one_of(NAMES, st.text(max_size=4), st.integers(), st.none(), st.tuples(NAMES, NAMES), st.binary(max_size=3))
LEAVES = st.one_of(
    st.floats(),
    st.integers(),
    st.text(max_size=5),
    st.none(),
    st.booleans(),
    st.builds(pow, st.just(10), st.just(5_000)),
)
VALUES = st.recursive(LEAVES, lambda some: st.lists(some, max_size=3) | st.dictionaries(KEYS, some, max_size=3))
RECORDS = st.lists(st.dictionaries(KEYS, VALUES, max_size=5), max_size=6)


@RANDOM
@given(st.one_of(RECORDS, RECORDS.map(iter), VALUES, st.dictionaries(st.just("log_history"), VALUES)))
def test_records_of_any_kind_are_read_or_refused(records):
    answers(records)


@RANDOM
@given(st.lists(KEYS, max_size=5), st.lists(LEAVES, min_size=5, max_size=5), st.integers(0, 4))
def test_frames_of_any_kind_are_read_or_refused(keys, values, height):
    answers(pd.DataFrame([values[: len(keys)]] * height, columns=pd.Index(keys, dtype=object, tupleize_cols=False)))


# The same for every form that trainers print, in a loop that is quicker than hypothesis

MUTATIONS = 100_000 if IS_LONG else 1_500  # over all forms
SIGNS = [*"{}[]()<>|,;:='\"\\#%-+._ \t\n\r/", "nan", "-inf", "1e999", "9" * 400, "loss", "eval_", "stage", "step: 1 "]
SIGNS += [
    " - ",
    "</td>",
    "<table>",
    "|---|---|",
    "{'loss': ",
    "[rank1]: ",
    "\x1b[31m",
    "\u2028",
    "µ",
    "\ufeff",
    "10%|#| 1/9 [",
]
TEXTS = [sample.text for sample in SAMPLES.values()]


def mutated(text, draw):
    """Up to six characters or stretches of a text replaced, doubled, moved or removed; or a piece of another form."""
    for _ in range(draw.randint(1, 6)):
        first, last = sorted(draw.randint(0, len(text)) for _ in range(2))
        last = min(last, first + draw.choice([0, 1, 1, 3, 40]))
        other = draw.choice(TEXTS)
        middle = draw.choice(
            [draw.choice(SIGNS), text[first:last] * 2, "", other[first : first + 60], text[last:first:-1]]
        )
        text = text[:first] + middle + text[last:]
    return text[: draw.choice([len(text), len(text), len(text) // 2])]


@pytest.mark.parametrize("name", SAMPLES)
def test_each_form_is_read_or_refused_however_it_was_damaged(name, tally):
    draw = random.Random(name)
    count = -(-MUTATIONS // len(SAMPLES))
    for _ in range(count):
        text = mutated(SAMPLES[name].text, draw)
        try:
            answers(
                text if draw.random() < 0.8 else text.encode(draw.choice(["utf-8", "utf-16", "latin-1"]), "replace")
            )
        except Exception as error:
            raise AssertionError(ascii(text)) from error
    tally("mutated logs read or refused", count)
