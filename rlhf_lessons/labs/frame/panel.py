"""The frame all labs share: controls, a picture, a verdict, presets, a prediction, and the same as code.

A panel computes its first result while it is made, so a lab that fails makes the cell fail which shows it.
"""

import random
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

from IPython.display import display

from rlhf_lessons import progress
from rlhf_lessons.knobs import Value
from rlhf_lessons.labs.frame.canvas import Screen
from rlhf_lessons.labs.frame.controls import Control, as_text, knobs_of
from rlhf_lessons.labs.frame.lab import POINTS, Guess, Lab, Question
from rlhf_lessons.labs.frame.predictions import judge, read_guess, score, told
from rlhf_lessons.labs.frame.stage import Stage, as_output, show_live, still

SMALLEST, LARGEST, SHARPEST = 100, 4000, 2.0  # pixels of a side, and real pixels for each


class Busy(RuntimeError):
    """What was asked for has to wait for a training to end."""


class Panel:
    """A lab on the screen which answers while a slider moves. `training.TrainingPanel` waits for a button instead.

    `initial` settings replace the defaults. Raises what `compute` raises for them, and ValueError for a
    setting the lab does not have or a value out of range.
    """

    trains = False

    def __init__(self, lab: Lab, initial: Mapping[str, Value] | None = None):
        self.lab = lab
        knobs = knobs_of(lab.compute, lab.ranges)
        _refuse_unknown(lab, initial or {}, knobs)
        self.first_settings = {name: default for name, (_, default) in knobs.items()} | dict(initial or {})
        asked = [*lab.presets.values(), lab.question.settings if lab.question else {}]
        self.controls = {
            name: Control(knob, self.first_settings[name], [each[name] for each in asked if name in each])
            for name, (knob, _) in knobs.items()
        }
        self.canvas = lab.canvas()
        self._random = random.Random(0)
        self._pen = threading.RLock()  # a training draws in its own thread
        self._words: dict[str, Any] = {"message": "", "answered": 0, "pinned": False, "question": None}
        self._guess: Guess | None = None  # a prediction that waits for its result
        self._sketch: tuple[float, ...] = ()  # a curve that the learner drew, while its result is shown
        self._compared: Mapping[str, Value] = {}  # the settings whose curves stand in grey
        self._turned = ""  # the knob that was turned last
        self._is_used = False
        if lab.question:
            self._words["question"] = {"veiled": True, "told": "", "mark": "", "score": ""}
        self.stage = Stage(self.receive, spec=self._spec())
        self._show_first()

    @property
    def settings(self) -> dict[str, Value]:
        """What the controls stand at."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def sentence(self) -> str:
        """The verdict in words."""
        return str(self.verdict)

    def answer(self) -> None:
        """The learner has turned a knob: show the new result. Raises what `compute` raises."""
        self._compute_and_show()

    def set(self, **settings: Value) -> None:
        """Turn several knobs at once and show the new result. Raises what `compute` raises.

        Raises ValueError for a knob that the lab does not have or a value that is not allowed; no knob is turned then.
        """
        self._turn(settings)
        self.answer()

    def reset(self) -> None:
        """Back to the first settings and their result."""
        self.set(**self.first_settings)

    def surprise(self) -> None:
        """Turn every knob to a random stop."""
        self.set(**{name: control.random_stop(self._random) for name, control in self.controls.items()})

    def pin(self) -> None:
        """Keep the curves as they are, to compare with what comes; or let them go."""
        self._words["pinned"] = not self._words["pinned"]
        with self._pen:
            if self._words["pinned"]:
                self.canvas.keep_ghost()
                self._compared = self.shown
            else:
                self.canvas.drop_ghost()
                self._compared = {}
        self._show_picture()

    def commit(self, guess: str) -> None:
        """Take the learner's prediction, unveil the picture, and run what was asked about.

        Raises ValueError for a guess that is none.
        """
        self._guess = read_guess(self._asked(), guess)
        self._sketch = self._guess if isinstance(self._guess, tuple) else ()
        self.set(**self._asked_settings)
        self.skip()

    def skip(self) -> None:
        """Unveil the picture, whether or not anything was predicted."""
        if self._words["question"]:
            self._words["question"] = {**self._words["question"], "veiled": False}
        self.tell()

    def ask(self) -> None:
        """Veil the picture, and ask again. Raises ValueError if the lab asks nothing."""
        self._asked()
        self._guess = None
        self._words["question"] = {"veiled": True, "told": "", "mark": "", "score": score()}
        self.tell()

    def place(self, width: int, height: int, ratio: float = 1.0, dark: bool = False, large: bool = False) -> None:
        """Draw for a screen of this size (in pixels) and density; see `canvas.Screen`."""
        wide, high = (max(SMALLEST, min(LARGEST, round(side))) for side in (width, height))
        screen = Screen(wide, high, max(1.0, min(SHARPEST, ratio)), bool(dark), bool(large))
        if screen != self.canvas.screen:
            with self._pen:
                self.canvas.place(screen)
            self._show_picture()

    def show(self, result: Any, settings: Mapping[str, Value]) -> None:
        """Draw a result and say what it means."""
        with self._pen:
            self.canvas.begin()
            self.lab.draw(result, self.canvas)
            self._draw_sketch(settings)
            self.result, self.verdict, self.shown = result, self.lab.verdict(result), dict(settings)
            self._words["verdict"] = asdict(self.verdict)
            self._words["code"] = self.lab.code(settings)
            self._words["text"] = self.lab.text(result) if self.lab.text else ""
            self._words["cards"] = [asdict(card) for card in self.lab.cards(result)] if self.lab.cards else []
            self._words["rounds"] = [asdict(each) for each in self.lab.rounds(result)] if self.lab.rounds else []
            self._show_picture()

    def tell(self, **words: Any) -> None:
        """Bring words and settings on the page up to date."""
        with self._pen:  # or a state that another thread made earlier could arrive later
            self._words |= words
            self.stage.state = self._words | {"knobs": {name: self._knob(name) for name in self.controls}}

    def receive(self, content: Any) -> None:
        """What the learner has done on the page: `do` names it. What goes wrong is told in the lab."""
        does: dict[str, Callable[..., None]] = {
            "move": self._move, "type": self._type, "preset": self._preset, "commit": self.commit,
            "place": self.place, **{name: getattr(self, name) for name in self.actions},
        }  # fmt: skip
        given = dict(content) if isinstance(content, Mapping) else {}
        self._words["answered"] = given.pop("n", 0)
        action = given.pop("do", None)
        if action != "place":
            self._words["message"], self.stage.errors = "", []
            self._count_use()
        try:
            if action not in [*does]:
                raise ValueError(f"do: {action!r} is not allowed; it must be one of {', '.join(does)}")
            does[action](**given)
        except (ValueError, Busy) as error:
            self.tell(message=str(error))
        except Exception as error:
            self.show_error(error)
        else:
            self.tell()

    @property
    def actions(self) -> tuple[str, ...]:
        """What the page may ask for by name alone."""
        return ("reset", "surprise", "pin", "skip", "ask")

    def show_error(self, error: Exception) -> None:
        """Show an error in plain words, and keep it as an error output that a rerun of the notebook finds."""
        self.stage.errors = [as_output(error)]
        self.tell(message=f"These settings do not work: {error} ({type(error).__name__})")

    def _count_use(self) -> None:
        """Keep, once for each time that it is shown, that the learner has used this lab."""
        if not self._is_used:
            self._is_used = True
            progress.count_use(self.lab.name)

    def _spec(self) -> dict[str, Any]:
        question = self.lab.question
        return {
            "title": self.lab.title,
            "knobs": [control.spec for control in self.controls.values()],
            "presets": list(self.lab.presets),
            "question": self._question_spec(question) if question else None,
            "trains": self.trains,
            "cards": self.lab.cards is not None,
        }

    @staticmethod
    def _question_spec(question: Question) -> dict[str, Any]:
        sketch = asdict(question.sketch) | {"points": POINTS} if question.sketch else None
        return {"text": question.text, "choices": list(question.choices), "sketch": sketch}

    def _knob(self, name: str) -> dict[str, Any]:
        """How a knob stands, and where it stood for the curves in grey and for those on the picture, if elsewhere."""
        control = self.controls[name]
        found = control.state
        for word, settings in (("was", self._compared), ("shown", self.shown)):
            differs = name in settings and settings[name] != control.value
            found[word] = as_text(settings[name]) if differs else ""
        return found

    def _show_first(self) -> None:
        self._compute_and_show()

    def _compute_and_show(self) -> None:
        settings = self.settings
        self.show(self.lab.compute(**settings), settings)
        self._compare_guess()

    def _show_picture(self) -> None:
        with self._pen, self.stage.hold_sync():
            self.canvas.alt = f"{self.lab.title}. {self.sentence}"
            self.stage.picture = self.canvas.render()
            self.tell(alt=self.canvas.alt)

    def _turn(self, settings: Mapping[str, Value]) -> None:
        _refuse_unknown(self.lab, settings, self.controls)
        checked = {name: self.controls[name].knob.check(value) for name, value in settings.items()}
        self._begin_comparison()
        for name, value in checked.items():
            self.controls[name].set(value)
        self.canvas.forget_limits()

    def _move(self, knob: str, place: int) -> None:
        self.controls[knob].move(place)
        self._begin_comparison(knob)
        self.answer()

    def _type(self, knob: str, text: str) -> None:
        self.controls[knob].type(text)
        self._begin_comparison(knob)
        self.answer()

    def _preset(self, name: str) -> None:
        self.set(**(self.first_settings | dict(self.lab.presets[name])))

    def _begin_comparison(self, knob: str = "") -> None:
        """Leave the last result in grey, unless the same knob only goes on moving, or one is pinned."""
        if not self._words["pinned"] and (not knob or knob != self._turned):
            with self._pen:
                self.canvas.keep_ghost()
                self._compared = self.shown
        self._turned = knob

    def _draw_sketch(self, settings: Mapping[str, Value]) -> None:
        sketch = self.lab.question.sketch if self.lab.question else None
        if sketch and self._sketch and settings == self._asked_settings:
            start, end = sketch.x
            places = [start + (end - start) * n / (POINTS - 1) for n in range(POINTS)]
            self.canvas.curve(sketch.panel, "you", places, self._sketch, "before")

    def _asked(self) -> Question:
        if self.lab.question is None:
            raise ValueError(f"{self.lab.title}: it asks nothing")
        return self.lab.question

    @property
    def _asked_settings(self) -> dict[str, Value]:
        return self.first_settings | dict(self._asked().settings)

    def _compare_guess(self) -> None:
        """Tell a prediction and the truth, once, when the result that was asked about is there."""
        if self._guess is None or self.shown != self._asked_settings:
            return
        guess, self._guess, question = self._guess, None, self._asked()
        truth = question.answer(self.result)
        mark = judge(question, guess, truth)
        sentence = told(question, guess, truth, mark)
        progress.keep(
            "prediction", f"lab.{self.lab.name}", text=question.text, given=str(guess), mark=mark, told=sentence
        )
        self.tell(question={"veiled": False, "told": sentence, "mark": mark, "score": score()})

    def _ipython_display_(self) -> None:
        show_live(self.stage)
        metadata = {"image/png": {"alt": self.canvas.alt}}
        display(still(self.lab.title, self.sentence, self.stage.picture, self.canvas.alt), raw=True, metadata=metadata)


def _refuse_unknown(lab: Lab, names: Iterable[str], knobs: Iterable[str]) -> None:
    for name in names:
        if name not in knobs:
            raise ValueError(f"{name}: {lab.title!r} has no such knob; it has {', '.join(knobs)}")
