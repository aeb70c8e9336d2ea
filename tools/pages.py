"""The notebooks as pages that need no network: `make pages` writes build/pages.

nbconvert's own pages fetch MathJax for their formulas; here LaTeX becomes MathML, which browsers draw themselves.
"""

import argparse
import re
from pathlib import Path

import nbformat
from latex2mathml.converter import convert
from nbconvert import HTMLExporter

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS, PAGES = ROOT / "notebooks", ROOT / "build" / "pages"
CODE = r"```.*?```|`[^`\n]*`"  # where a dollar is a dollar
FORMULA = re.compile(rf"(?P<code>{CODE})|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)  # all of them fetch something, or work on what was fetched
LINK = re.compile(r'(href="\d\d_\w+)\.ipynb"')


def with_mathml(text: str) -> str:
    """Markdown with its formulas, $inline$ and $$block$$, as MathML; what stands in code is left alone."""

    def drawn(found: re.Match[str]) -> str:
        if found["code"]:
            return found["code"]
        return convert(found["block"] or found["inline"], display="block" if found["block"] else "inline")

    return FORMULA.sub(drawn, text)


def page(path: Path) -> str:
    """A notebook as one HTML page that fetches nothing."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_mathml(cell.source)
    html, _ = HTMLExporter().from_notebook_node(notebook, {"metadata": {"name": path.stem}})
    return LINK.sub(r'\1.html"', SCRIPT.sub("", html))


def main(arguments: list[str] | None = None) -> None:
    """The program."""
    parser = argparse.ArgumentParser(prog="python -m tools.pages", description=__doc__)
    parser.add_argument("--to", type=Path, default=PAGES, help="the folder to write")
    folder = parser.parse_args(arguments).to
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        (folder / f"{path.stem}.html").write_text(page(path), encoding="utf-8")
    print(f"{folder}: open 00_start_here.html")


if __name__ == "__main__":
    main()
