"""Every value a learner may set, declared once: its kind, its bounds, its unit and what it means.

A knob is a type. `learning_rate: knobs.LearningRate = 5e-4` names it at the field of a stage's settings. Pydantic's
own Annotated carries it: mypy sees a plain float, pydantic checks it without a hook of ours, and settings depend on
the knobs that they name and on no others. Sliders, the check of a notebook's parameters and the command line's help
read the table `KNOBS`, which is made from these types. Nothing else in the course states what a knob allows.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, wraps
from numbers import Integral, Real
from typing import Annotated, Any, Literal, ParamSpec, Self, TypeVar, get_args, get_origin

from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    TypeAdapter,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from rlhf_lessons.refusals import shown

Value = bool | int | float | str
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Slider:
    """How a slider shows a number: with which unit, and whether on a logarithmic scale."""

    unit: str = ""
    log: bool = False


def _python_number(value: Any) -> Any:
    """A number of NumPy as Python's own: the strict types of pydantic accept no other."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


# Strict: a bool or a text is no number, though a whole number is accepted for a float.
Whole = Annotated[int, Strict(), BeforeValidator(_python_number)]
Number = Annotated[float, Strict(), AllowInfNan(False), BeforeValidator(_python_number)]

# The data.
Seed = Annotated[
    Whole,
    Field(
        ge=0,
        le=2**31 - 1,
        description="Starts every random draw; same seed, machine and number of threads: the same result.",
    ),
]
NNotes = Annotated[
    Whole,
    Field(ge=1, le=200_000, description="How many notes the pretraining corpus holds."),
    Slider("notes", log=True),
]
CarefulShare = Annotated[
    Number, Field(ge=0.0, le=1.0, description="Share of the corpus written with care."), Slider("share")
]
PopularShare = Annotated[
    Number,
    Field(ge=0.0, le=1.0, description="Share of facts on which a loose wrong saying is heard more than the truth."),
    Slider("share"),
]
NDemonstrations = Annotated[
    Whole, Field(ge=1, le=20_000, description="How many expert answers SFT imitates."), Slider("texts", log=True)
]
CarelessShare = Annotated[
    Number, Field(ge=0.0, le=1.0, description="Share of demonstrations written without care."), Slider("share")
]
BlindShare = Annotated[
    Number,
    Field(ge=0.0, le=1.0, description="Share of demonstrations that shrug, in the experts' blind spots."),
    Slider("share"),
]
NPairs = Annotated[
    Whole,
    Field(ge=1, le=50_000, description="How many comparisons the reward model learns from."),
    Slider("pairs", log=True),
]
Members = Annotated[
    Whole, Field(ge=1, le=8, description="How many reward models score an answer together."), Slider("reward models")
]
Combination = Annotated[
    Literal["mean", "worst", "uncertainty"], Field(description="What an ensemble makes of its members' scores.")
]
Noise = Annotated[
    Number,
    Field(ge=0.0, le=0.5, description="Share of preferences that are flipped; 0.5 is a coin."),
    Slider("share"),
]
AnnotatorTemperature = Annotated[
    Number, Field(ge=0.0, le=5.0, description="How much annotators disagree: 0 never; the unit is a rubric score.")
]
LengthBias = Annotated[
    Number, Field(ge=0.0, le=5.0, description="What ten more words are worth to annotators, in rubric scores.")
]
SampledShare = Annotated[
    Number, Field(ge=0.0, le=1.0, description="Share of pairs whose answers the SFT model wrote."), Slider("share")
]

