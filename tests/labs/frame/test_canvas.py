from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.axes import Axes

from rlhf_lessons.labs.frame.canvas import KEPT_BACKGROUNDS, Canvas, Screen, limits
from rlhf_lessons.labs.frame.limits import EDGE
from rlhf_lessons.plots.style import theme
from tests.labs.frame.a_line import Line, draw, pixels

USUAL = Screen()
OTHERS = [
    Screen(650, 480, dark=True), Screen(650, 480, large=True), Screen(270, 540, 2.0, dark=True, large=True),
    Screen(1190, 790, 1.25), Screen(650, 480, ratio=2.0),
]  # fmt: skip


def show(canvas: Canvas, slope: float) -> bytes:
    canvas.begin()
    draw(Line(slope), canvas)
    return canvas.render()


def grid(panels: int, screen: Screen) -> Canvas:
    """A canvas with two lines in each panel, under a title that is too long for it."""
    canvas = Canvas(panels, screen)
    canvas.begin()
    for panel in range(panels):
        canvas.axis(panel, f"Panel {panel}: {'a long title ' * 20}", "step", "reward", (0, 1), (0, 1))
        canvas.curve(panel, "line", [0, 1], [0, 1], "own")
        canvas.curve(panel, "other", [0, 1], [1, 0], "new")
    return canvas


@pytest.mark.parametrize(
    ("size", "columns"),
    [((650, 480), [1, 2, 2, 2, 3, 3]), ((1190, 790), [1, 2, 2, 2, 3, 3]), ((270, 540), [1, 1, 1, 1, 1, 2])],
)
def test_panels_stand_side_by_side_where_there_is_room(size, columns):
    assert [Screen(*size).columns(panels) for panels in range(1, 7)] == columns


