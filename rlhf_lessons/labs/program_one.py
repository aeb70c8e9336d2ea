"""Lab of notebook 03: the failing program with its three knobs, and the update, which is the cause of the failure."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from rlhf_lessons import knobs
from rlhf_lessons.diagnostics.logs.seed_log import seed_log
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab, Question
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.wording import CHANCE, LN_2, trend
from rlhf_lessons.program_one import HAND_WRITTEN, ProgramOneSettings, format_log, run
from rlhf_lessons.stages.history import History
from rlhf_lessons.world.datasets import source_pairs

EPOCHS = 100


@dataclass(frozen=True)
class ProgramOneTraining:
    """One training of program 1, epoch 0 included."""

    history: History
    update: knobs.Update

    @property
    def drift(self) -> float:
        """How far the mean of both rewards moves in an epoch."""
        first, last = (sum(r[n] for n in ("reward_chosen", "reward_rejected")) / 2 for r in self._ends)
        return (last - first) / (len(self.history) - 1)

    @property
    def _ends(self) -> tuple[dict[str, float], dict[str, float]]:
        return self.history.records[0], self.history.latest


def compute(
    learning_rate: float = 0.01,
    reward_offset: float = 0.0,
    weight_scale: float = 0.1,
    n_pairs: int = 20,
    update: knobs.Update = "as_logged",
    seed: int = 0,
) -> ProgramOneTraining:
    """Train program 1 for 100 epochs on the first `n_pairs` of the source document's pairs."""
    settings = ProgramOneSettings(
        learning_rate=learning_rate, reward_offset=reward_offset, weight_scale=weight_scale,
        n_pairs=n_pairs, update=update, seed=seed, epochs=EPOCHS,
    )  # fmt: skip
    return ProgramOneTraining(run(source_pairs(), settings), update)


def draw(result: ProgramOneTraining, canvas: Canvas) -> None:
    """Loss, rewards and margin of this run, with the document's log as points."""
    ours, logged = result.history.frame(), _logged().frame()
    panels = [
        ("loss", "Loss (nats)", {"this run": "loss"}),
        ("reward", "Both rewards", {"chosen": "reward_chosen", "rejected": "reward_rejected"}),
        ("margin", "Margin: chosen - rejected", {"this run": "margin"}),
    ]
    for panel, (unit, title, lines) in enumerate(panels):
        shown = [v for column in lines.values() for frame in (ours, logged) for v in frame[column]]
        guide = {"loss": LN_2, "margin": 0.0, "reward": 0.0}[unit]
        canvas.axis(panel, title, "epoch", unit, (0, 1.03 * EPOCHS), canvas.fit(panel, shown, guide))
        canvas.level(panel, guide, CHANCE if unit == "loss" else "")
        for line_style, (name, column) in enumerate(lines.items()):
            canvas.curve(panel, name, ours["epoch"], ours[column], line_style)
        canvas.curve(panel, "document's log", logged["epoch"], logged[next(iter(lines.values()))], 6, points=True)


def verdict(result: ProgramOneTraining) -> str:
    """What the curves say, and which part of the update does it."""
    first, last = result.history.records[0]["loss"], result.history.latest["loss"]
    way = "fall" if result.drift < 0 else "rise"
    drift = f"both rewards {way} together by {abs(result.drift):.3f} an epoch"
    bias_gets_g = result.update != "autograd" and HAND_WRITTEN[result.update][1]
    return (
        f"The loss {trend(first, last)}: the update {'climbs' if last > first else 'descends'}. "
        f"{result.history.latest['accuracy']:.0%} of the pairs are ranked right, and "
        + (f"{drift}: the shared bias is not cancelled." if bias_gets_g else f"the shared bias stands still ({drift}).")
    )


def text(result: ProgramOneTraining) -> str:
    """This run's log in the document's format, and the document's."""
    return f"This run\n{format_log(result.history)}\n\nThe document's log\n{format_log(_logged())}"


@cache
def _logged() -> History:
    names = {"reward_preferred": "reward_chosen", "reward_dispreferred": "reward_rejected"}
    frame = seed_log("reward_model").rename(columns=names)
    return History([dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False)])


LAB = Lab(
    title="Program 1: three knobs and the update",
    compute=compute,
    draw=draw,
    verdict=verdict,
    text=text,
    canvas=lambda: Canvas(3),
    ranges={
        "learning_rate": {"low": 1e-4},
        "reward_offset": {"low": -10.0, "high": 10.0},
        "weight_scale": {"high": 1.0},
        "n_pairs": {"high": 20},
        "seed": {"high": 99},
    },
    presets={
        "the logged failure": {},
        "the sign fixed": {"update": "sign_fixed"},
        "the fix": {"update": "both_fixed"},
        "the fix, faster": {"update": "both_fixed", "learning_rate": 1.0},
    },
    question=Question(
        "How far will both rewards fall in one epoch if you halve the learning rate? And with 10 pairs?",
        lambda result: -result.drift,
        "{:.3f} an epoch",
    ),
)


def show(**initial: Any) -> Panel:
    """The lab on the screen. Settings given here replace the defaults."""
    return Panel(LAB, initial)
