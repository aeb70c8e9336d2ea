"""Pictures of what learning from pairs directly does to a policy's answers."""

from collections.abc import Mapping

from rlhf_lessons.plots.style import WIDTH, Picture, dress, legend, rows_of, series, whisker
from rlhf_lessons.statistics.intervals import Interval


def answer_kinds(said: Mapping[str, Mapping[str, Interval]]) -> Picture:
    """A row for each kind of answer, and in it a marker a policy: the share of its answers, with the interval.

    said: policy -> kind -> share. All policies have the same kinds.
    """
    names = list(next(iter(said.values())))
    told = "; ".join(
        f"{kind}: " + ", ".join(f"{policy} {shares[kind].value:.0%}" for policy, shares in said.items())
        for kind in names
    )
    figure = Picture(f"Shares of answers by kind. {told}.", (WIDTH, 0.5 * len(names) + 1.2))
    ax = figure.subplots()
    dress(ax)
    rows_of(ax, names)
    for index, (policy, shares) in enumerate(said.items()):
        away = 0.24 * (index - (len(said) - 1) / 2)
        for place, kind in enumerate(names):
            line = series(index, len(said), marker=True)
            whisker(ax, place + away, shares[kind], line, label=policy if place == 0 else None)
    ax.set(xlabel="share of answers", xlim=(-0.02, 1.02))
    legend(figure)
    return figure