# The model.
Layers = Annotated[Whole, Field(ge=1, le=12, description="How many transformer blocks are stacked."), Slider("blocks")]
Heads = Annotated[
    Whole,
    Field(ge=1, le=16, description="How many attention heads share the width; they must divide it."),
    Slider("heads"),
]
Width = Annotated[
    Whole,
    Field(ge=8, le=1_024, description="How many numbers describe a token inside the model."),
    Slider("numbers", log=True),
]
HeadInit = Annotated[Literal["normal", "xavier", "he"], Field(description="How a new head's weights are spread.")]
HeadInitScale = Annotated[Number, Field(ge=0.0, le=100.0, description="Factor on the reward head's first weights.")]
RewardOffset = Annotated[
    Number, Field(ge=-100.0, le=100.0, description="Where the reward head's bias starts."), Slider("reward")
]
Bound = Annotated[Literal["none", "tanh"], Field(description="What keeps the reward in bounds.")]
BoundScale = Annotated[
    Number,
    Field(ge=0.01, le=100.0, description="The largest reward that a tanh bound lets through."),
    Slider("reward", log=True),
]

# Program 1.
Update = Annotated[
    Literal["as_logged", "sign_fixed", "bias_cancelled", "both_fixed", "autograd"],
    Field(description="How program 1 steps: its logged faults, or without them."),
]
Features = Annotated[Literal["histogram", "words"], Field(description="What program 1 sees of an answer.")]
WeightScale = Annotated[Number, Field(ge=0.0, le=10.0, description="Spread of program 1's first weights.")]

# Every training.
LearningRate = Annotated[
    Number, Field(ge=1e-7, le=1.0, description="How far one optimiser step goes."), Slider(log=True)
]
BatchSize = Annotated[
    Whole,
    Field(ge=1, le=4_096, description="How many examples one optimiser step looks at."),
    Slider("examples", log=True),
]
Steps = Annotated[
    Whole, Field(ge=1, le=20_000, description="How many optimiser steps a training takes."), Slider("steps", log=True)
]
Epochs = Annotated[
    Whole,
    Field(ge=1, le=1_000, description="How often a training goes through all of its data."),
    Slider("passes", log=True),
]
WeightDecay = Annotated[
    Number, Field(ge=0.0, le=1.0, description="How strongly each step pulls the weights towards zero.")
]
GradClip = Annotated[
    Number,
    Field(ge=0.001, le=1_000.0, description="Longest gradient a step follows; longer ones are cut."),
    Slider(log=True),
]
CenterCoef = Annotated[
    Number, Field(ge=0.0, le=10.0, description="Price of pairs whose two rewards do not add up to zero.")
]

# PPO.
Updates = Annotated[
    Whole,
    Field(ge=1, le=1_000, description="How often PPO samples answers and learns from them."),
    Slider("updates", log=True),
]
RolloutSize = Annotated[
    Whole,
    Field(ge=2, le=4_096, description="How many answers are sampled for one update."),
    Slider("answers", log=True),
]
MinibatchSize = Annotated[
    Whole,
    Field(ge=1, le=4_096, description="How many of them one optimiser step looks at."),
    Slider("answers", log=True),
]
PPOEpochs = Annotated[
    Whole, Field(ge=1, le=20, description="How often an update goes through its answers."), Slider("passes")
]
Temperature = Annotated[
    Number, Field(ge=0.0, le=5.0, description="Freedom in drawing the next word; 0 takes the likeliest.")
]
MaxNewTokens = Annotated[
    Whole, Field(ge=1, le=256, description="The longest answer that is sampled."), Slider("tokens", log=True)
]
KLCoef = Annotated[
    Number, Field(ge=0.0, le=10.0, description="Price of moving away from the SFT model."), Slider("reward per nat")
]
AdaptiveKL = Annotated[StrictBool, Field(description="Whether the price of KL is steered towards kl_target.")]
KLTarget = Annotated[
    Number,
    Field(ge=0.01, le=100.0, description="KL per answer that an adaptive price steers to."),
    Slider("nats", log=True),
]
KLHorizon = Annotated[
    Whole,
    Field(ge=1, le=1_000_000, description="Answers an adaptive price takes to react."),
    Slider("answers", log=True),
]
KLStop = Annotated[
    Number,
    Field(ge=0.0001, le=1_000.0, description="KL per token, from the sampler, that ends an update."),
    Slider("nats", log=True),
]
ClipRange = Annotated[Number, Field(ge=0.01, le=1.0, description="How far from 1 the probability ratio still counts.")]
ValueClipRange = Annotated[
    Number,
    Field(ge=0.01, le=100.0, description="How far an update may move the critic's values."),
    Slider("reward", log=True),
]
Gamma = Annotated[Number, Field(ge=0.0, le=1.0, description="Worth of a reward one token later.")]
GAELambda = Annotated[Number, Field(ge=0.0, le=1.0, description="Trust in sampled rewards (1) or in the critic (0).")]
MissingEOSPenalty = Annotated[
    Number, Field(ge=0.0, le=10.0, description="Taken off the score of an answer without end."), Slider("reward")
]

