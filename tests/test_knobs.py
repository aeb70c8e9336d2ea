import importlib
import inspect
import math
import pkgutil
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

import rlhf_lessons
from rlhf_lessons import knobs, program_one
from rlhf_lessons.knobs import KNOBS, Knob, Settings, TextKnob, parse
from rlhf_lessons.model.heads import HEAD_INITS

RATE = KNOBS["learning_rate"]


class Example(knobs.Settings):
    learning_rate: knobs.LearningRate = 1e-3
    epochs: knobs.Epochs
    adaptive_kl: knobs.AdaptiveKL = False
    bound: knobs.Bound = "none"


@knobs.checked
def noisy(pairs: list[int], noise: knobs.Noise, *, seed: knobs.Seed = 0) -> list[int]:
    return [*pairs, seed]


@pytest.mark.parametrize("knob", KNOBS.values(), ids=list(KNOBS))
def test_a_declaration_is_complete(knob: Knob):
    assert knob.meaning[0].isupper() and knob.meaning.endswith(".")
    if knob.kind in (int, float):
        assert knob.low < knob.high
        assert knob.check(knob.low) == knob.low and knob.check(knob.high) == knob.high
    else:
        assert not math.isfinite(knob.low) and not math.isfinite(knob.high)
        assert (knob.kind is str) == (bool(knob.choices) or isinstance(knob, TextKnob))


@pytest.mark.parametrize("knob", [k for k in KNOBS.values() if k.kind in (int, float)], ids=lambda k: k.name)
def test_the_bounds_end_where_they_say(knob: Knob):
    for beyond in (knob.low - 1, knob.high + 1, float("nan"), float("inf"), -float("inf")):
        with pytest.raises(ValueError, match=f"^{knob.name}: .* is not allowed"):
            knob.check(beyond)


def test_the_message_names_field_value_and_what_is_allowed():
    message = "learning_rate: -1 is not allowed; it must be a number from 1e-07 to 1"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        RATE.check(-1)
    with pytest.raises(ValueError, match="bound: 'best' is not allowed; it must be one of none, tanh"):
        KNOBS["bound"].check("best")
    with pytest.raises(ValueError, match="adaptive_kl: 1 is not allowed; it must be true or false"):
        KNOBS["adaptive_kl"].check(1)
    with pytest.raises(ValueError, match=r"epochs: 1.5 is not allowed; it must be a whole number from 1 to 1000"):
        KNOBS["epochs"].check(1.5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", True),
        ("epochs", 3.0),
        ("epochs", "3"),
        ("epochs", None),
        ("learning_rate", True),
        ("learning_rate", "0.1"),
        ("learning_rate", 10**400),
        ("learning_rate", 1j),
        ("adaptive_kl", "true"),
        ("adaptive_kl", 0.0),
        ("bound", 0),
        ("bound", ["none"]),
    ],
)
def test_another_kind_of_value_is_refused(name, value):
    with pytest.raises(ValueError, match=f"^{name}: "):
        KNOBS[name].check(value)


def test_check_gives_the_value_as_the_knobs_kind():
    assert isinstance(RATE.check(1), float)
    assert type(KNOBS["epochs"].check(np.int64(3))) is int
    assert type(RATE.check(np.float32(0.5))) is float
    assert KNOBS["adaptive_kl"].check(True) is True


def test_parse_reads_what_is_typed():
    assert parse("seed", "3") == 3
    assert parse("kl_coef", "0.2") == 0.2
    assert parse("learning_rate", "1e-3") == 0.001
    assert parse("adaptive_kl", "True") is True
    assert parse("adaptive_kl", "false") is False
    assert parse("bound", "tanh") == "tanh"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("seed", "3.5"),
        ("seed", ""),
        ("kl_coef", "nan"),
        ("kl_coef", "much"),
        ("adaptive_kl", "1"),
        ("noise", "0.6"),
    ],
)
def test_parse_refuses_what_check_refuses(name, text):
    with pytest.raises(ValueError, match=f"^{name}: .* is not allowed; it must be"):
        parse(name, text)


def test_parse_lists_the_known_names():
    with pytest.raises(ValueError, match=r"^learning: there is no such setting.*learning_rate"):
        parse("learning", "1")


