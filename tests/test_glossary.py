"""The glossary has every term, and no notebook uses one before it is explained and linked."""

import re
from pathlib import Path

import nbformat
import pytest

from rlhf_lessons import reruns

PAGE = Path(__file__).parents[1] / "docs" / "glossary.md"
LINK = re.compile(r"\]\(\.\./docs/glossary\.md#([\w-]+)\)")
ENTRY = re.compile(
    r"^### (.+)\n(?:\*(.+?)\* · )?(?:(\$.+\$) · )?\[(\d\d)\]\(\.\./notebooks/(\w+)\.ipynb\)\n\n(.+)\n", re.MULTILINE
)
# Not prose: code, formulas, headings, HTML, links' addresses, and the names of papers.
NO_PROSE = re.compile(
    r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$\n]+\$|^#[^\n]*|^<[^\n]*|\]\([^)]*\)|^\*\*References\.\*\*.*\Z",
    re.DOTALL | re.MULTILINE,
)


def slug(name: str) -> str:
    return re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-")


ENTRIES = {slug(found[1]): found for found in ENTRY.finditer(PAGE.read_text("utf-8"))}
PROSE = [
    (f"{path.stem}, cell {number}", cell.source)
    for path in reruns.list_notebooks(reruns.NOTEBOOKS)
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells)
    if cell.cell_type == "markdown"
]
ASKED_FOR = """ECE, NLL, head, autograd, logits, reliability, GAE, explained variance, entropy, rollout, bootstrap,
interval, nats, whitened"""


def mentions(entry: re.Match[str], text: str) -> bool:
    """Whether a text uses a term, by any of its names; those with a capital are spelt exactly so."""
    names = [entry[1], *(entry[2] or "").split(", ")]
    spelt = [re.escape(name).replace("\\ ", r"\s+") for name in filter(None, names)]
    wanted = [name if name != name.lower() else f"(?i:{name})" for name in spelt]
    return re.search(rf"(?<![\w-])(?:{'|'.join(wanted)})(?![\w-])", NO_PROSE.sub(" ", text)) is not None


def test_every_heading_is_an_entry_in_order_with_an_example():
    headings = re.findall(r"^### (.+)$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [slug(heading) for heading in headings] == list(ENTRIES)
    assert headings == sorted(headings, key=str.lower)
    assert all("*Example:* " in entry[6] and entry[5].startswith(entry[4]) for entry in ENTRIES.values())
    assert {slug(term) for term in re.split(r",\s", ASKED_FOR)} <= ENTRIES.keys()


@pytest.mark.parametrize("term", ENTRIES)
def test_a_term_is_linked_where_a_notebook_first_uses_it(term):
    first = next(((where, text) for where, text in PROSE if mentions(ENTRIES[term], text)), None)
    if first is not None:
        where, text = first
        assert term in LINK.findall(text), f"{where} uses {ENTRIES[term][1]!r} and does not lead to its entry"


def test_links_lead_to_entries_and_nearly_all_entries_are_used():
    linked = {term for _, text in PROSE for term in LINK.findall(text)}
    assert linked <= ENTRIES.keys() and len(linked) > 0.9 * len(ENTRIES)


@pytest.mark.parametrize(
    ("text", "uses"),
    [
        ("the ECE falls", True), ("the ece falls", False), ("Expected calibration error", True), ("`ECE`", False),
        ("the expected\ncalibration error", True), ("a PIECE", False),
        ("$ECE$", False), ("# ECE\n", False), ("# So\nThe ECE", True), ("ECE-like", False), ("[so](x#ECE)", False),
    ],
)  # fmt: skip
def test_what_counts_as_a_use(text, uses):
    assert mentions(ENTRIES["ece"], text) is uses