# Without a reward model or without a critic.
DirectLoss = Annotated[Literal["dpo", "ipo"], Field(description="Which loss learns from pairs directly.")]
Beta = Annotated[
    Number,
    Field(ge=0.001, le=10.0, description="Price of moving away from the reference, in DPO and IPO."),
    Slider("reward per nat", log=True),
]
LabelSmoothing = Annotated[
    Number, Field(ge=0.0, le=0.49, description="Share of labels that DPO takes to be flipped."), Slider("share")
]
GroupSize = Annotated[
    Whole,
    Field(ge=2, le=256, description="How many answers to one prompt are compared with one another."),
    Slider("answers", log=True),
]
Baseline = Annotated[
    Literal["others", "group"],
    Field(description="What an answer's reward is compared with: the other answers' mean, or that of the whole group."),
]
ScaleBySpread = Annotated[
    StrictBool, Field(description="Whether advantages are divided by the spread of their group's rewards.")
]
ScaleByLength = Annotated[StrictBool, Field(description="Whether every answer weighs alike, whatever its length.")]
KLIn = Annotated[
    Literal["reward", "loss"], Field(description="Where the price of KL is paid: off the reward, or in the loss.")
]
BestOf = Annotated[
    Whole,
    Field(ge=1, le=256, description="How many answers are sampled of which the best is imitated."),
    Slider("answers", log=True),
]

# A real model (notebook 10).
Model = Annotated[
    str,
    Field(description="Folder of a real model; empty for the one that `make real` installs."),
]


@dataclass(frozen=True)
class Knob:
    """A knob's type taken apart, under the name of a setting: for sliders, for words, and to check one value.

    `kind` is bool, int, float or str. `low` and `high` bound a number and are both allowed; a str must be one of
    `choices`. `log` asks a slider for a logarithmic scale.
    """

    name: str
    kind: type = str
    meaning: str = ""
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    log: bool = False

    @classmethod
    def of(cls, name: str, field: FieldInfo) -> Self:
        """The knob that is the type of a field, or of `FieldInfo.from_annotation(a type of this file)`."""
        kind: Any = field.annotation
        choices = get_args(kind)  # of a Literal
        bounds = {side: getattr(mark, side) for mark in field.metadata for side in ("ge", "le") if hasattr(mark, side)}
        slider = next((mark for mark in field.metadata if isinstance(mark, Slider)), Slider())
        return cls(
            name,
            kind=str if choices else kind,
            meaning=field.description or "",
            choices=choices,
            low=bounds.get("ge", -math.inf),
            high=bounds.get("le", math.inf),
            unit=slider.unit,
            log=slider.log,
        )

    @property
    def allowed(self) -> str:
        """What the knob accepts, in words that end the sentence "it must be"."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.kind is bool:
            return "true or false"
        if self.kind is float:
            return f"a number from {self.low:g} to {self.high:g}"
        return f"a whole number from {self.low} to {self.high}"

    def refusal(self, value: Any) -> str:
        """One line for a value that is not allowed."""
        return f"{self.name}: {shown(value)} is not allowed; it must be {self.allowed}"

    def check(self, value: Any) -> Value:
        """`value` as this knob's kind. Raises ValueError if it is of another kind or out of bounds.

        A bool is not a number; a whole number is accepted for a float; NaN and infinity are out of bounds.
        """
        try:
            return self._adapter.validate_python(value)
        except ValidationError:
            raise ValueError(self.refusal(value)) from None

    def parse(self, text: str) -> Value:
        """What a typed `text` means for this knob. Raises ValueError as `check` does."""
        try:
            value = {"true": True, "false": False}[text.lower()] if self.kind is bool else self.kind(text)
        except (KeyError, ValueError):
            value = text  # it does not read as the knob's kind, so check refuses it
        return self.check(value)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        """Pydantic's check, made from the fields here because a lab may have narrowed them."""
        allowed: Any = Literal[self.choices]
        if not self.choices:
            kind = {bool: StrictBool, int: Whole, float: Number}[self.kind]
            allowed = Annotated[kind, Field(ge=self.low, le=self.high)]
        return TypeAdapter(allowed)


