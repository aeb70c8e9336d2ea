"""The whole course as pages that need no network: `make book` writes build/book.

The notebooks stand in it as they were executed; nothing is run. Sphinx refuses a link of a text that leads nowhere,
and `faults` looks at every page once more, outputs included.
"""

import argparse
import re
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.cmd.build import build_main

from tools.api_pages import package_page

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "docs" / "book"
BOOK, SOURCES = ROOT / "build" / "book", ROOT / "build" / "book_sources"
NO_PAGES = shutil.ignore_patterns(".*", "build", "benchmarks", "tests", "__pycache__")
LINK = re.compile(r'<(\w+)\b[^>]*?\s(?:href|src)="([^"]+)"')
ANCHOR = re.compile(r'\sid="([^"]+)"')


def gather(folder: Path) -> None:
    """Copy what the pages are made of and what they link to, and add the table of contents and the reference."""
    shutil.copytree(ROOT, folder, ignore=NO_PAGES, dirs_exist_ok=True)
    with (folder / "README.md").open("a", encoding="utf-8") as front:
        front.write((SETTINGS / "contents.md").read_text(encoding="utf-8"))
    (folder / "api").mkdir(exist_ok=True)
    for path in (ROOT / "rlhf_lessons").rglob("__init__.py"):
        name = ".".join(path.parent.relative_to(ROOT).parts)
        (folder / "api" / f"{name}.md").write_text(package_page(path.parent, ROOT), encoding="utf-8")


def build(sources: Path, folder: Path) -> None:
    """Write the book. Raises RuntimeError if Sphinx warns of anything; it prints what."""
    options = ["--fail-on-warning", "--keep-going", "--quiet", "--fresh-env"]
    places = ["--conf-dir", SETTINGS, "--doctree-dir", sources / ".doctrees", sources, folder]
    if build_main([*options, *map(str, places)]):
        raise RuntimeError("the book is not whole: see the lines above")
    shutil.copy(folder / "README.html", folder / "index.html")


def faults(folder: Path) -> list[str]:
    """What is wrong with the pages in a folder: links to no file or no place, and whatever a page would fetch."""
    texts = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.html"))}
    anchors = {path: set(ANCHOR.findall(text)) for path, text in texts.items()}
    found = []
    for path, text in texts.items():
        for tag, link in LINK.findall(text):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if tag != "a" and parts.scheme != "data":
                    found.append(f"{path.relative_to(folder)}: <{tag}> fetches {link}")
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists() or (parts.fragment and unquote(parts.fragment) not in anchors.get(target, ())):
                found.append(f"{path.relative_to(folder)}: {link} leads nowhere")
    return found


def main(arguments: list[str] | None = None) -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tools.book", description=__doc__)
    parser.add_argument("--to", type=Path, default=BOOK, help="the folder to write")
    folder = parser.parse_args(arguments).to.resolve()
    shutil.rmtree(SOURCES, ignore_errors=True)
    gather(SOURCES)
    build(SOURCES, folder)
    if found := faults(folder):
        sys.exit("\n".join(found))
    print(f"{folder}: open index.html")


if __name__ == "__main__":
    main()
