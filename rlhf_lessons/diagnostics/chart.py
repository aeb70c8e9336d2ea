"""A panel of curves as an SVG picture inside a page: no library, no script, readable on light and on dark ground.

A picture, for JupyterLab takes SVG itself out of a notebook that it does not trust, and leaves its numbers in a heap.
"""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape

from rlhf_lessons.diagnostics.logs.curves import Curve, Panel

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 360, 190, 62, 10, 16, 26
COLOURS = ("#2786c2", "#d9641e", "#189a72", "#c9659c")  # each over 3 to 1 on white and on black
GREY = "#777777"  # of scales and words: over 4 to 1 on both
DASHES = ("", "7 4", "2 3", "9 3 2 3")
FEW_POINTS, MANY_POINTS = 12, 150  # the few are marked, each by a dot

Mark = tuple[int, float]  # the number of a finding and the place where it begins


def short(value: float) -> str:
    """A number on a scale: four digits."""
    return f"{value:.4g}"


def words(panel: Panel) -> str:
    """The panel for those who do not see it."""
    ends = [
        f"{each.printed} from {short(each.values[0])} to {short(each.values[-1])}, lowest {short(min(each.values))}, "
        f"highest {short(max(each.values))}"
        for each in panel.curves
    ]
    first, last = _span(each.places for each in panel.curves)
    return f"{'; '.join(ends)}; {panel.place} {short(first)} to {short(last)}"


def figure(panel: Panel, marks: Sequence[Mark] = ()) -> str:
    """One panel with its legend. Names of a log are escaped."""
    names = "".join(_legend(place, curve) for place, curve in enumerate(panel.curves))
    drawn = _picture(_drawing(panel, marks), words(panel), WIDTH, HEIGHT)
    return f"<figure><figcaption>{names}</figcaption>{drawn}</figure>"


def _picture(drawing: str, alt: str, width: int, height: int, css: str = "") -> str:
    """Shapes as an image; alt: what it shows, "" for an ornament."""
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">{drawing}</svg>'
    data = b64encode(svg.encode()).decode()
    return f'<img class="{css}" alt="{escape(alt)}" width="{width}" src="data:image/svg+xml;base64,{data}">'


def _drawing(panel: Panel, marks: Sequence[Mark]) -> str:
    (left, right), (low, high) = (_span(getattr(each, axis) for each in panel.curves) for axis in ("places", "values"))

    def x(place: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((place - left) / (right - left) if right > left else 0.5)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * ((value - low) / (high - low) if high > low else 0.5)

    parts = [_text(LEFT - 6, y(value) + 4, short(value), "end") for value in dict.fromkeys((low, high))]
    parts += [f'<path d="M{LEFT},{TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="{GREY}"/>']
    parts += [_text(LEFT, HEIGHT - 8, f"{panel.place} {short(left)}", "start")]
    parts += [_text(WIDTH - RIGHT, HEIGHT - 8, short(right), "end")] if right > left else []
    for number, place in marks:
        if left <= place <= right:
            line = f'class="mark" fill="none" stroke="{GREY}" stroke-dasharray="3 3"'
            parts += [f'<path d="M{x(place):.1f},{TOP}V{HEIGHT - BOTTOM}" {line}/>']
            parts += [_text(x(place), TOP - 4, f"finding {number}", "start" if place < (left + right) / 2 else "end")]
    for place, curve in enumerate(panel.curves):
        points = [(x(at), y(value)) for at, value in zip(curve.places, curve.values, strict=True)]
        parts += [
            f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b in points)}" {_stroke(place, len(points))}/>'
        ]
        dots = points if len(points) <= FEW_POINTS else []
        parts += [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{COLOURS[place]}"/>' for a, b in dots]
    return "".join(parts)


def _legend(place: int, curve: Curve) -> str:
    line = _picture(f'<path d="M0,4H26" {_stroke(place)}/>', "", 26, 8, "key")
    return f"<span>{line} {escape(curve.printed)}</span> "


def _stroke(place: int, points: int = 0) -> str:
    """Thin and without gaps where many points would hide them."""
    width, dash = (1, "") if points > MANY_POINTS else (2, DASHES[place])
    return f'fill="none" stroke="{COLOURS[place]}" stroke-width="{width}" stroke-dasharray="{dash}"'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{GREY}">{escape(text)}</text>'


def _span(series: Iterable[Sequence[float]]) -> tuple[float, float]:
    values = [value for some in series for value in some]
    return min(values), max(values)
