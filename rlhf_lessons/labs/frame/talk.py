"""The frame of labs that show what a real model says: a conversation, or two answers to choose between.

`talk.js`, behind `dom.js`, shows `state` and sends back what the learner does, {do, ...}. A model answers in a thread
of its own, so that the kernel stays free.
"""

import html
import threading
from abc import abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

import anywidget
import traitlets

from rlhf_lessons import progress
from rlhf_lessons.labs.frame.panel import Busy
from rlhf_lessons.labs.frame.stage import DOM, STILL, Shown, as_output
from rlhf_lessons.refusals import check_choice

SCRIPT, STYLE = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("talk.js", "talk.css"))
HIDES = STILL.replace("rlhf-stage", "rlhf-talk").replace("rlhf-still", "rlhf-talked")


class Speaker(Protocol):
    """What these labs need of a model; `rlhf_lessons.real.model.RealModel` is one."""

    @property
    def name(self) -> str: ...

    def answer(
        self,
        messages: list[dict[str, str]],
        max_new_tokens: int,
        temperature: float,
        seed: int,
        on_piece: Callable[[str], bool | None] | None,
    ) -> str:
        """The next message; `on_piece` gets each piece of it, and ends it by returning True."""

    def answers(self, question: str, n: int, max_new_tokens: int, temperature: float, seed: int) -> list[str]:
        """So many answers to one question."""


class TalkPanel(Shown):
    """A lab of words on the screen. `words` is what its page shows at first."""

    def __init__(
        self, kind: Literal["chat", "label_pairs"], title: str, spec: Mapping[str, Any], words: dict[str, Any]
    ):
        self.title, self._name = title, kind
        self._pen = threading.RLock()  # a model answers in its own thread
        self._words: dict[str, Any] = {"message": "", "answered": 0, **words}
        self._is_used = False
        self.view = View(spec={"kind": kind, "title": title, **spec}, state=dict(self._words))
        self.view.on_msg(lambda _, content, __: self.receive(content))

    @property
    @abstractmethod
    def actions(self) -> Mapping[str, Callable[..., None]]:
        """What the page may ask for, by name."""

    @property
    @abstractmethod
    def page(self) -> str:
        """What is said now, as HTML, for where nothing is live."""

    @property
    def state(self) -> Mapping[str, Any]:
        """What the page shows."""
        return self._words

    def receive(self, content: Mapping[str, Any]) -> None:
        """What the learner has done on the page. What is refused, or goes wrong, is told there."""
        given = dict(content)
        self._words["answered"], self._words["message"] = given.pop("n", 0), ""
        self.view.errors = []
        self._count_use()
        try:
            action = given.pop("do", None)
            check_choice("do", action, self.actions)
            self.actions[action](**given)
        except (ValueError, OSError, Busy) as error:
            self.tell(message=str(error))
        except Exception as error:
            self.show_error(error)
        else:
            self.tell()

    def tell(self, **words: Any) -> None:
        """Bring the page up to date."""
        with self._pen:
            self._words |= words
            self.view.state = dict(self._words)

    def show_error(self, error: Exception) -> None:
        """Show an error in plain words, and keep it as an error output that a rerun of the notebook finds."""
        self.view.errors = [as_output(error)]
        self.tell(message=f"This does not work: {error} ({type(error).__name__})")

    def _count_use(self) -> None:
        if not self._is_used:
            self._is_used = True
            progress.count_use(self._name)

    @property
    def _bundle(self) -> dict[str, str]:
        """What is said now, as a page that hides where the lab is live."""
        inside = f"<b>{html.escape(self.title)}</b>{self.page}<p><i>Run this cell to make it live.</i></p>"
        page = f'<section class="rlhf-talked" aria-label="{html.escape(self.title)}">{inside}</section>'
        return {"text/html": f"<style>{HIDES}</style>{page}", "text/plain": self.title}


class View(anywidget.AnyWidget):
    """The lab in the browser. spec: what never changes. state: what is said. errors: as `stage.Stage.errors`."""

    _esm = DOM + SCRIPT
    _css = STYLE
    spec = traitlets.Dict().tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    errors: traitlets.List[dict[str, Any]] = traitlets.List().tag(sync=True)
