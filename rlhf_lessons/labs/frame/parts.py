"""Small widgets that the labs are built from, and the files that make labs usable by keyboard and screen reader.

`accessibility.css` shows where the keyboard's focus is, and `accessibility.js` gives screen readers names for
sliders and pictures.
"""

import html
from collections.abc import Callable
from pathlib import Path

import ipywidgets
import traitlets

STYLE, SCRIPT = (
    Path(__file__).with_name(f"accessibility.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")
)


# ipywidgets' own Image and HBox have no `description`, and without one the browser shows no tooltip.
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


def announced_text() -> ipywidgets.HTML:
    """An empty text. A screen reader reads it out whenever it changes."""
    text = ipywidgets.HTML()
    text.add_class("rlhf-announced")
    return text


def title(text: str) -> ipywidgets.HTML:
    """A lab's title, which brings the style of the lab along."""
    return ipywidgets.HTML(f"<style>{STYLE}</style><b>{html.escape(text)}</b>")


def page_script() -> ipywidgets.Output:
    """A widget that shows nothing and runs `accessibility.js` in every page that shows the lab."""
    script = {"output_type": "display_data", "data": {"application/javascript": SCRIPT}, "metadata": {}}
    return ipywidgets.Output(outputs=(script,), layout={"height": "0", "margin": "0"})
