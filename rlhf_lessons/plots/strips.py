"""The doctor's report as strips: one a measurement, with the healthy band marked and the value as a point.

The bands are made of the constants of the checks, so that a strip says what the doctor says.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from rlhf_lessons.diagnostics.bars import GAP, LN2, READY_ACCURACY, STILL_HIGH
from rlhf_lessons.diagnostics.doctor.checks import LOST, SMALLEST_GRADIENT, SURE_AND_WRONG
from rlhf_lessons.diagnostics.doctor.data_checks import FEWEST_OF_A_KIND, MOST_DUPLICATES
from rlhf_lessons.diagnostics.doctor.examination import Examination
from rlhf_lessons.diagnostics.doctor.symptoms import COLLAPSED, HEDGING, LARGEST_ECE
from rlhf_lessons.diagnostics.logs.rules.reward_model import FARTHER, SMALLEST_DRIFT
from rlhf_lessons.diagnostics.logs.trends import late, steady_trend
from rlhf_lessons.diagnostics.reward_report import RewardReport
from rlhf_lessons.plots.style import FACES, GREY, SMALL, WIDTH, Face, Picture, look
from rlhf_lessons.statistics.intervals import Interval
from rlhf_lessons.statistics.shares import Share

COIN = 0.5
DECADES = 4  # that a strip of powers of ten shows on both sides of its bar
ROW = 0.29  # inches
NAME, STRIP, VALUE, HEALTHY, STATE = 0.1, 3.85, 6.45, 7.35, 8.5  # where each column begins, in inches
STRIP_WIDTH = VALUE - STRIP - 0.15
BAND, EMPTY = "#C4DFCD", "#ECEFF2"
MARKS: Mapping[Face, str] = {"good": "o", "bad": "X", "warn": "D", "open": ""}


@dataclass(frozen=True)
class Strip:
    """One measurement, on a scale from `ends[0]` to `ends[1]`, in powers of ten if `powers`.

    A healthy value lies over or under `bar`. sure: whether the doctor would call the value what it looks like; where an
    interval reaches over the bar, or too little was counted, it may be chance. best: the best possible value.
    """

    name: str
    value: float
    over: bool
    bar: float
    ends: tuple[float, float]
    spec: str = ".2f"
    powers: bool = False
    interval: Interval | None = None
    best: float | None = None
    sure: bool = True

    @property
    def state(self) -> tuple[Face, str]:
        """How a value is to be taken: its face, and the word for it."""
        if not math.isfinite(self.value):
            return "open", "no number"
        if not self.sure:
            return "warn", "not sure"
        if (self.value > self.bar) if self.over else (self.value < self.bar):
            return "good", "healthy"
        return "bad", "too low" if self.over else "too high"

    @property
    def healthy(self) -> str:
        """The healthy band in words."""
        return f"{'over' if self.over else 'under'} {self.bar:{self.spec}}"

    def place(self, value: float) -> float:
        """Where a value lies on the strip, from 0 to 1; what is beyond an end lies on it."""
        low, high = map(math.log10, self.ends) if self.powers else self.ends
        if self.powers:
            value = math.log10(max(value, self.ends[0]))
        return min(max((value - low) / (high - low), 0.0), 1.0)


def report_strips(report: RewardReport, concludes: bool = True) -> Picture:
    """The measurements that the doctor judges, in groups; every measurement is in the table that folds beneath.

    concludes: whether the words for who cannot see it begin with what the doctor found.
    """
    groups = {title: strips for title, of in GROUPS.items() if (strips := of(report.examination))}
    said = [f"{each.name} {each.value:{each.spec}}, {each.state[1]}" for strips in groups.values() for each in strips]
    rows = len(said) + len(groups)
    figure = Picture(f"{report.verdict if concludes else ''} {'; '.join(said)}.".strip(), (WIDTH, ROW * (rows + 1)))
    figure.set_layout_engine("none")
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, WIDTH), ylim=(rows + 0.5, -0.5))
    ax.set_axis_off()
    heads = {STRIP: "green: healthy, dashed: best possible", VALUE: "measured", HEALTHY: "healthy", STATE: "state"}
    for at, text in heads.items():
        ax.text(at, 0, text, va="center", fontsize=SMALL, color=GREY)
    first = 1
    for title, strips in groups.items():
        ax.text(NAME, first, title, va="center", fontsize=SMALL + 1, fontweight="bold")
        for row, strip in enumerate(strips, start=first + 1):
            _draw(ax, row, strip)
        first += len(strips) + 1
    return figure.over(report.table())


def _draw(ax: Axes, row: int, strip: Strip) -> None:
    face, word = strip.state
    bar = strip.place(strip.bar)
    ends = (bar, 1.0) if strip.over else (0.0, bar)
    for (low, high), colour in (((0.0, 1.0), EMPTY), (ends, BAND)):
        ax.add_patch(Rectangle((STRIP + low * STRIP_WIDTH, row - 0.3), (high - low) * STRIP_WIDTH, 0.6, color=colour))
    if strip.best is not None:
        best = STRIP + strip.place(strip.best) * STRIP_WIDTH
        ax.plot([best, best], [row - 0.38, row + 0.38], **look("best"))
    if face != "open":
        low, high = (strip.interval.low, strip.interval.high) if strip.interval else (strip.value, strip.value)
        at, *reach = (STRIP + strip.place(value) * STRIP_WIDTH for value in (strip.value, low, high))
        ax.plot(reach, [row, row], color=FACES[face], linewidth=2, solid_capstyle="butt")
        ax.plot(at, row, MARKS[face], color=FACES[face], markersize=9, markeredgecolor="white", clip_on=False)
    texts = ((NAME + 0.12, strip.name), (VALUE, f"{strip.value:{strip.spec}}"), (HEALTHY, strip.healthy))
    for x, text in texts:
        ax.text(x, row, text, va="center", fontsize=SMALL)
    ax.text(STATE, row, word, va="center", fontsize=SMALL, color=FACES[face], fontweight="bold")


def _share(name: str, share: Share, bar: float, best: float | None = None) -> Strip:
    """A share that should be over `bar`, judged by its interval."""
    one = share.interval
    sure = share.n >= FEWEST_OF_A_KIND and not one.low < bar <= one.high
    return Strip(name, one.value, True, bar, (0, 1), ".0%", interval=one, best=best, sure=sure)


def _few(name: str, share: Share) -> Strip:
    return Strip(name, share.value, False, MOST_DUPLICATES, (0, 1), ".0%")


def _gap(name: str, first: Share, second: Share, agree: Sequence[float]) -> Strip:
    """How far the first share is ahead, as agreement; only where their intervals part, it is too far."""
    ahead = agree[0] - agree[1]
    sure = ahead < GAP or first.interval.low >= second.interval.high
    return Strip(name, ahead, False, GAP, (-GAP, 4 * GAP), "+.0%", sure=sure)


def _powers(name: str, value: float, over: bool, bar: float) -> Strip:
    ends = (bar / 10**DECADES, bar * 10**DECADES)
    return Strip(name, value, over, bar, ends, ".2g", powers=True)


def _rewards(e: Examination) -> list[Strip]:
    found = [
        _share("accuracy, held-out pairs", e.pairs.accuracy, e.bars.accuracy(READY_ACCURACY), e.bars.ceiling),
        Strip("held-out loss (nats)", e.pairs.nll, False, LN2, (0, 2 * LN2)),
        Strip("calibration error (ECE)", e.ece, False, LARGEST_ECE, (0, 4 * LARGEST_ECE)),
        _powers("spread of the rewards (sd)", float(e.pairs.rewards.std()), True, COLLAPSED),
    ]
    if e.policy:
        bar = e.policy_bars.accuracy(READY_ACCURACY)
        found.insert(1, _share("accuracy, the policy's own answers", e.policy.accuracy, bar, e.policy_bars.ceiling))
    return found


def _data(e: Examination) -> list[Strip]:
    agree, held_out = e.bars.agreement, e.pairs.accuracy
    found = [
        _share("accuracy where the better is longer", e.longer_chosen, COIN),
        _share("accuracy where the better is shorter", e.shorter_chosen, COIN),
        Strip("correlation of reward and hedging", e.hedging, False, HEDGING, (-1, 1)),
        _few("pairs identical when read", e.identical),
    ]
    if e.seen_pairs:
        found.append(_few("test pairs seen in training", e.seen_pairs))
    if e.train:
        own = e.train.accuracy
        found.append(_gap("training pairs ahead of held-out", own, held_out, [agree(own.value), agree(held_out.value)]))
    twins, new = e.with_twin, e.without_twin
    if twins and new and min(twins.n, new.n) >= FEWEST_OF_A_KIND:
        found.append(_gap("near twins ahead of the others", twins, new, [agree(twins.value), agree(new.value)]))
    return found


def _inside(e: Examination) -> list[Strip]:
    found = []
    if e.gradients is not None:
        largest = float(e.gradients.largest_gradient.max())
        found.append(_powers("largest gradient of any part", largest, True, SMALLEST_GRADIENT))
    if e.head and e.head.raw_std:
        found.append(_powers("share of the head's spread that is left", e.head.reward_std / e.head.raw_std, True, LOST))
    if e.read_out and e.read_out.reward_std:
        spread = e.read_out.reward_std
        found.append(_powers("change by the last token (in sd)", e.read_out.last_token / spread, True, LOST))
        found.append(_powers("change by the padding (in sd)", e.read_out.padding / spread, False, LOST))
    return found


def _log(e: Examination) -> list[Strip]:
    loss = e.log.values("loss") if e.log else []
    if e.log is None or not loss:
        return []
    ends = (0, 2 * SURE_AND_WRONG)
    found = [
        Strip("first training loss (nats)", loss[0], False, SURE_AND_WRONG, ends),
        Strip("highest training loss (nats)", max(loss), False, SURE_AND_WRONG, ends),
        Strip("late training loss (nats)", late(loss), False, e.bars.loss(STILL_HIGH), ends),
    ]
    both = e.log.finite("reward_chosen", "reward_rejected")
    if both:
        middle = [(chosen + rejected) / 2 for chosen, rejected in both]
        apart = max(late([abs(chosen - rejected) for chosen, rejected in both]), SMALLEST_DRIFT / FARTHER)
        farther = abs(middle[-1] - middle[0]) / apart
        sure = farther < FARTHER or steady_trend(middle) != 0
        name = "drift of both rewards (times the margin)"
        found.append(Strip(name, farther, False, FARTHER, (0, 4 * FARTHER), ".1f", sure=sure))
    return found


GROUPS = {"Rewards": _rewards, "Data": _data, "Inside the model": _inside, "Log of the training": _log}
