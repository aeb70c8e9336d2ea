"""Every value a learner may set, declared once: its kind, its bounds, its unit and what it means.

Sliders, the check of a notebook's parameters, the command line's help and the settings of every trainer
read this table; nothing else in the course states a bound.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from numbers import Integral, Real
from string import ascii_uppercase
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator, model_validator

Value = bool | int | float | str

NOUNS = {bool: "true or false", int: "a whole number", float: "a number"}


@dataclass(frozen=True)
class Knob:
    """A value that may be set.

    `kind` is the type bool, int, float or str. `low` and `high` bound a number and are both allowed; a str
    must be one of `choices`. `log` asks a slider for a logarithmic scale.
    """

    name: str
    kind: type
    low: float | None
    high: float | None
    unit: str
    meaning: str
    log: bool = False
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What the knob accepts, in words that end the sentence "it must be"."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.kind is bool:
            return NOUNS[bool]
        form = "g" if self.kind is float else "d"
        return f"{NOUNS[self.kind]} from {self.low:{form}} to {self.high:{form}}"

    def check(self, value: Any) -> Value:
        """`value` as this knob's kind. Raises ValueError if it is of another kind or out of bounds.

        A bool is not a number; a whole number is accepted for a float; NaN and infinity are out of bounds.
        """
        if not self._accepts(value):
            raise ValueError(f"{self.name}: {value!r} is not allowed; it must be {self.allowed}")
        return self.kind(value)

    def _accepts(self, value: Any) -> bool:
        if self.kind is str:
            return isinstance(value, str) and value in self.choices
        if self.kind is bool or isinstance(value, bool):
            return self.kind is bool and isinstance(value, bool)
        return isinstance(value, Integral if self.kind is int else Real) and self.low <= value <= self.high


_log = partial(Knob, log=True)

_COMBINATIONS = ("mean", "worst", "uncertainty")
_DATA = [
    Knob("seed", int, 0, 2**31 - 1, "", "Starts every random draw; the same seed gives the same result."),
    _log("n_notes", int, 1, 200_000, "notes", "How many notes the pretraining corpus holds."),
    Knob("careful_share", float, 0.0, 1.0, "share", "Share of the corpus written with care."),
    _log("n_demonstrations", int, 1, 20_000, "texts", "How many expert answers SFT imitates."),
    Knob("careless_share", float, 0.0, 1.0, "share", "Share of demonstrations written in a hurry."),
    _log("n_pairs", int, 1, 50_000, "pairs", "How many comparisons the reward model learns from."),
    Knob("members", int, 1, 8, "reward models", "How many reward models score an answer together."),
    Knob("combination", str, None, None, "", "What an ensemble makes of its members' scores.", choices=_COMBINATIONS),
    Knob("noise", float, 0.0, 0.5, "share", "Share of preferences that are flipped; 0.5 is a coin."),
    Knob("sampled_share", float, 0.0, 1.0, "share", "Share of pairs whose answers the SFT model wrote."),
]

_UPDATES = ("as_logged", "sign_fixed", "bias_cancelled", "both_fixed", "autograd")
_MODEL = [
    _log("vocab_size", int, 4, 50_257, "tokens", "How many different tokens the model knows."),
    _log("context", int, 8, 1_024, "tokens", "The longest sequence the model can read."),
    Knob("layers", int, 1, 12, "blocks", "How many transformer blocks are stacked."),
    Knob("heads", int, 1, 16, "heads", "How many attention heads share the width; they must divide it."),
    _log("width", int, 8, 1_024, "numbers", "How many numbers describe a token inside the model."),
    Knob("head_init", str, None, None, "", "How a new head's weights are spread.", choices=("normal", "xavier", "he")),
    Knob("head_init_scale", float, 0.0, 100.0, "", "Factor on the reward head's first weights."),
    Knob("reward_offset", float, -100.0, 100.0, "reward", "Where the reward head's bias starts."),
    Knob("bound", str, None, None, "", "What keeps the reward in bounds.", choices=("none", "tanh")),
    _log("bound_scale", float, 0.01, 100.0, "reward", "The largest reward that a tanh bound lets through."),
]

_PROGRAM_ONE = [
    Knob(
        "update",
        str,
        None,
        None,
        "",
        "How program 1 steps: its logged faults, or without them.",
        choices=_UPDATES,
    ),
    Knob("features", str, None, None, "", "What program 1 sees of an answer.", choices=("histogram", "words")),
    Knob("weight_scale", float, 0.0, 10.0, "", "Spread of program 1's first weights."),
]

_CAUSES = (
    *("wrong-way update", "common-mode drift", "learning rate too high", "learning rate too small"),
    *("saturated head", "normalisation after the head", "large head scale", "inverted labels"),
    *("read-out off the last token", "identical pairs", "length shortcut", "train-test leak"),
)
_FAULT_BANK = [
    Knob("patient", str, None, None, "", "Which reward model of the fault bank.", choices=tuple(ascii_uppercase)),
    Knob("guess", str, None, None, "", "What ails this reward model.", choices=("not yet", *_CAUSES, "healthy")),
    Knob(
        "consult",
        str,
        None,
        None,
        "",
        "Who helps: a colleague names three suspects, the laboratory measures, the doctor concludes after a guess.",
        choices=("nobody", "a colleague", "the laboratory", "the doctor"),
    ),
]

_TRAINING = [
    _log("learning_rate", float, 1e-7, 1.0, "", "How far one optimiser step goes."),
    _log("batch_size", int, 1, 4_096, "examples", "How many examples one optimiser step looks at."),
    _log("steps", int, 1, 20_000, "steps", "How many optimiser steps a training takes."),
    _log("epochs", int, 1, 1_000, "passes", "How often a training goes through all of its data."),
    Knob("weight_decay", float, 0.0, 1.0, "", "How strongly each step pulls the weights towards zero."),
    _log("grad_clip", float, 0.001, 1_000.0, "", "Longest gradient a step follows; longer ones are cut."),
    Knob("center_coef", float, 0.0, 10.0, "", "Price of pairs whose two rewards do not add up to zero."),
]

_REWARD_MODELS = ("broken", "pairs_20", "pairs_200", "pairs_2000", "full", "gold")
_PPO = [
    Knob("reward_model", str, None, None, "", "Who scores PPO's answers.", choices=_REWARD_MODELS),
    _log("updates", int, 1, 1_000, "updates", "How often PPO samples answers and learns from them."),
    _log("rollout_size", int, 2, 4_096, "answers", "How many answers are sampled for one update."),
    _log("minibatch_size", int, 1, 4_096, "answers", "How many of them one optimiser step looks at."),
    Knob("ppo_epochs", int, 1, 20, "passes", "How often an update goes through its answers."),
    Knob("temperature", float, 0.0, 5.0, "", "Freedom in drawing the next word; 0 takes the likeliest."),
    _log("max_new_tokens", int, 1, 256, "tokens", "The longest answer that is sampled."),
    Knob("kl_coef", float, 0.0, 10.0, "reward per nat", "Price of moving away from the SFT model."),
    Knob("adaptive_kl", bool, None, None, "", "Whether the price of KL is steered towards kl_target."),
    _log("kl_target", float, 0.01, 100.0, "nats", "KL per answer that an adaptive price steers to."),
    _log("kl_horizon", int, 1, 1_000_000, "answers", "Answers an adaptive price takes to react."),
    _log("kl_stop", float, 0.0001, 1_000.0, "nats", "KL per token, from the sampler, that ends an update."),
    Knob("clip_range", float, 0.01, 1.0, "", "How far from 1 the probability ratio still counts."),
    _log("value_clip_range", float, 0.01, 100.0, "reward", "How far an update may move the critic's values."),
    Knob("value_coef", float, 0.0, 10.0, "", "Weight of the critic's loss beside the policy's."),
    Knob("entropy_coef", float, 0.0, 1.0, "", "Bonus for keeping the choice of the next word open."),
    Knob("gamma", float, 0.0, 1.0, "", "Worth of a reward one token later."),
    Knob("gae_lambda", float, 0.0, 1.0, "", "Trust in sampled rewards (1) or in the critic (0)."),
    Knob("missing_eos_penalty", float, 0.0, 10.0, "reward", "Taken off the score of an answer without end."),
]

KNOBS: dict[str, Knob] = {knob.name: knob for knob in [*_DATA, *_MODEL, *_PROGRAM_ONE, *_FAULT_BANK, *_TRAINING, *_PPO]}


def find(name: str) -> Knob:
    """The knob called `name`. Raises ValueError with the list of all knobs if there is none."""
    if name not in KNOBS:
        raise ValueError(f"{name}: there is no such setting; it must be one of {', '.join(sorted(KNOBS))}")
    return KNOBS[name]


def parse(name: str, text: str) -> Value:
    """What `text`, typed on a command line, sets the knob `name` to. Raises ValueError as `check` does."""
    knob = find(name)
    try:
        value = {"true": True, "false": False}[text.lower()] if knob.kind is bool else knob.kind(text)
    except (KeyError, ValueError):
        value = text  # it does not read as the knob's kind, so check refuses it
    return knob.check(value)


class Settings(BaseModel):
    """Frozen settings of a stage. Each field is a knob, which checks its default and every value given.

    Wrong fields and values raise ValueError, one line each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ValueError("\n".join(map(_sentence, error.errors()))) from None

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        for name, field in cls.model_fields.items():
            knob = find(name)
            if not field.is_required():
                knob.check(field.get_default())

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, values: Mapping[str, Any]) -> Mapping[str, Any]:
        known = ", ".join(cls.model_fields)
        for name, value in values.items():
            if name not in cls.model_fields:
                raise ValueError(f"{name}: {value!r} has no place in {cls.__name__}; its fields are {known}")
        return values

    @field_validator("*", mode="before")
    @classmethod
    def _check_field(cls, value: Any, info: ValidationInfo) -> Value:
        return find(info.field_name).check(value)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The same settings with some fields changed. Unlike in pydantic itself, the changes are checked."""
        return type(self)(**{**self.model_dump(), **(update or {})})


def _sentence(error: Any) -> str:
    """One pydantic error as a line that starts with the field's name."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
