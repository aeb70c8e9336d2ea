"""The header of every notebook: where you are, and what is done; and what a learner has done, counted.

It is plain HTML with inline styles and inherited colours, so that it looks and works the same in any theme, on a
web page, and in a notebook that JupyterLab does not trust.
"""

from dataclasses import dataclass
from html import escape
from pathlib import Path

from rlhf_lessons import progress_table, reruns, store, tables

BOX = "border:1px solid;border-radius:6px;padding:6px 12px;line-height:1.9"
ITEM = "display:inline-block;margin-right:18px"
CURRENT = f"{ITEM};font-weight:bold;border-bottom:3px solid"


@dataclass(frozen=True)
class Links:
    """Some words with links, for a notebook; in text alone without the links."""

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def here(which: str) -> Links:
    """All notebooks in order: `which` (such as "03") is marked, the others are links, a tick stands at what is done.

    Done is whose last code cell has kept its result. From here on tables show as `rlhf_lessons.tables` says. Raises
    ValueError if there is no such notebook.
    """
    tables.install()
    paths, place = _course(which)
    done = [(store.home() / store.RESULTS / f"{path.stem}.json").exists() for path in paths]
    items = []
    for path, is_done in zip(paths, done, strict=True):
        name, tick = escape(_short(path)), ' <span title="done">✓</span>' if is_done else ""
        if path == paths[place]:
            items.append(f'<span style="{CURRENT}" aria-current="page" title="you are here">{name}{tick}</span> ')
        else:
            items.append(f'<span style="{ITEM}"><a href="{escape(path.name)}">{name}</a>{tick}</span> ')
    count = f'<span style="{ITEM}">{sum(done)} of {len(paths)} done</span>' if any(done) else ""
    text = f"You are here: {_short(paths[place])}, notebook {place + 1} of {len(paths)}"
    return Links(_nav("Where you are in the course", "".join(items) + count), text)


def progress() -> Links:
    """What you have done so far, counted. It is kept on this machine; `rlhf-lessons progress --forget` removes it."""
    table = progress_table.summary()
    text = "Nothing is done yet. What you do is kept on this machine alone."
    inside = f"<p>{text}</p>" if table.empty else tables.as_html(table)
    name = 'aria-label="Your progress" title="Your progress"'
    html = f'<section {name} style="border:1px solid;padding:6px 12px"><b>Your progress</b>{inside}</section>'
    return Links(html, text if table.empty else table.to_string())


def _course(which: str) -> tuple[list[Path], int]:
    """The notebooks in the folder of the one that is open, and its place; where it lies elsewhere, the course's own."""
    is_here = any(Path.cwd().glob(f"{which}_*.ipynb"))
    folder = Path.cwd() if is_here else reruns.NOTEBOOKS
    paths = reruns.list_notebooks(folder)
    return paths, paths.index(reruns.find_notebook(which, folder))


def _short(path: Path) -> str:
    """03 reward model failure."""
    return path.stem.replace("_", " ")


def _nav(name: str, inside: str) -> str:
    # JupyterLab takes aria attributes out of what it does not trust; `title` then gives the name.
    return f'<nav aria-label="{name}" title="{name}" style="{BOX}">{inside}</nav>'
