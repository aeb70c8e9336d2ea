"""A diagnosis as HTML: a piece for a notebook, or a page that needs no network and no script.

What it shows is the plain data of `Diagnosis.record`, and the curves. All that came from a log is escaped.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from rlhf_lessons.diagnostics.chart import Mark, figure
from rlhf_lessons.diagnostics.logs.curves import Panel
from rlhf_lessons.diagnostics.logs.wording import look_alikes

# Colours of text and ground are those of whoever shows it, so it can be read in light and in dark.
STYLE = """
.rlhf-diagnosis { max-width: 60rem; line-height: 1.45; overflow-wrap: anywhere; }
.rlhf-diagnosis + .rlhf-diagnosis { margin-top: 2.5rem; border-top: 1px solid; }
.rlhf-diagnosis h2 { font-size: 1.2em; margin: .6em 0 .4em; }
.rlhf-diagnosis .state { color: #fff; border-radius: 4px; padding: .1em .5em; font-weight: 600; white-space: nowrap; }
.rlhf-diagnosis .sick { background: #b93a26; }
.rlhf-diagnosis .healthy { background: #1e7e45; }
.rlhf-diagnosis .open { background: #666; }
.rlhf-diagnosis .panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); }
.rlhf-diagnosis .panels { gap: .4rem 1.5rem; margin: .8rem 0; }
.rlhf-diagnosis figure { margin: 0; max-width: 30rem; }
.rlhf-diagnosis figcaption { font-size: .9em; }
.rlhf-diagnosis figcaption span { margin-right: 1em; display: inline-block; }
.rlhf-diagnosis figure > img { width: 100%; height: auto; display: block; }
.rlhf-diagnosis .key { width: 26px; height: 8px; margin: 0; display: inline; }
.rlhf-diagnosis li { margin: .5em 0; }
.rlhf-diagnosis li p { margin: .15em 0; }
.rlhf-diagnosis pre { white-space: pre-wrap; font-size: .85em; }
"""
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>:root {{ color-scheme: light dark; font-family: sans-serif; }}
body {{ margin: 1rem auto; max-width: 60rem; padding: 0 1rem; overflow-wrap: anywhere; }}
h1 {{ font-size: 1.5em; }}{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


def page(title: str, sections: Iterable[str]) -> str:
    """A whole page with these sections."""
    return PAGE.format(title=escape(title), style=STYLE, body="\n".join(sections))


def fragment(sections: Iterable[str]) -> str:
    """For a notebook: the sections with their style."""
    return f"<style>{STYLE}</style>\n" + "\n".join(sections)


def section(name: str, run: Mapping[str, Any], reading: str, panels: Sequence[Panel]) -> str:
    """One run: its state, the curves with the places marked, findings and what to do, and what was read.

    name: of the file or run; run: as `Diagnosis.record`; reading: the same in words.
    """
    state = run["state"]
    css = state if state in ("healthy", "sick") else "open"
    title = f"{escape(name)} " if name else ""
    parts = [f'<h2>{title}<span class="state {css}">{escape(state)}</span></h2>', _paragraph(run["verdict"])]
    if panels:
        drawn = "".join(figure(panel, marks(panel, run["findings"])) for panel in panels)
        parts += [f'<div class="panels">{drawn}</div>']
    parts += [f"<ol>{''.join(map(_finding, run['findings']))}</ol>"] if run["findings"] else []
    parts += [_paragraph(f"To say more, log {', '.join(run['log_next'])}.")] if run["log_next"] else []
    parts += [f"<details><summary>What was read</summary><pre>{escape(reading)}</pre></details>"] if reading else []
    return f'<section class="rlhf-diagnosis">{"".join(parts)}</section>'


def marks(panel: Panel, findings: Sequence[Mapping[str, Any]]) -> list[Mark]:
    """Where findings begin, as far as this panel shows what they rest on."""
    shown = {curve.name for curve in panel.curves}
    return [
        (number, found["step"])
        for number, found in enumerate(findings, start=1)
        if found["step"] is not None and found["place"] == panel.place and shown & {*found["metrics"]}
    ]


def _finding(found: Mapping[str, Any]) -> str:
    code = f" ({found['code']})" if found["code"] else ""
    where = f"{found['place']} {found['step']:g}" if found["step"] is not None else ""
    begins = f" It begins at {where}." if where not in found["evidence"] else ""
    parts = [
        f"<p><b>{escape(_capital(found['name']))}</b>{escape(code)}: {escape(found['evidence'])}.{escape(begins)}</p>"
    ]
    if found["alternatives"]:
        parts += [_paragraph(look_alikes(found["alternatives"], found["tell_apart"]))]
    parts += [f"<p><b>What to do:</b> {escape(found['advice'])}.</p>"] if found["advice"] else []
    return f"<li>{''.join(parts)}</li>"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
