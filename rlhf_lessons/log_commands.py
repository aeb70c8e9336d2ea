"""The commands about training logs: `rlhf-lessons diagnose` and `rlhf-lessons explain`."""

# pandas takes half a second to load: a command imports what it needs of it itself.
from pathlib import Path
from typing import Annotated

import typer

from rlhf_lessons.plain_words import number


def diagnose(
    file: Annotated[list[Path], typer.Argument(help="Training logs in any form; - reads standard input.")],
    kind: Annotated[str | None, typer.Option(help="What was trained, where the log does not say.")] = None,
    ceiling: Annotated[float | None, number(help="The best accuracy that anybody could reach on its pairs.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, one object a file.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Draw the curves into this PNG.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with curves, findings and what to do.")] = None,
) -> None:
    """Say what training logs prove. Exit code: 0 healthy, 1 sick, 3 cannot tell, 2 unreadable; of several, the worst.

    A log that holds several runs or stages is read run by run; 2 is worse than 1, 1 than 3, and 3 than 0.
    """
    from rlhf_lessons import reports

    asked = reports.question(kind, ceiling)
    reports.check_output("picture", picture, ".png", file)
    reports.check_output("html", html, ".html", file)
    found = []
    for report in reports.read(file, *asked):
        found.append(report)
        reports.show(report, len(file) > 1, as_json)
    if html:
        reports.write_html(found, html)
    if picture:
        reports.write_picture(found, picture)
    raise typer.Exit(reports.worst(found))


def explain(
    code: Annotated[list[str] | None, typer.Argument(help="Codes of findings, such as RM003.")] = None,
) -> None:
    """What a finding of `diagnose` means, its arithmetic and look-alikes, and what to do; without a code, all codes."""
    from rlhf_lessons.diagnostics.logs import rule, rules

    if code:
        typer.echo("\n\n\n".join([rules.explain(name.upper()) for name in code]))
        return
    width = max(len(one.name) for one in rules.RULES.values())
    for name, one in sorted(rules.RULES.items()):
        typer.echo(f"{name:8} {one.name:{width}} {'all' if one.kinds == rule.ANY else ', '.join(sorted(one.kinds))}")
