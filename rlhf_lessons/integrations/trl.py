"""The doctor as a callback: it reads the log of a trainer while it trains, and speaks up.

    trainer = RewardTrainer(..., callbacks=[DoctorCallback("report.txt", stop_on={"divergence"})])

For every trainer built on that of transformers: TRL's RewardTrainer, DPOTrainer, KTOTrainer, GRPOTrainer, RLOOTrainer.
"""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from transformers import TrainerCallback

from rlhf_lessons import files
from rlhf_lessons.diagnostics.bars import Bars
from rlhf_lessons.diagnostics.findings import Diagnosis, Finding, Kind
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.rules import RULES
from rlhf_lessons.refusals import check_choice, shown

# The class of a trainer's arguments -> what it trains.
KINDS: dict[str, Kind] = {
    "RewardConfig": "reward_model",
    "DPOConfig": "dpo",
    "ORPOConfig": "orpo",
    "KTOConfig": "kto",
    "GRPOConfig": "grpo",
    "RLOOConfig": "grpo",
    "PPOConfig": "ppo",
    "SFTConfig": "sft",
}
EVERY = 10  # logs
GROWTH = 0.1  # of the log: so all readings of a run together cost at most 11 times the last one, but for the first few


class DoctorWarning(UserWarning):
    """The log of a run shows a fault."""


class DoctorCallback(TrainerCallback):
    """Runs the rules of `diagnose` on the trainer's log while it trains.

    Each fault is a `DoctorWarning`, once, with its step. A fault that a run may show in its first steps and lose again
    counts once two readings in a row have found it; `Rule.early` faults, such as a loss that is NaN, count at once, and
    so does all that the last reading finds. Remarks, and what it is too early to say, warn nobody. Every process of a
    distributed run reads the same log and stops at the same step; the first one speaks.

    report: where the diagnosis is written at the end, as a page if the name ends in .html, else as text.
    stop_on: names or codes of faults that end the run, such as {"divergence", "RM003"}.
    every: at least so many new logs lie between two readings, and a tenth of the log once that is more.
    kind: what is trained, where the class of the trainer's arguments does not say. ceiling: as of `diagnose`.
    diagnosis: what the last reading found; None before it, and where nothing could be read.
    stopped_by: the fault that ended the run.

    Raises ValueError, in one line, for a fault that no rule is about and for other values out of their range.
    """

    def __init__(
        self,
        report: str | Path | None = None,
        *,
        stop_on: Iterable[str] = (),
        every: int = EVERY,
        kind: Kind | None = None,
        ceiling: float | None = None,
    ) -> None:
        self.stop_on = frozenset([stop_on] if isinstance(stop_on, str) else stop_on)
        for fault in sorted(self.stop_on):
            check_choice("stop_on", fault, known_faults())
        if kind is not None:
            check_choice("kind", kind, get_args(Kind))
        if isinstance(every, bool) or not isinstance(every, int) or every < 1:
            raise ValueError(f"every: {shown(every)} is not allowed; it must be a whole number, 1 or more")
        Bars(ceiling)  # refuses what is no ceiling before the run, not in it
        self.report = None if report is None else Path(report)
        self.every, self.kind, self.ceiling = every, kind, ceiling
        self._begin()

    def _begin(self) -> None:
        self.diagnosis: Diagnosis | None = None
        self.stopped_by: Finding | None = None
        self._warned: set[str] = set()
        self._suspected: set[str] = set()
        self._next = self.every

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._begin()

    def on_log(self, args: Any, state: Any, control: Any, eval_dataloader: Any = None, **_: Any) -> None:
        n = len(state.log_history)
        if n < self._next:
            return
        self._next = n + max(self.every, int(GROWTH * n))
        faults = self._read(args, state, eval_dataloader)
        certain = [fault for fault in faults if fault.code in self._suspected or RULES[fault.code].early]
        self._suspected = {fault.code for fault in faults}
        for fault in certain:
            if self.stopped_by is None and not self.stop_on.isdisjoint((fault.code, fault.name)):
                self.stopped_by, control.should_training_stop = fault, True
            self._warn(fault, state)

    def on_train_end(self, args: Any, state: Any, control: Any, eval_dataloader: Any = None, **_: Any) -> None:
        for fault in self._read(args, state, eval_dataloader):
            self._warn(fault, state)
        if self.report is not None and state.is_world_process_zero:
            self._write(self.report, state)

    def _read(self, args: Any, state: Any, held_out: Any) -> list[Finding]:
        """The faults that the log shows now. The trainer knows two numbers that its log lacks; they are added to it."""
        kind = self.kind or next((KINDS[c.__name__] for c in type(args).__mro__ if c.__name__ in KINDS), None)
        pairs = getattr(held_out, "dataset", ())  # a stream has no length
        known = {"eval_n_pairs": len(pairs)} if hasattr(pairs, "__len__") and len(pairs) else {}
        records = [
            {**record, "max_steps": state.max_steps, **(known if "eval_loss" in record else {})}
            for record in state.log_history
        ]
        try:
            self.diagnosis = diagnose(records, kind=kind, ceiling=self.ceiling)
        except ValueError:  # nothing in the log that can be read, as yet
            self.diagnosis = None
        if self.diagnosis is None or self.diagnosis.state != "sick":
            return []
        return [found for found in self.diagnosis.findings if found.grave]

    def _warn(self, fault: Finding, state: Any) -> None:
        if fault.code in self._warned:
            return
        self._warned.add(fault.code)
        where = f"step {state.global_step}" if fault.step is None else f"{fault.place} {fault.step:g}"
        _say(state, f"{where}: {fault}{' The run is stopped.' if fault is self.stopped_by else ''}")

    def _write(self, path: Path, state: Any) -> None:
        """A report that cannot be written must not cost the run: its model may not be saved yet."""
        if self.diagnosis is None:
            return _say(state, f"report: {str(path)!r} is not written; nothing in the log could be read")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            page = self.diagnosis.html(path.stem) if path.suffix == ".html" else f"{self.diagnosis}\n"
            files.replace(path, page.encode())
        except OSError as error:
            _say(state, f"report: {str(path)!r} cannot be written ({error.strerror})")


def known_faults() -> list[str]:
    """What `stop_on` may name: the codes of all rules, then their names."""
    return [*RULES, *sorted({rule.name for rule in RULES.values()})]


def _say(state: Any, sentence: str) -> None:
    if state.is_world_process_zero:
        warnings.warn(sentence, DoctorWarning, stacklevel=2)