def test_settings_are_checked_by_their_knobs():
    settings = Example(epochs=3, learning_rate=1)
    assert settings.model_dump() == {
        "learning_rate": 1.0,
        "epochs": 3,
        "adaptive_kl": False,
        "bound": "none",
    }
    with pytest.raises(ValueError, match=r"^learning_rate: -1 is not allowed; it must be a number from 1e-07 to 1$"):
        Example(epochs=3, learning_rate=-1)
    with pytest.raises(ValueError, match=r"^epochs: True is not allowed"):
        Example(epochs=True)
    with pytest.raises(ValueError, match=r"^epochs: 0 .*\nbound: 'x' "):
        Example(epochs=0, bound="x")


def test_settings_refuse_unknown_and_missing_fields():
    with pytest.raises(ValueError, match=r"^epoch: 3 has no place in Example; its fields are learning_rate, epochs,"):
        Example(epochs=3, epoch=3)
    missing = r"^epochs: Field required; it must be a whole number from 1 to 1000$"
    with pytest.raises(ValueError, match=missing):
        Example()
    with pytest.raises(ValueError, match=rf"(?m){missing}\nepoch: 3 has no place"):
        Example(epoch=3)


def test_settings_are_frozen_and_copies_are_checked():
    settings = Example(epochs=3)
    with pytest.raises(ValidationError, match="frozen"):
        settings.epochs = 4
    assert settings.model_copy(update={"epochs": 4}).epochs == 4
    assert settings.epochs == 3
    with pytest.raises(ValueError, match=r"^epochs: 0 is not allowed"):
        settings.model_copy(update={"epochs": 0})


def test_a_default_that_is_not_allowed_is_refused():
    class BadDefault(Settings):
        epochs: knobs.Epochs = 0

    with pytest.raises(ValueError, match=r"^epochs: 0 is not allowed"):
        BadDefault()


def test_checked_refuses_an_argument_that_its_knob_refuses():
    assert noisy([1], 0.5, seed=2) == [1, 2] and noisy(pairs=[], noise=0) == [0]
    for given in ({"noise": 0.6}, {"noise": True}):
        with pytest.raises(ValueError, match=r"^noise: .* is not allowed; it must be a number from 0 to 0.5$"):
            noisy([], **given)
    with pytest.raises(ValueError, match=r"^seed: -1 is not allowed"):
        noisy([], 0.1, seed=-1)
    with pytest.raises(TypeError, match="noise"):
        noisy([])


def all_settings() -> list[type[Settings]]:
    """Every class of settings in the package but for integrations, which need an extra and have none."""
    for module in pkgutil.walk_packages(rlhf_lessons.__path__, "rlhf_lessons."):
        if not module.name.startswith("rlhf_lessons.integrations."):
            importlib.import_module(module.name)
    found, new = [], [Settings]
    while new:
        new = [
            below for above in new for below in above.__subclasses__() if below.__module__.startswith("rlhf_lessons.")
        ]
        found += new
    return found


def test_each_field_of_all_settings_is_the_knob_of_its_name():
    classes = all_settings()
    assert {"PPOSettings", "RewardPlan", "ProgramOneSettings"} <= {one.__name__ for one in classes}
    for one in classes:
        for name, field in one.model_fields.items():
            # or of what stands behind its first word: the pretraining_steps of a reward model's body are steps
            known = KNOBS.get(name) or replace(KNOBS[name.partition("_")[2]], name=name)
            assert Knob.of(name, field) == known, f"{one.__name__}.{name}"
            if not field.is_required():
                known.check(field.default)


def test_every_knob_is_a_field_or_set_in_a_lab():
    fields = {name for one in all_settings() for name in one.model_fields}
    labs = [module for name, module in sys.modules.items() if name.startswith("rlhf_lessons.labs.")]
    set_in_labs = {name for lab in labs if hasattr(lab, "LAB") for name in inspect.signature(lab.compute).parameters}
    texts = {name for name, knob in KNOBS.items() if isinstance(knob, TextKnob)}  # parameters of a notebook alone
    assert KNOBS.keys() - texts <= fields | set_in_labs


def test_every_choice_names_something():
    assert KNOBS["head_init"].choices == tuple(HEAD_INITS)
    assert KNOBS["features"].choices == tuple(program_one.FEATURES)
    assert KNOBS["update"].choices == (*program_one.HAND_WRITTEN, "autograd")
