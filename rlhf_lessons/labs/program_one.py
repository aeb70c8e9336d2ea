"""Lab of notebook 03: the failing program with its three knobs, and the update, which is the cause of the failure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from rlhf_lessons import knobs
from rlhf_lessons.diagnostics.logs.seed_log import seed_log
from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.lab import Lab, Question, Verdict
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.wording import CHANCE, LN_2
from rlhf_lessons.plots.style import Meaning
from rlhf_lessons.program_one import HAND_WRITTEN, ProgramOneSettings, format_log, run
from rlhf_lessons.stages.history import History
from rlhf_lessons.world.datasets import source_pairs

EPOCHS = 100
# Title, unit, and the columns of the log with the name and the meaning of their curves.
CHARTS: Sequence[tuple[str, str, Mapping[str, tuple[str, Meaning]]]] = (
    ("Loss (nats)", "loss", {"loss": ("this run", "own")}),
    ("Both rewards", "reward", {"reward_chosen": ("chosen", "chosen"), "reward_rejected": ("rejected", "rejected")}),
    ("Margin: chosen - rejected", "margin", {"margin": ("this run", "own")}),
    ("Ranked right", "share of pairs", {"accuracy": ("this run", "own")}),
)


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
    for panel, (title, unit, columns) in enumerate(CHARTS):
        shown = [value for column in columns for frame in (ours, logged) for value in frame[column]]
        guide, means = {"loss": (LN_2, CHANCE), "share of pairs": (0.5, CHANCE)}.get(unit, (0.0, ""))
        canvas.axis(panel, title, "epoch", unit, (0, 1.03 * EPOCHS), canvas.fit(panel, shown, guide))
        canvas.level(panel, guide, means)
        for column, (name, meaning) in columns.items():
            canvas.curve(panel, name, ours["epoch"], ours[column], meaning)
        canvas.curve(panel, "document", logged["epoch"], logged[next(iter(columns))], "before", points=True)


def verdict(result: ProgramOneTraining) -> Verdict:
    """What the curves say, and which part of the update does it."""
    start, end = result._ends
    climbs, learns = end["loss"] > start["loss"], end["accuracy"] > 0.6 and end["loss"] < start["loss"] - 0.01
    bias_gets_g = result.update != "autograd" and HAND_WRITTEN[result.update][1]
    way = "fall" if result.drift < 0 else "rise"
    bias = f"Both rewards {way}: the shared bias is not cancelled." if bias_gets_g else "The shared bias is cancelled."
    way = "climbs" if climbs else "descends"
    sentence = f"Loss {start['loss']:.3f} → {end['loss']:.3f}: the update {way}. {bias}"
    figures = {
        "loss": f"{end['loss']:.3f}",
        "ranked right": f"{end['accuracy']:.0%}",
        "drift an epoch": f"{result.drift:+z.3f}",
    }
    if climbs:
        return Verdict("climbing", "bad", figures, sentence)
    if bias_gets_g:
        return Verdict("drifting", "warn", figures, sentence)
    return Verdict(*(("healthy", "good") if learns else ("hardly moving", "warn")), figures, sentence)


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
    canvas=lambda: Canvas(4),
    ranges={
        "learning_rate": {"low": 1e-4},
        "reward_offset": {"low": -10.0, "high": 10.0},
        "weight_scale": {"high": 1.0, "log": True},
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
        "As logged, both rewards fall by about 0.1 in an epoch. How far will they fall if you halve the learning rate?",
        lambda result: -result.drift,
        {"learning_rate": 0.005},
        within=0.005,
        number_format="{:.3f} an epoch",
    ),
)


def show(**initial: Any) -> Panel:
    """The lab on the screen. Settings given here replace the defaults."""
    return Panel(LAB, initial)
