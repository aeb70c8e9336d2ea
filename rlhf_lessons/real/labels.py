"""Labels of answer pairs on disk: nothing that was pressed is lost, and TRL trains on the file as it is.

Two files. The *journal* (`labels.journal.jsonl`) is the truth: a line for each press, appended and brought to the disk
before the press counts. The *training file* (`labels.jsonl`) is made of it after each press, replaced whole: the
preference form of TRL with message lists, a row for each pair of which one answer was chosen.

Why two: TRL's trainers drop columns that they do not know, but they train on every row. So a tie, a skip, a press that
was taken back and a pair that was shown again cannot stand in the training file, and all of them are wanted: for
agreement, and to go on where one stopped. Nor can a file that is only appended to forget what was taken back.

A line counts once its end is written; half a line, which a kill or a full disk may leave, is dropped by who reads and
cut off by who writes next. Who writes holds a lock, so that two windows on one file lose nothing of each other.
"""

import json
import os
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from rlhf_lessons import files, locks, progress
from rlhf_lessons.messages import Message, preference
from rlhf_lessons.statistics.kappa import Opinion

SUFFIX, JOURNAL_SUFFIX = ".jsonl", ".journal.jsonl"
HEAD = b'{"journal": "rlhf-lessons labels", "form": 1}\n'
PATIENCE = 10  # seconds that a press waits for another window's

Choice = Literal["1", "2", "tie", "skip"]
PairKey = tuple[str, str, str]  # question, and its two answers in the order of the alphabet


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    window: str
    time: str = Field(default_factory=lambda: datetime.now().astimezone().isoformat(timespec="seconds"))


class Label(_Line):
    """One press: which of two `answers` to a question is better. `answers` stand as they were shown, 1 before 2.

    window: who pressed, a word of its own for each lab on a screen. source: whose answers they are.
    """

    question: Annotated[str, Field(min_length=1)]
    answers: tuple[str, str]
    choice: Choice
    source: str = ""
    id: str = Field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def pair(self) -> PairKey:
        return pair_of(self.question, *self.answers)

    @property
    def opinion(self) -> Opinion | None:
        """What it says of `pair`, whichever side each answer stood on. None for a skip."""
        if self.choice in ("tie", "skip"):
            return "tie" if self.choice == "tie" else None
        return "first" if self.answers[int(self.choice) - 1] == self.pair[1] else "second"


class Undo(_Line):
    """One press that takes a label back."""

    undo: str


class _Message(BaseModel):
    role: Literal["user", "assistant"]
    content: str


class _Row(BaseModel):
    """A row of the training file."""

    prompt: Annotated[list[_Message], Field(min_length=1, max_length=1)]
    chosen: Annotated[list[_Message], Field(min_length=1, max_length=1)]
    rejected: Annotated[list[_Message], Field(min_length=1, max_length=1)]


_LINE: TypeAdapter[Label | Undo] = TypeAdapter(Label | Undo)


def default_path() -> Path:
    """Where labels are kept unless a file is named: in a folder beside what a learner has done."""
    return progress.folder() / "labels" / f"labels{SUFFIX}"


def journal_of(path: Path) -> Path:
    """The journal of a training file. Raises ValueError for a name that does not end in `.jsonl`."""
    if path.suffix != SUFFIX or path.name.endswith(JOURNAL_SUFFIX):
        raise ValueError(f"file: {str(path)!r} is not allowed; its name must end in {SUFFIX}, not {JOURNAL_SUFFIX}")
    return path.with_suffix(JOURNAL_SUFFIX)


def read(path: Path) -> list[Label]:
    """The labels that stand, in the order in which they were made, those of all windows.

    Raises ValueError for a journal that is not one, OSError if it cannot be read.
    """
    return _standing(_lines(journal_of(path))[0])


def append(path: Path, label: Label) -> list[Label]:
    """Keep a label; gives all that stand then. It is on the disk when this returns.

    Raises OSError if it cannot be written, and ValueError for files that are not ours: nothing has changed then.
    """
    return _write(path, lambda _: label)


def undo(path: Path, window: str) -> list[Label]:
    """Take back the last label that stands of this window; gives all that stand then.

    Raises ValueError if this window has none; those of other windows stay. Raises otherwise as `append` does.
    """

    def last(standing: list[Label]) -> Undo:
        own = [label.id for label in standing if label.window == window]
        if not own:
            raise ValueError("undo: this window has made no label that stands; those of other windows stay")
        return Undo(window=window, undo=own[-1])

    return _write(path, last)


def refresh(path: Path) -> list[Label]:
    """Make the training file of the journal, which a kill may have prevented. Gives and raises as `append` does."""
    return _write(path, None) if journal_of(path).exists() or path.exists() else []


