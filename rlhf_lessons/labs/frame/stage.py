"""The part of a lab that lives in the browser: it shows what Python says, and tells Python what the learner does.

`stage.js`, behind `dom.js`, builds the page's elements once from `spec` and keeps them in step with `state`;
`stage.css` lays them out.
They ship with the package, so that a lab needs no network.
"""

import base64
import html
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets
from IPython.display import DisplayHandle, display

DOM, SCRIPT, STYLE, STILL = (
    Path(__file__).with_name(name).read_text(encoding="utf-8")
    for name in ("dom.js", "stage.js", "stage.css", "still.css")
)
WIDGET = "application/vnd.jupyter.widget-view+json"


class Stage(anywidget.AnyWidget):
    """One lab in the browser.

    spec: what never changes (title, knobs, presets, question). state: all words and settings of this moment.
    picture: the PNG. errors: what went wrong under the learner's hand, as a notebook stores errors, so that a rerun
    finds them. `receive` is called with what the learner does, a message at a time.
    """

    _esm = DOM + SCRIPT
    _css = STYLE
    spec = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    picture = traitlets.Bytes().tag(sync=True)
    errors: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)

    def __init__(self, receive: Callable[[dict[str, Any]], None], **traits: Any):
        super().__init__(**traits)
        self.on_msg(lambda _, content, __: receive(content))


def show_live(view: anywidget.AnyWidget) -> None:
    """Show a view in the cell that runs. What stands in its place without a kernel follows in an output of its own."""
    display({WIDGET: {"model_id": view.model_id, "version_major": 2, "version_minor": 0}, "text/plain": ""}, raw=True)


def as_output(error: Exception) -> dict[str, Any]:
    """An error as a notebook stores it, so that a rerun finds it."""
    trace = "".join(traceback.format_exception(error)).splitlines()
    return {"output_type": "error", "ename": type(error).__name__, "evalue": str(error), "traceback": trace}


class Shown(ABC):
    """What is live in its cell, and below it words, kept up to date, for where nothing is live."""

    view: anywidget.AnyWidget
    _still: DisplayHandle | None = None

    @property
    @abstractmethod
    def _bundle(self) -> dict[str, str]:
        """What stands where nothing is live, by the media type."""

    def keep_page(self) -> None:
        """Bring up to date what stands in the notebook for where nothing is live."""
        if self._still:
            self._still.update(self._bundle, raw=True)

    def _ipython_display_(self) -> None:
        show_live(self.view)
        self._still = display(self._bundle, raw=True, display_id=True)


def still(title: str, sentence: str, picture: bytes, alt: str) -> dict[str, Any]:
    """A lab where nothing is live: before its cell is run, on a web page, after its kernel has gone.

    It stands below the live lab and shows itself only where that is not there.
    """
    source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    page = (
        f"<style>{STILL}</style>"
        f'<div class="rlhf-still"><b>{html.escape(title)}</b><p>{html.escape(sentence)}</p>'
        f'<img src="{source}" alt="{html.escape(alt)}" style="max-width:100%">'
        "<p><i>Run this cell to make it live.</i></p></div>"
    )
    return {"text/html": page, "image/png": picture, "text/plain": sentence}
