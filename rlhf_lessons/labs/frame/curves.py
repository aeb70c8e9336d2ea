"""What a training lab records, and how its curves are drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rlhf_lessons.labs.frame.canvas import Canvas
from rlhf_lessons.labs.frame.wording import BEST, CHANCE, LN_2
from rlhf_lessons.plots.style import Meaning
from rlhf_lessons.stages.history import Record
from rlhf_lessons.world.annotators import Ceiling

GROUP = 3  # records at each end of a training that a verdict compares


@dataclass
class Training:
    """A training, finished or still under way: one record for each of its first steps, of `n_steps` in all.

    A lab appends to `records` while it trains, and its picture is drawn from what is there by then.
    """

    n_steps: int
    records: list[Record] = field(default_factory=list)

    def records_with(self, metric: str) -> list[Record]:
        """The records that hold a metric; some metrics are measured only now and then."""
        return [record for record in self.records if metric in record]

    def early(self, metric: str) -> float:
        """The mean of a metric over the first three records."""
        return _mean(self.records[:GROUP], metric)

    def late(self, metric: str) -> float:
        """The mean of a metric over the last three records."""
        return _mean(self.records[-GROUP:], metric)


def _mean(records: Sequence[Record], metric: str) -> float:
    return sum(record[metric] for record in records) / len(records)


@dataclass(frozen=True)
class Chart:
    """A panel of curves. `curves`: name in the legend -> its metric and what it means.

    The y axis includes `must_show`.
    """

    title: str
    unit: str
    curves: Mapping[str, tuple[str, Meaning]]
    must_show: tuple[float, ...] = ()


def draw_charts(
    canvas: Canvas, charts: Sequence[Chart], records: Sequence[Record], x_limits: tuple[float, float],
    x: str = "step",
) -> None:  # fmt: skip
    """Draw one chart in each panel, from the first panel on. `x` is the label of the steps."""
    for panel, chart in enumerate(charts):
        draw_chart(canvas, panel, chart, records, x_limits, x)


def draw_chart(
    canvas: Canvas, panel: int, chart: Chart, records: Sequence[Record], x_limits: tuple[float, float],
    x: str = "step",
) -> None:  # fmt: skip
    """Draw a chart in one panel. Each curve runs through the records that hold its metric."""
    shown = [record[metric] for metric, _ in chart.curves.values() for record in records if metric in record]
    canvas.axis(panel, chart.title, x, chart.unit, x_limits, canvas.fit(panel, shown, *chart.must_show))
    for name, (metric, meaning) in chart.curves.items():
        measured = [record for record in records if metric in record]
        steps, values = ([record[key] for record in measured] for key in ("step", metric))
        canvas.curve(panel, name, steps, values, meaning)


def mark_coin_and_best(canvas: Canvas, loss: int, accuracy: int, best: Ceiling) -> None:
    """What a coin reaches and what nobody can beat, in the panels of the loss and of the accuracy."""
    for panel, coin, text, reachable in ((loss, LN_2, CHANCE, best.loss), (accuracy, 0.5, CHANCE, best.accuracy)):
        canvas.level(panel, coin, text)
        canvas.level(panel, reachable, BEST, "best")
