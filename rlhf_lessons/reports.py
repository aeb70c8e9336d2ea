"""What `rlhf-lessons diagnose` does with files: reads each, says what it proves, keeps it as JSON, page or picture."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import typer
from rich.console import Console

from rlhf_lessons import files
from rlhf_lessons.diagnostics import blocks
from rlhf_lessons.diagnostics.bars import Bars
from rlhf_lessons.diagnostics.findings import Diagnosis, Kind
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.names import stage_name
from rlhf_lessons.diagnostics.logs.readers import events
from rlhf_lessons.diagnostics.page import page, section
from rlhf_lessons.plain_words import REFUSED, in_a_line
from rlhf_lessons.refusals import check_choice

STANDARD_INPUT = "-"
SCHEMA_VERSION = 1  # of the JSON: a name that is removed, or means something else, raises it
EXIT_CODES = {"healthy": 0, "sick": 1, "cannot tell": 3, "unreadable": REFUSED}
WORST_FIRST = ("unreadable", "sick", "cannot tell", "healthy")


@dataclass(frozen=True)
class Report:
    """What came of one file: a diagnosis, or the line that says why it cannot be read."""

    source: str
    diagnosis: Diagnosis | None = None
    refusal: str = ""

    @property
    def state(self) -> str:
        return self.diagnosis.state if self.diagnosis else "unreadable"

    def record(self) -> dict[str, Any]:
        """The JSON of one file, which docs/diagnose.md explains."""
        found = self.diagnosis
        whole: dict[str, Any] = {"kind": None, "state": self.state, "verdict": self.refusal, "ready_for_ppo": False}
        runs = []
        if found:
            whole = {name: found.record()[name] for name in whole}
            runs = [{"run": name, **run.record()} for name, run in found.each_run().items()]
        return {"schema_version": SCHEMA_VERSION, "source": self.source, **whole, "runs": runs}

    def sections(self, name: str) -> list[str]:
        """Its part of a page."""
        if self.diagnosis:
            return self.diagnosis.sections(name)
        return [section(name, {**self.record(), "findings": [], "log_next": []}, "", ())]


def question(kind: str | None, ceiling: float | None) -> tuple[Kind | None, float | None]:
    """What is asked of every file alike. Raises ValueError for what is not allowed."""
    Bars(ceiling)
    if kind is None:
        return None, ceiling
    check_choice("kind", kind, get_args(Kind))
    return cast(Kind, kind), ceiling


def read(sources: Sequence[Path], kind: Kind | None, ceiling: float | None) -> Iterator[Report]:
    """Each file's report, as soon as it is made; `-` is standard input."""
    for path in sources:
        source = stage_name(str(path))
        try:
            content = sys.stdin.buffer.read() if source == STANDARD_INPUT else files.read(path)
            log = content if events.sniff(content) else files.decode(content, repr(str(path)))
            yield Report(source, diagnose(log, kind, ceiling))
        except (ValueError, OSError) as error:
            yield Report(source, refusal=in_a_line(error))


def show(report: Report, headed: bool, as_json: bool) -> None:
    """Print what was found: as JSON on one line, or in words, under the file's name if `headed`."""
    if report.refusal:
        typer.echo(f"{report.source}: {report.refusal}" if headed else report.refusal, err=True)
    if as_json:
        typer.echo(json.dumps(report.record(), allow_nan=False))
    elif report.diagnosis:
        head = f"==> {report.source} <==\n" if headed else ""
        runs = "\n\n".join(_words(name, run) for name, run in report.diagnosis.each_run().items())
        typer.echo(f"{head}{runs}" + "\n" * headed)


def _words(name: str, run: Diagnosis) -> str:
    codes = " ".join(finding.code for finding in run.findings if finding.code)
    more = [f"What to do, and look-alikes: rlhf-lessons explain {codes}"] if codes else []
    return "\n".join([*filter(None, [name]), str(run), *more, *_curves(run)])


def _curves(run: Diagnosis) -> list[str]:
    """Its curves as blocks, where a person may be looking at a terminal that knows them."""
    console = Console(markup=False, highlight=False, emoji=False)
    if not (run.panels and console.is_terminal and console.encoding.startswith("utf")):
        return []
    with console.capture() as drawn:
        console.print(blocks.table(run.panels))
    return [drawn.get().rstrip()]


def worst(reports: Sequence[Report]) -> int:
    """The exit code of all."""
    states = {report.state for report in reports}
    return EXIT_CODES[next(state for state in WORST_FIRST if state in states)]


def write_html(reports: Sequence[Report], output: Path) -> None:
    """One page with all of them."""
    one = reports[0].source if len(reports) == 1 else ""
    sections = [part for report in reports for part in report.sections("" if one else report.source)]
    _write("html", output, page(f"{one or f'{len(reports)} training logs'}: diagnosis", sections).encode())


def write_picture(reports: Sequence[Report], output: Path) -> None:
    """One PNG with the curves of all; ValueError if there are none."""
    from rlhf_lessons.plots.diagnosis import diagnosis_picture  # matplotlib takes a second to load

    found = [(report.source, report.diagnosis) for report in reports if report.diagnosis]
    runs = {" ".join(filter(None, (name, run))): one for name, log in found for run, one in log.each_run().items()}
    _write("picture", output, diagnosis_picture(runs).png())


def check_output(field: str, output: Path | None, ending: str, sources: Sequence[Path]) -> None:
    """Raise ValueError if it must not be written there: before anything is read."""
    if output is None:
        return
    if output.suffix.lower() != ending:
        raise ValueError(f"{field}: {str(output)!r} is not allowed; it must end in {ending}")
    if output.exists() and any(output.samefile(source) for source in sources if source.exists()):
        raise ValueError(f"{field}: {str(output)!r} is one of the logs; it must be another file")
    if output.exists() and not output.is_file():
        raise ValueError(f"{field}: {str(output)!r} is not an ordinary file; it must be one, and no folder or pipe")


def _write(field: str, output: Path, content: bytes) -> None:
    try:
        files.replace(output, content)
    except OSError as error:
        raise OSError(f"{field}: {str(output)!r} cannot be written ({error.strerror or error})") from None
