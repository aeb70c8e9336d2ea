"""Lab of notebooks 03 and 05: a transformer reward model, which the three knobs do break, and do mend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rlhf_lessons import pipeline
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab, Question
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch
from rlhf_lessons.labs.frame.wording import CHANCE, LN_2, trend
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.reward import RewardSettings, evaluate, train_reward
from rlhf_lessons.world.datasets import curated_pairs, encode_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer

STEPS = 100  # with 20 pairs, which make one batch, these are the document's 100 epochs
LARGEST_BATCH = 64
LOOKS = 10  # how often the tuning pairs are scored on the way
TUNING_PAIRS = 100


@dataclass(frozen=True)
class Run:
    """One training: a record a step, and some of them with held_out_ metrics, here of the tuning cases."""

    records: Sequence[Record]
    n_steps: int

    @property
    def checked(self) -> list[Record]:
        return [record for record in self.records if "held_out_accuracy" in record]


def compute(
    learning_rate: float = 1e-3,
    head_init_scale: float = 0.0,
    reward_offset: float = 0.0,
    n_pairs: int = 20,
    bound: str = "none",
    seed: int = 0,
    watch: Watch | None = None,
    body: GPT | None = None,
) -> Run:
    """Train a reward model for about 100 steps on the pretrained model (or on a copy of `body`).

    Pairs come from the train cases; the tuning cases check it.
    """
    body = body or pipeline.ensure("pretrained", progress=False).model
    model = RewardModel.from_policy(
        body, head_init_scale=head_init_scale, reward_offset=reward_offset, bound=bound, seed=seed
    )
    pairs, tuning = (
        encode_pairs(course_tokenizer(), curated_pairs(n, split, seed=seed))
        for n, split in ((n_pairs, "train"), (TUNING_PAIRS, "tuning"))
    )
    batch_size = min(n_pairs, LARGEST_BATCH)
    steps_an_epoch = -(-n_pairs // batch_size)
    epochs = -(-STEPS // steps_an_epoch)
    run = Run([], epochs * steps_an_epoch)

    def on_step(record: Record) -> None:
        check = record["step"] == 1 or record["step"] % (run.n_steps // LOOKS) == 0
        extra = evaluate(model, tuning) if check else {}
        run.records.append(record | {f"held_out_{name}": value for name, value in extra.items()})
        if watch:
            watch(run, len(run.records) / run.n_steps)

    settings = RewardSettings(learning_rate=learning_rate, epochs=epochs, batch_size=batch_size, seed=seed)
    train_reward(model, pairs, settings, on_step)
    return run


def draw(result: Run, canvas: Canvas) -> None:
    """Loss against chance, rewards with their margin, and accuracy on training and tuning pairs."""
    panels = [
        ("Loss (nats)", "loss", {"training": "loss", "tuning": "held_out_loss"}, (0.0, LN_2)),
        ("Rewards", "reward", {"chosen": "reward_chosen", "rejected": "reward_rejected"}, (0.0,)),
        (
            "Ranked right",
            "share of pairs",
            {"training": "accuracy", "tuning": "held_out_accuracy"},
            (0.0, 1.0),
        ),
    ]
    for panel, (title, unit, lines, must_show) in enumerate(panels):
        shown = [record[name] for name in lines.values() for record in result.records if name in record]
        canvas.axis(panel, title, "step", unit, (0, result.n_steps), canvas.fit(panel, shown, *must_show))
        for look, (name, metric) in enumerate(lines.items()):
            points = [(record["step"], record[metric]) for record in result.records if metric in record]
            canvas.curve(panel, name, *zip(*points, strict=True), look)
    canvas.level(0, LN_2, CHANCE)
    canvas.level(2, 0.5, "a coin")


def verdict(result: Run) -> str:
    """What the curves say of this reward model."""
    last, checked = result.records[-1], result.checked[-1]
    loss = trend(result.records[0]["loss"], last["loss"], 0.005)
    own, new = last["accuracy"], checked["held_out_accuracy"]
    ranked = f"It ranks {own:.0%} of its own pairs right, {new:.0%} of new ones."
    return f"Training loss {loss}, margin {last['margin']:.2f}. {ranked} {_state(last, checked)}"


def _state(last: Record, checked: Record) -> str:
    if abs(last["margin"]) < 0.05:
        return "The rewards move together and tell nothing apart: it has not learned."
    if checked["held_out_loss"] > LN_2:
        return "On new pairs its loss is worse than a coin's: confident and wrong."
    if last["accuracy"] - checked["held_out_accuracy"] > 0.15:
        return "It knows its own pairs better than the rule behind them: overfitted."
    return "It carries over to new pairs."


LAB = Lab(
    module=__name__,
    title="A transformer reward model",
    compute=compute,
    draw=draw,
    verdict=verdict,
    canvas=lambda: Canvas(3),
    ranges={
        "learning_rate": {"low": 1e-5},
        "head_init_scale": {"high": 20.0},
        "reward_offset": {"low": -10.0, "high": 10.0},
        "n_pairs": {"high": 5000},
        "seed": {"high": 99},
    },
    presets={
        "the logged failure": {"bound": "tanh", "learning_rate": 0.1},
        "saturated start": {"bound": "tanh", "reward_offset": 10.0},
        "the fix": {"n_pairs": 2000},
    },
    question=Question(
        "Which share of new pairs will it rank right with 2,000 training pairs in place of 20?",
        lambda result: result.checked[-1]["held_out_accuracy"],
        "{:.2f}",
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
