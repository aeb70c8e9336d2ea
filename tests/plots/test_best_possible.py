"""Where a picture may show the best that anybody could reach: the line, and the words for who cannot see it."""

import pandas as pd
import pytest

from rlhf_lessons import plots
from rlhf_lessons.plots.style import look

BEST = {"loss": 0.4, "nll": 0.41, "accuracy": 0.82, "held_out_accuracy": 0.83}
LOG = pd.DataFrame({"epoch": [0, 1], "loss": [0.7, 0.5], "accuracy": [0.5, 0.75], "step": [0, 1]})
LOG = LOG.assign(reward_chosen=[0.0, 1.0], reward_rejected=[0.0, -1.0], held_out_accuracy=[0.5, 0.7], margin=[0.0, 2.0])
CELLS = pd.DataFrame({"learning_rate": [0.1, 0.1, 1, 1], "n_pairs": [20, 50, 20, 50], "accuracy": [0.5, 0.6, 0.7, 0.8]})
CELLS = CELLS.assign(nll=[0.7, 0.6, 0.5, 0.45])
THEORY = pd.DataFrame({"epoch": [0], "loss": [0.693], "margin": [0.2], "accuracy": [0.51]})
PICTURES = {
    "reward_log": (lambda **best: plots.reward_log(LOG, **best), {0: 0.4, 2: 0.82}),
    "curves": (lambda **best: plots.curves({"ours": LOG}, ["accuracy", "loss"], **best), {0: 0.82, 1: 0.4}),
    "over_theory": (lambda **best: plots.over_theory({"ours": [LOG]}, THEORY, **best), {0: 0.4, 2: 0.83}),
    "learning_curve": (
        lambda **best: plots.learning_curve({"ours": CELLS}, {"accuracy": "a", "nll": "n"}, **best),
        {0: 0.82, 1: 0.41},
    ),
    "phase_diagrams": (lambda **best: plots.phase_diagrams(CELLS, "n_pairs", **best), {2: 0.82, 3: 0.41}),
}


def dashed(ax):
    return [line.get_ydata()[0] for line in ax.lines if line.get_linestyle() == "--"]


@pytest.mark.parametrize("name", PICTURES)
def test_the_line_stands_at_the_best_value_and_the_words_name_it(name):
    draw, expected = PICTURES[name]
    plain, shown = draw(), draw(best=BEST)
    before = {number: dashed(ax) for number, ax in enumerate(plain.axes)}
    added = {number: dashed(ax)[-1] for number, ax in enumerate(shown.axes) if len(dashed(ax)) > len(before[number])}
    assert added == expected
    assert shown.alt.startswith(plain.alt) and "Best possible: " in shown.alt and "est possible" not in plain.alt
    assert all(f"{value:.2f}" in shown.alt for value in expected.values())
    assert shown.png() != plain.png()


def test_a_perfect_scorers_confidence_is_marked_beside_the_diagonal():
    bins = {"ours": pd.DataFrame({"confidence": [0.6, 0.95], "accuracy": [0.5, 0.8], "pairs": [1, 1]})}
    shown = plots.reliability(bins, best=0.82)
    (line,) = [
        line
        for line in shown.axes[0].lines
        if line.get_linestyle() == "--" and line.get_color() == look("best")["color"]
    ]
    assert list(line.get_xdata()) == [0.82, 0.82]
    assert "best possible: 82% sure on average, and as right" in shown.alt
    assert "best possible" not in plots.reliability(bins).alt