class TextKnob(Knob):
    """A knob that takes any text, such as the name of a folder."""

    @property
    def allowed(self) -> str:
        return "a text"

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(Annotated[str, Strict()])


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """`function`, refusing an argument that the knob of its parameter refuses: a decorator.

    A parameter has a knob if its annotation is a type of this file. Raises ValueError as `Knob.check` does.
    """
    signature = inspect.signature(function)
    knobs = [
        Knob.of(parameter.name, FieldInfo.from_annotation(parameter.annotation))
        for parameter in signature.parameters.values()
        if get_origin(parameter.annotation) is Annotated
    ]

    @wraps(function)
    def checking(*args: P.args, **kwargs: P.kwargs) -> R:
        given = signature.bind(*args, **kwargs).arguments
        for knob in knobs:
            if knob.name in given:
                knob.check(given[knob.name])
        return function(*args, **kwargs)

    return checking


class Settings(BaseModel):
    """Frozen settings of a stage. The type of each field is a knob, which checks its default and every value given.

    Wrong fields and values raise ValueError, one line each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    def __init__(self, **values: Any):
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ValueError("\n".join(map(self._line, error.errors()))) from None

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """The same settings with some fields changed. Unlike in pydantic itself, the changes are checked."""
        return type(self)(**{**self.model_dump(), **(update or {})})

    @classmethod
    def _line(cls, error: ErrorDetails) -> str:
        """One of pydantic's errors in the course's words."""
        name, fields = str(error["loc"][0]), cls.model_fields
        if name not in fields:
            return f"{name}: {shown(error['input'])} has no place in {cls.__name__}; its fields are {', '.join(fields)}"
        knob = Knob.of(name, fields[name])
        if error["type"] == "missing":
            return f"{name}: Field required; it must be {knob.allowed}"
        return knob.refusal(error["input"])


def _declared(names: Mapping[str, Any]) -> Iterator[Knob]:
    """The knobs among a module's names: a described type NPairs is the knob n_pairs."""
    for name, annotation in names.items():
        field = FieldInfo.from_annotation(annotation) if get_origin(annotation) is Annotated else FieldInfo()
        if field.description:
            words = re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
            yield (TextKnob if field.annotation is str else Knob).of(words.lower(), field)


KNOBS: Mapping[str, Knob] = {knob.name: knob for knob in _declared(dict(globals()))}


def find(name: str) -> Knob:
    """The knob called `name`. Raises ValueError with the list of all knobs if there is none."""
    if name not in KNOBS:
        raise ValueError(f"{name}: there is no such setting; it must be one of {', '.join(sorted(KNOBS))}")
    return KNOBS[name]


def parse(name: str, text: str) -> Value:
    """What `text`, typed on a command line, sets the knob `name` to. Raises ValueError as `check` does."""
    return find(name).parse(text)
