"""Lab of notebooks 03 and 05: a transformer reward model. Unlike program 1, the three knobs break and mend it."""

import math
from dataclasses import dataclass, field
from typing import Any

from rlhf_lessons import pipeline
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.curves import Chart, Training, draw_charts, mark_coin_and_best
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict, too_early
from rlhf_lessons.labs.frame.training import TrainingPanel, Watch, unwatched
from rlhf_lessons.labs.frame.wording import LN_2
from rlhf_lessons.model.gpt import GPT
from rlhf_lessons.model.heads import RewardModel
from rlhf_lessons.plots.style import Face, Meaning
from rlhf_lessons.stages.history import Record
from rlhf_lessons.stages.reward import RewardSettings, evaluate, train_reward
from rlhf_lessons.world.annotators import Ceiling, best_possible, curated_pairs
from rlhf_lessons.world.datasets import encode_pairs
from rlhf_lessons.world.tokenizer import course_tokenizer

STEPS = 100  # with 20 pairs, which make one batch, these are the document's 100 epochs
LARGEST_BATCH = 64
CHECKS = 10  # how often the tuning pairs are scored on the way
TUNING_PAIRS = 300
ENOUGH = 4  # checks
OWN_AND_NEW: tuple[tuple[str, str, Meaning], ...] = (("own pairs", "", "own"), ("new", "held_out_", "new"))


def _chart(title: str, unit: str, metric: str, *must_show: float) -> Chart:
    return Chart(title, unit, {name: (kind + metric, look) for name, kind, look in OWN_AND_NEW}, must_show)


CHARTS = (
    _chart("Loss", "nats", "loss", 0, LN_2),
    _chart("Ranked right", "share of pairs", "accuracy", 0, 1),
    Chart(
        "Rewards", "own pairs",
        {"chosen": ("reward_chosen", "chosen"), "rejected": ("reward_rejected", "rejected")}, (0,),
    ),
    _chart("Margin", "chosen - rejected", "margin", 0),
)  # fmt: skip


@dataclass
class RewardTraining(Training):
    """A reward model's training. Some records have held_out_ metrics, here of pairs on the tuning cases.

    best: what nobody can beat on these tuning pairs.
    """

    best: Ceiling = field(kw_only=True)

    @property
    def checked(self) -> list[Record]:
        return self.records_with("held_out_accuracy")


def compute(
    learning_rate: float = 1e-3,
    head_init_scale: float = 0.0,
    reward_offset: float = 0.0,
    n_pairs: int = 20,
    bound: str = "none",
    seed: int = 0,
    watch: Watch = unwatched,
    body: GPT | None = None,
) -> RewardTraining:
    """Train a reward model for about 100 steps on the pretrained model (or on a copy of `body`).

    Pairs come from the train cases; the tuning cases check it.
    """
    body = body or pipeline.ensure("pretrained", progress=False).model
    model = RewardModel.from_policy(
        body, head_init_scale=head_init_scale, reward_offset=reward_offset, bound=bound, seed=seed
    )
    asked = curated_pairs(n_pairs, "train", seed=seed), curated_pairs(TUNING_PAIRS, "tuning", seed=seed)
    pairs, tuning = (encode_pairs(course_tokenizer(), texts) for texts in asked)
    epochs, batch_size, n_steps = schedule(n_pairs, STEPS)
    training = RewardTraining(n_steps, best=best_possible(asked[1]))

    def on_step(record: Record) -> None:
        check = record["step"] == 1 or record["step"] % (n_steps // CHECKS) == 0
        extra = evaluate(model, tuning) if check else {}
        training.records.append(record | {f"held_out_{name}": value for name, value in extra.items()})
        watch(training, len(training.records) / n_steps)

    settings = RewardSettings(learning_rate=learning_rate, epochs=epochs, batch_size=batch_size, seed=seed)
    train_reward(model, pairs, settings, on_step)
    return training


def schedule(n_pairs: int, least_steps: int, largest_batch: int = LARGEST_BATCH) -> tuple[int, int, int]:
    """Epochs, pairs a batch, and steps in all, for the fewest epochs with at least `least_steps` steps."""
    batch_size = min(n_pairs, largest_batch)
    steps_an_epoch = math.ceil(n_pairs / batch_size)
    epochs = math.ceil(least_steps / steps_an_epoch)
    return epochs, batch_size, epochs * steps_an_epoch


def draw(result: RewardTraining, canvas: Canvas) -> None:
    """Loss, accuracy, both rewards and margin, with a coin's and the best possible (on the tuning pairs)."""
    draw_charts(canvas, CHARTS, result.records, (0, result.n_steps))
    mark_coin_and_best(canvas, 0, 1, result.best)


def verdict(result: RewardTraining) -> Verdict:
    """What the curves say of this reward model."""
    last, checked = result.records[-1], result.checked[-1]
    figures = {
        "of new pairs right": f"{checked['held_out_accuracy']:.0%}",
        "loss on new pairs": f"{checked['held_out_loss']:.2f}",
        "own margin": f"{last['margin']:z.2f}",
    }
    if len(result.checked) < ENOUGH:
        return too_early(figures, f"New pairs are scored {CHECKS} times on the way; a verdict needs {ENOUGH} of them.")
    word, mood, state = _state(last, checked)
    best = f"best possible on new ones: {result.best.accuracy:.0%}"
    return Verdict(word, mood, figures, f"{state} Own pairs ranked right: {last['accuracy']:.0%}; {best}.")


def _state(last: Record, checked: Record) -> tuple[str, Face, str]:
    if abs(last["margin"]) < 0.05:
        return "nothing learned", "bad", "The rewards move together and tell nothing apart."
    if checked["held_out_loss"] > LN_2:
        return "confident and wrong", "bad", "On new pairs its bets lose more than a coin's."
    if last["accuracy"] - checked["held_out_accuracy"] > 0.15:
        return "overfitted", "warn", "It knows its own pairs better than the rule behind them."
    return "healthy", "good", "It carries over to new pairs."


LAB = Lab(
    title="A transformer reward model",
    compute=compute,
    draw=draw,
    verdict=verdict,
    canvas=lambda: Canvas(4),
    ranges={
        "learning_rate": {"low": 1e-5},
        "head_init_scale": {"high": 20.0, "log": True},
        "reward_offset": {"low": -10.0, "high": 10.0},
        "n_pairs": {"high": 5000},
        "seed": {"high": 99},
    },
    presets={
        "the logged failure": {"bound": "tanh", "learning_rate": 0.1},
        "saturated start": {"bound": "tanh", "reward_offset": 10.0},
        "the fix": {"n_pairs": 5000},
    },
    question=Question(
        "What will the loss on new pairs be with 5,000 training pairs? (A coin: 0.69)",
        lambda result: result.checked[-1]["held_out_loss"],
        {"n_pairs": 5000},
        number_format="{:.2f} nats",
    ),
)


def show(**initial: Any) -> TrainingPanel:
    """The lab on the screen. Settings given here replace the defaults."""
    return TrainingPanel(LAB, initial)
