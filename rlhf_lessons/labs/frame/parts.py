"""Small widgets that the labs' frame is made of, and what lets every learner reach them.

`reach.css` shows where the keyboard's focus is, and `reach.js` gives screen readers names for sliders and pictures.
"""

import html
from collections.abc import Callable
from pathlib import Path

import ipywidgets
import traitlets

STYLE, SCRIPT = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("reach.css", "reach.js"))


# The browser shows the tooltip of neither where there is no `description`.
class DescribedImage(ipywidgets.Image):
    """An image whose tooltip says what it shows."""

    description = traitlets.Unicode("").tag(sync=True)


class DescribedRow(ipywidgets.HBox):
    """Widgets side by side, with one tooltip for all."""

    description = traitlets.Unicode("").tag(sync=True)


def button(name: str, action: Callable[[], None]) -> ipywidgets.Button:
    """A button that calls `action` when pressed."""
    made = ipywidgets.Button(description=name, layout={"width": "auto", "flex": "0 0 auto"})
    made.on_click(lambda _: action())
    return made


def live() -> ipywidgets.HTML:
    """A text which a screen reader reads out when it changes."""
    made = ipywidgets.HTML()
    made.add_class("rlhf-live")
    return made


def title(text: str) -> ipywidgets.HTML:
    """A lab's title, which brings the style of the lab along."""
    return ipywidgets.HTML(f"<style>{STYLE}</style><b>{html.escape(text)}</b>")


def reach() -> ipywidgets.Output:
    """Nothing to see: it runs `reach.js` wherever the lab is shown."""
    script = {"output_type": "display_data", "data": {"application/javascript": SCRIPT}, "metadata": {}}
    return ipywidgets.Output(outputs=(script,), layout={"height": "0", "margin": "0"})
