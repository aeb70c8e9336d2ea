"""The frame of a clinic: a ward of patients, tests that are ordered one at a time, and a diagnosis that is submitted.

The lab's knobs are `patient`, `diagnosis` and `consult`; the first choice of the last two means none. Its result has
a `report` for the tests to read, and says by `is_named` whether the diagnosis is right.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from rlhf_lessons import devices
from rlhf_lessons.knobs import Value
from rlhf_lessons.labs.frame.gauges import Test
from rlhf_lessons.labs.frame.lab import Lab
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.refusals import check_choice

KINDS = {"patient": "tiles", "diagnosis": "submit", "consult": "tiles"}
NOTE_LINES = {"patient": 2, "diagnosis": 0, "consult": 5}  # of text that the page keeps room for


@dataclass
class Chart:
    """What was done for one patient: the diagnosis submitted last, the tests, and how the first submission went.

    first: whether it was right, and how many tests were ordered by then; None while nothing was submitted.
    """

    said: Value = ""
    gauges: dict[str, dict[str, Any]] = field(default_factory=dict)
    first: tuple[bool, int] | None = None


class ClinicPanel(Panel):
    """Keeps a chart for each patient. Only the first submission of a patient counts, and only if nobody told it."""

    def __init__(
        self, lab: Lab, tests: Mapping[str, Test], counsel: Callable[[Any], str], initial: Mapping[str, Value]
    ):
        self.tests = tests
        self.charts: dict[Value, Chart] = {}
        self.preparing: threading.Thread | None = None  # trains the patients nobody has seen yet
        self._idle = threading.Event()  # nobody waits for an answer
        self._idle.set()
        self._counsel = counsel
        super().__init__(lab, initial)

    @property
    def chart(self) -> Chart:
        """The chart of the patient on the screen."""
        return self.charts.setdefault(self.settings["patient"], Chart())

    @property
    def score(self) -> str:
        """How the first submissions went."""
        firsts = [chart.first for chart in self.charts.values() if chart.first]
        if not firsts:
            return ""
        named, tests = (sum(numbers) for numbers in zip(*firsts, strict=True))
        each = tests / len(firsts)
        return f"Named at first submission: {named} of {len(firsts)}, with {each:.1f} tests each."

    @property
    def actions(self) -> tuple[str, ...]:
        """What the page may ask for by name."""
        return (*super().actions, "order")

    def order(self, test: str) -> None:
        """Do one test on the patient. Raises ValueError for a test that there is none of."""
        check_choice("test", test, self.tests)
        if test not in self.chart.gauges:
            self.chart.gauges[test] = asdict(self.tests[test].read(self.result.report))
        self.tell()

    def visit(self, patient: Value) -> None:
        """Go to a patient, with what was last said of it."""
        said = self.charts.get(patient, Chart()).said or self._none("diagnosis")
        self.set(patient=patient, diagnosis=said, consult=self._none("consult"))

    def reset(self) -> None:
        """Back to the first patient."""
        self.visit(self.first_settings["patient"])

    def surprise(self) -> None:
        """Another patient, one without a diagnosis if there is any."""
        everybody = [patient for patient in self.controls["patient"].stops if patient != self.settings["patient"]]
        unsaid = [patient for patient in everybody if not self.charts.get(patient, Chart()).said]
        self.visit(self._random.choice(unsaid or everybody))

    def place(self, width: int, height: int, ratio: float = 1.0, dark: bool = False, large: bool = False) -> None:
        """Draw for a screen of this size; while somebody looks at the first patient, get the others ready."""
        super().place(width, height, ratio, dark, large)
        if self.preparing is None:
            self.preparing = threading.Thread(target=self._prepare, daemon=True)
            self.preparing.start()

    def tell(self, **words: Any) -> None:
        """Bring words, settings and gauges on the page up to date."""
        super().tell(tests={name: self.chart.gauges.get(name) for name in self.tests}, **words)

    def receive(self, content: Mapping[str, Any]) -> None:
        """What the learner has done on the page; getting others ready waits meanwhile."""
        self._idle.clear()
        try:
            super().receive(content)
        finally:
            self._idle.set()

    def _prepare(self) -> None:
        devices.use()
        patients, here = self.controls["patient"].stops, self.controls["patient"].place
        nearest_first = sorted(patients, key=lambda patient: abs(patients.index(patient) - here))
        for examine in (False, True):  # pictures are asked for before tests
            for patient in nearest_first:
                self._idle.wait()
                result = self.lab.compute(patient=patient)
                if examine:
                    _ = result.report

    def _move(self, knob: str, place: int) -> None:
        value = self.controls[knob].stops[place]
        if knob == "patient":
            self.visit(value)
            return
        counts = knob == "diagnosis" and value != self._none("diagnosis") and not self.chart.said
        self.controls[knob].set(value)
        if counts:
            self.chart.first = self.lab.compute(**self.settings).is_named, len(self.chart.gauges)
        self.answer()

    def _compute_and_show(self) -> None:
        if self.settings["diagnosis"] != self._none("diagnosis"):
            self.chart.said = self.settings["diagnosis"]
        super()._compute_and_show()

    def _begin_comparison(self, knob: str = "") -> None:
        """Curves of another patient stay in grey only where the learner has pinned them."""

    def _none(self, knob: str) -> Value:
        return self.controls[knob].stops[0]

    def _spec(self) -> dict[str, Any]:
        spec = super()._spec()
        for knob in spec["knobs"]:
            knob |= {"kind": KINDS[knob["name"]], "lines": NOTE_LINES[knob["name"]]}
        return spec | {"tests": [{"name": name, "about": test.about} for name, test in self.tests.items()]}

    def _knob(self, name: str) -> dict[str, Any]:
        found = super()._knob(name) | {"was": ""}
        if name == "patient":
            firsts = [self.charts.get(patient, Chart()).first for patient in self.controls["patient"].stops]
            marks = ["" if first is None else "solved" if first[0] else "missed" for first in firsts]
            return found | {"marks": marks, "note": self.score}
        if name == "consult":
            return found | {"note": self._counsel(self.result)}
        return found | {"case": self.settings["patient"]}
