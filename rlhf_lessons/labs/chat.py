"""Lab of notebook 10: talk with a real model; its words come as they are drawn.

`show(model)` with a model of `rlhf_lessons.real.model.load()`; `show()` shows a conversation that was kept.
"""

import html
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from rlhf_lessons import devices
from rlhf_lessons.knobs import KNOBS
from rlhf_lessons.labs.frame.controls import Control
from rlhf_lessons.labs.frame.panel import Busy
from rlhf_lessons.labs.frame.talk import Speaker, TalkPanel
from rlhf_lessons.labs.frame.turns import Stopped, turn
from rlhf_lessons.messages import message
from rlhf_lessons.real.kept_answers import WARNING, conversation

KEPT = "This conversation was kept. `make real` brings a model to this machine to talk with."
REDRAW_SECONDS = 0.08
LONGEST = 2_000  # characters of a message
FIRST_SETTINGS = {"temperature": 0.7, "max_new_tokens": 120}


class ChatPanel(TalkPanel):
    """A conversation with a model. Each answer is drawn in a thread, and Stop ends it at its next token."""

    def __init__(self, model: Speaker | None, seed: int):
        self.model, self.seed = model, seed
        self.controls = {name: Control(KNOBS[name], value) for name, value in FIRST_SETTINGS.items()}
        self.thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._drawn = 0.0  # when the page was last brought up to date
        name, messages = (model.name, []) if model else conversation()
        spec = {
            "live": model is not None,
            "knobs": [control.spec for control in self.controls.values()],
            "note": WARNING,
        }
        words = {
            "messages": messages,
            "draft": "",
            "running": False,
            "status": "" if model else KEPT,
            "knobs": self._settings,
        }
        super().__init__("chat", f"Talk with {name}", spec, words)

    @property
    def actions(self) -> Mapping[str, Callable[..., None]]:
        """What the page may ask for, by name."""
        return {"say": self.say, "stop": self.stop, "anew": self.start_anew} if self.model else {}

    @property
    def running(self) -> bool:
        """Whether an answer is being drawn."""
        return self.state["running"]

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation so far, each message with `role` and `content`."""
        return self.state["messages"]

    def say(self, text: str, **settings: str) -> None:
        """The learner's message, with temperature and length as typed. The answer comes in the background.

        Raises ValueError for a message or a setting that is not allowed, Busy while an answer is being drawn.
        """
        self._refuse_while_running()
        text = text.strip()
        if not 0 < len(text) <= LONGEST:
            raise ValueError(f"your message: {len(text)} characters are not allowed; it must have 1 to {LONGEST}")
        for name, typed in settings.items():
            self.controls[name].type(typed)
        self._stop.clear()
        self.tell(messages=[*self.messages, message("user", text)], draft="", running=True, knobs=self._settings)
        self.thread = threading.Thread(target=self._answer, args=(self.model, self.messages), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """End the answer at its next token."""
        self._stop.set()

    def start_anew(self) -> None:
        """Forget the conversation. Raises Busy while an answer is being drawn."""
        self._refuse_while_running()
        self.tell(messages=[], status="")
        self.keep_page()

    @property
    def page(self) -> str:
        """The conversation as HTML; while nothing is said, the one that was kept."""
        said = "".join(
            f"<p><b>{'You' if each['role'] == 'user' else 'Model'}:</b> {html.escape(each['content'])}</p>"
            for each in self.messages or conversation()[1]
        )
        status = self.state["status"] if self.messages else KEPT
        return f"{said}<p>{html.escape(status)}</p><p><small>{WARNING}</small></p>"

    @property
    def _settings(self) -> dict[str, str]:
        return {name: control.state["text"] for name, control in self.controls.items()}

    def _refuse_while_running(self) -> None:
        if self.running:
            raise Busy("an answer is being drawn; wait for it or press Stop first")

    def _answer(self, model: Speaker, asked: list[dict[str, str]]) -> None:
        devices.use()
        answer, status = "", ""
        try:
            with turn(self._stop, lambda: self.tell(status="Waiting for another lab to end.")):
                self.tell(status="Answering.")
                began = time.monotonic()
                settings: dict[str, Any] = {name: control.value for name, control in self.controls.items()}
                answer = model.answer(asked, **settings, seed=self.seed + len(asked), on_piece=self._writer(asked))
                status = "Stopped." if self._stop.is_set() else f"Answered in {time.monotonic() - began:.1f} s."
        except Stopped:
            status = "Stopped."
        except Exception as error:
            self.show_error(error)
        draft = ""
        if answer:
            asked = [*asked, message("assistant", answer)]
        else:  # a model expects its own words between two of the learner's
            *asked, taken_back = asked
            draft, status = taken_back["content"], f"{status} There was no answer; your message is taken back.".strip()
        self.tell(messages=asked, draft=draft, running=False, status=status)
        self.keep_page()

    def _writer(self, asked: list[dict[str, str]]) -> Callable[[str], bool]:
        text = ""

        def write(piece: str) -> bool:
            nonlocal text
            text += piece
            if time.monotonic() - self._drawn >= REDRAW_SECONDS:
                self._drawn = time.monotonic()
                self.tell(messages=[*asked, message("assistant", text)])
            return self._stop.is_set()

        return write


def show(model: Speaker | None = None, seed: int = 0) -> ChatPanel:
    """The lab on the screen. Without a model it shows a conversation that was kept."""
    return ChatPanel(model, seed)