@pytest.mark.parametrize("panels", range(1, 7))
@pytest.mark.parametrize("screen", OTHERS[1:4], ids=str)
def test_panels_fill_the_screen_and_nothing_but_them_is_drawn(panels, screen):
    canvas = grid(panels, screen)
    image = pixels(canvas.render())
    assert (pixels(canvas.render()) == image).all(), "no panel draws over another"
    assert image.shape == (int(screen.height * screen.ratio), int(screen.width * screen.ratio), 3)
    ground = np.array(theme(screen.dark).ground_rgba[:3])
    inked = (image != ground).any(axis=2)
    columns = screen.columns(panels)
    rows = -(-panels // columns)
    for number in range(columns * rows):
        row, column = divmod(number, columns)
        (high, wide) = (size // count for size, count in zip(inked.shape, (rows, columns), strict=True))
        cell = inked[row * high + 3 : (row + 1) * high - 3, column * wide + 3 : (column + 1) * wide - 3]
        assert cell.any() == (number < panels), number
    boxes = [ax.get_window_extent() for ax in canvas.panels]
    assert all(box.width > 0 and box.height > 0 for box in boxes)
    assert not any(one.overlaps(other) for at, one in enumerate(boxes) for other in boxes[:at])


@pytest.mark.parametrize("panels", range(1, 7))
def test_the_smallest_screen_is_drawn_without_complaint(panels):
    assert pixels(grid(panels, Screen(100, 100)).render()).shape == (100, 100, 3)


@pytest.mark.parametrize("screen", OTHERS, ids=str)
def test_a_picture_put_on_another_screen_is_the_one_drawn_there(screen):
    moved, there = Canvas(1), Canvas(1, screen)
    show(moved, 0.9)
    moved.place(screen)
    assert moved.render() == show(there, 0.9)
    moved.place(USUAL)
    assert moved.render() == show(Canvas(1), 0.9)


@pytest.mark.parametrize(("large", "least"), [(False, 11), (True, 14)])
def test_ticks_are_large_enough_to_read(large, least):
    """In pixels as the page counts them: a point is a 72nd of an inch, and the page has 96 to an inch."""
    for ratio in (1.0, 2.0):
        canvas = grid(1, Screen(650, 480, ratio, large=large))
        canvas.render()
        ax = canvas.panels[0]
        for text in (*ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label, *ax.get_legend().get_texts()):
            assert text.get_fontsize() * 96 / 72 >= least and canvas.dpi == 96 * ratio


def test_a_moved_curve_on_a_kept_background_is_the_picture_drawn_afresh():
    moved, fresh = Canvas(1), Canvas(1)
    pictures = [show(moved, slope) for slope in (0.9, 0.8, 0.9)]
    assert pictures[0] == pictures[2] == show(fresh, 0.9) != pictures[1]


def test_a_picture_seen_before_returns_without_being_drawn_anew(monkeypatch):
    """With other limits, scales and texts in between: a curve must follow the axes of its own background."""
    looks = [("reward", (0, 9), False), ("loss", (1, 90), True)]

    def render(canvas: Canvas, title: str, x_limits: tuple[float, float], log_x: bool) -> bytes:
        canvas.begin()
        canvas.axis(0, title, "step", "reward", x_limits, (0, 9), log_x)
        canvas.curve(0, "line", range(1, 9), range(1, 9), "own")
        return canvas.render()

    canvas = Canvas(1)
    pictures = [render(canvas, *look) for look in looks]
    assert pictures == [render(Canvas(1), *look) for look in looks]
    with monkeypatch.context() as patch:
        patch.setattr(Axes, "draw", lambda *_: pytest.fail("drawn anew"))
        assert [render(canvas, *look) for look in looks] == pictures
    for limit in range(KEPT_BACKGROUNDS + 1):
        render(canvas, "other", (0, 10 + limit), False)
    assert len(canvas._backgrounds[0]) == KEPT_BACKGROUNDS, "memory is bounded"
    assert render(canvas, *looks[0]) == pictures[0]


def test_a_backdrop_is_painted_anew_only_when_its_key_changes():
    canvas, painted = Canvas(1), []

    def render(key: str) -> None:
        canvas.begin()
        canvas.axis(0, "A map", "x", "y", (0, 1), (0, 1))
        canvas.backdrop(0, key, lambda _: painted.append(key))
        canvas.render()

    for key in ("one", "one", "two", "one"):
        render(key)
    assert painted == ["one", "two"]


def test_what_is_not_drawn_again_disappears_and_comes_back():
    canvas = Canvas(1)
    full = show(canvas, 0.9)
    canvas.begin()
    nothing = canvas.render()
    assert len(np.unique(pixels(nothing))) == 1 and show(canvas, 0.9) == full
    canvas.begin()
    canvas.axis(0, "", "x", "y", (0, 1), (0, 1))
    assert canvas.render() not in (nothing, full)
    canvas.begin()
    assert canvas.render() == nothing


def lines(canvas: Canvas, keep: Callable[[Canvas], None]) -> bytes:
    """The picture of a second line, after something was done about the first."""
    show(canvas, 0.9)
    keep(canvas)
    return show(canvas, 0.5)


def test_a_ghost_lies_under_the_next_curves_until_it_is_dropped_or_replaced():
    canvas, alone = Canvas(1), lines(Canvas(1), lambda _: None)
    haunted = lines(canvas, Canvas.keep_ghost)
    assert haunted != alone and show(canvas, 0.5) == haunted, "it stays"
    canvas.keep_ghost()
    assert show(canvas, 0.5) != haunted, "one ghost at a time"
    canvas.drop_ghost()
    assert show(canvas, 0.5) == alone


def test_ghosts_take_the_colours_of_the_page():
    dark, there = Canvas(1), Canvas(1, replace(USUAL, dark=True))
    lines(dark, Canvas.keep_ghost)
    dark.place(there.screen)
    assert dark.render() == lines(there, Canvas.keep_ghost)


def test_limits_stay_while_a_slider_moves_and_start_anew_on_demand():
    canvas = Canvas(1)
    first = canvas.fit(0, [0.0, 1.0])
    assert canvas.fit(0, [0.0, 0.8]) == first, "still within"
    grown = canvas.fit(0, [0.0, 1.2])
    assert grown[0] == pytest.approx(0, abs=0.1) and grown[1] > 1.5 and canvas.fit(0, [0.0, 1.3]) == grown, "headroom"
    assert canvas.fit(0, [0.0, 0.01])[1] < 0.1, "too small to be seen"
    canvas.forget_limits()
    assert canvas.fit(0, [0.0, 1.0]) == first


def test_limits_are_round_show_everything_and_survive_nan():
    low, high = limits([0.1, 0.7, float("nan"), 1.0])
    assert low <= 0.1 and high >= 1.0
    assert limits([]) == pytest.approx((-0.03, 1.03))
    assert limits([0.2, 0.0, 1.0]) == pytest.approx((-0.03, 1.03))
    low, high = limits([2.0, 2.0])
    assert low < 2 < high


@pytest.mark.parametrize("screen", [USUAL, Screen(270, 540), Screen(270, 540, large=True)], ids=str)
def test_titles_units_and_legends_stand_above_the_axis_within_their_panel(screen):
    canvas = Canvas(2, screen)
    canvas.begin()
    for panel in range(2):
        canvas.axis(panel, "Distance from SFT", "step", "KL, nats an answer", (0, 1), (0, 1))
        for name in ("chosen", "rejected", "the document", "one more", "best"):
            canvas.curve(panel, name, [0, 1], [0, 1], "own")
    canvas.render()
    for ax, (rows, columns) in zip(canvas.panels, canvas._cells, strict=True):
        above, bottom = ax.get_window_extent(), screen.height - rows.stop
        texts = [text for text in (*ax.texts, *ax.get_legend().get_texts()) if text.get_visible()]
        for box in (text.get_window_extent() for text in texts):
            assert box.y0 >= above.y1 - EDGE * above.height, "no curve reaches so high"
            assert box.y1 <= bottom + rows.stop - rows.start
            assert columns.start <= box.x0 and box.x1 <= columns.stop
        assert len(ax.get_legend().get_texts()) >= 2