def trl_rows(labels: Iterable[Label]) -> list[dict[str, list[Message]]]:
    """TRL's preference form, `prompt`, `chosen`, `rejected`: a row for each pair that was first called better or worse.

    A tie, a skip, and a pair that is shown again make no row.
    """
    seen: dict[PairKey, Label] = {}
    for label in labels:
        if label.opinion:
            seen.setdefault(label.pair, label)
    return [_row(label) for label in seen.values() if label.opinion != "tie"]


def opinions(labels: Iterable[Label], time: int = 0) -> dict[PairKey, Opinion]:
    """What was said of each pair the first time (0), or when it was shown again (1). Skips are left out."""
    found: dict[PairKey, list[Opinion]] = {}
    for label in labels:
        if label.opinion:
            found.setdefault(label.pair, []).append(label.opinion)
    return {pair: said[time] for pair, said in found.items() if len(said) > time}


def read_opinions(path: Path) -> dict[PairKey, Opinion]:
    """What somebody says of each pair, from their journal, or from a training file, which holds no ties.

    Raises ValueError for a file that is neither, OSError if it cannot be read.
    """
    if path.name.endswith(JOURNAL_SUFFIX):
        return opinions(_standing(_lines(path, must_exist=True)[0]))
    found: dict[PairKey, Opinion] = {}
    for number, line in enumerate(files.read(path).split(b"\n"), start=1):
        if line.strip():
            row = _parse(TypeAdapter(_Row), line, path, number)
            chosen, rejected = row.chosen[0].content, row.rejected[0].content
            pair = pair_of(row.prompt[0].content, chosen, rejected)
            found.setdefault(pair, "first" if pair[1] == chosen else "second")
    return found


def pair_of(question: str, *answers: str) -> PairKey:
    """A pair by what it is, whichever answer stands first."""
    return question, min(answers), max(answers)


def _row(label: Label) -> dict[str, list[Message]]:
    chosen, rejected = label.answers if label.choice == "1" else label.answers[::-1]
    return preference(label.question, chosen, rejected)


def _json_line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def _parse(kind: TypeAdapter[Any], line: bytes, path: Path, number: int) -> Any:
    try:
        return kind.validate_json(line)
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise ValueError(f"file: {str(path)!r}, line {number} is no label ({why}); it is left as it is") from None


def _lines(journal: Path, must_exist: bool = False) -> tuple[list[Label | Undo], int]:
    """What a journal says, and how many of its bytes are whole lines."""
    content = files.read(journal) if journal.exists() or must_exist else b""
    if HEAD.startswith(content):  # new, or its first line was cut
        return [], len(content) if content == HEAD else 0
    if not content.startswith(HEAD):
        raise ValueError(f"file: {str(journal)!r} is no journal of labels; it is left as it is; name another file")
    whole = content.rfind(b"\n") + 1
    lines = content[:whole].split(b"\n")[1:-1]
    return [_parse(_LINE, line, journal, number) for number, line in enumerate(lines, start=2)], whole


def _standing(lines: Iterable[Label | Undo]) -> list[Label]:
    found: dict[str, Label] = {}
    for line in lines:
        if isinstance(line, Label):
            found.setdefault(line.id, line)
        elif line.undo in found and found[line.undo].window == line.window:
            del found[line.undo]
    return list(found.values())


def _write(path: Path, make: Callable[[list[Label]], Label | Undo] | None) -> list[Label]:
    """Add what `make` makes of the labels that stand to the journal, and make the training file; both or neither."""
    journal = journal_of(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.hold(path.with_suffix(".lock"), PATIENCE) as is_held:
        if not is_held:
            raise TimeoutError(f"file: {str(path)!r} has been held by another window for {PATIENCE} s; press again")
        lines, whole = _lines(journal)
        _refuse_foreign(path, lines)
        new = [] if make is None else [make(_standing(lines))]
        standing = _standing([*lines, *new])
        added = (b"" if whole else HEAD) + b"".join(_json_line(line.model_dump()) for line in new)
        try:
            with journal.open("ab") as file:
                file.truncate(whole)
                file.write(added)
                file.flush()
                os.fsync(file.fileno())
            files.replace(path, b"".join(map(_json_line, trl_rows(standing))))
        except OSError:
            if journal.exists():
                os.truncate(journal, whole)
            raise
    return standing


def _refuse_foreign(path: Path, lines: Iterable[Label | Undo]) -> None:
    """Whoever wrote rows into the training file would lose them."""
    known = {_json_line(_row(line)) for line in lines if isinstance(line, Label)}
    if path.exists() and not known.issuperset(files.read(path).splitlines(keepends=True)):
        raise ValueError(f"file: {str(path)!r} has rows that its journal has not; it is left as it is; name another")
