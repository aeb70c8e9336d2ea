"""The teacher's slides, made of the notebooks' own cells: `make slides` writes build/slides.

A deck for each notebook, a slide for each of its sections: what it begins with, and then, one below the other, what
it predicts, its exercises, its pictures and its short results. Nothing is run, and nothing is fetched.
"""

import argparse
import re
import shutil
import sys
from html import escape
from importlib.resources import files
from pathlib import Path

import nbformat
from nbconvert import SlidesExporter
from nbformat.v4 import new_notebook
from traitlets.config import Config

from rlhf_lessons import reruns
from tools.book import ROOT, faults
from tools.deck import NO_CODE, Deck

SETTINGS, SLIDES = ROOT / "docs" / "slides", ROOT / "build" / "slides"
STYLES = ("regular", "italic", "semibold", "semibolditalic")
FONT = "theme/fonts/source-sans-pro/source-sans-pro"
REVEAL = ["reveal.js", "reveal.css", "theme/white.css", f"{FONT}.css", *(f"{FONT}-{style}.woff" for style in STYLES)]
LOCAL_LINK = re.compile(r'<a [^>]*href="(?!https?:|#)[^"]*"[^>]*>(.*?)</a>', re.DOTALL)


def page(path: Path) -> str:
    """A notebook as one page of slides that fetches nothing but what `write` puts beside it."""
    deck = Deck()
    for cell in nbformat.read(path, as_version=4).cells:
        deck.add(cell)
    settings = Config(
        CSSHTMLHeaderPreprocessor={"style": "default"},
        TagRemovePreprocessor={"enabled": True, "remove_input_tags": {NO_CODE}},
    )
    template = (SETTINGS / "deck.html.j2").read_text(encoding="utf-8")
    exporter = SlidesExporter(
        config=settings,
        raw_template=template,
        reveal_url_prefix="reveal",
        reveal_theme="white",
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    html, _ = exporter.from_notebook_node(new_notebook(cells=deck.cells), {"metadata": {"name": path.stem}})
    return LOCAL_LINK.sub(r"\1", html.replace("reveal/dist/", "reveal/"))


def write(folder: Path) -> None:
    """Write all decks with reveal.js beside them, and an index."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in REVEAL:
        (folder / "reveal" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(files("sphinx_revealjs") / "_static/revealjs/dist" / name), folder / "reveal" / name)
    shutil.copy(SETTINGS / "deck.css", folder)
    entries = []
    for path in reruns.list_notebooks(reruns.NOTEBOOKS):
        (folder / f"{path.stem}.html").write_text(page(path), encoding="utf-8")
        entries.append(f'<li><a href="{path.stem}.html">{escape(reruns.title(path))}</a></li>')
    head = '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Slides</title><h1>Slides</h1>'
    keys = "<p>Arrows or the space bar go on, Esc shows all slides, F fills the screen, B makes it black.</p>"
    (folder / "index.html").write_text(f"{head}{keys}<ul>{''.join(entries)}</ul>", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tools.slides", description=__doc__)
    parser.add_argument("--to", type=Path, default=SLIDES, help="the folder to write")
    folder = parser.parse_args(arguments).to
    write(folder)
    if found := faults(folder):
        sys.exit("\n".join(found))
    print(f"{folder}: open index.html")


if __name__ == "__main__":
    main()
