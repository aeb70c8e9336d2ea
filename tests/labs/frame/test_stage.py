import re
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from rlhf_lessons.labs.frame import panel as panels
from rlhf_lessons.labs.frame import stage
from rlhf_lessons.labs.frame.panel import Panel
from rlhf_lessons.labs.frame.predictions import Mark
from rlhf_lessons.labs.frame.stage import SCRIPT, STILL, STYLE, WIDGET, Stage
from rlhf_lessons.labs.frame.training import TrainingPanel
from rlhf_lessons.plots.style import Face
from tests.labs.frame.a_line import LAB, SILENT

TITLE = '"A line" <b>& more</b>'


@pytest.fixture
def outputs(monkeypatch) -> list[tuple[dict, dict]]:
    """What a cell that ends in a panel shows: each output's data and its metadata."""
    found: list[tuple[dict, dict]] = []
    for module in (panels, stage):
        monkeypatch.setattr(module, "display", lambda data, raw, metadata=None: found.append((data, metadata or {})))
    Panel(replace(SILENT, title=TITLE))._ipython_display_()
    return found


def classes(style: str) -> set[str]:
    """The classes that a style sheet speaks of."""
    return set(re.findall(r"\.(-?[a-z_][\w-]*)", re.sub(r"/\*.*?\*/", "", style, flags=re.DOTALL), re.IGNORECASE))


def test_a_cell_shows_the_live_lab_and_then_its_still_picture(outputs):
    (live, _), (still, metadata) = outputs
    assert live.keys() == {WIDGET, "text/plain"} and live[WIDGET]["model_id"]
    assert still["image/png"].startswith(b"\x89PNG") and still["text/plain"] == "Straight. The slope is -0.200."
    assert metadata["image/png"]["alt"] == f"{TITLE}. Straight. The slope is -0.200."


def test_the_still_page_holds_picture_verdict_and_words_for_those_who_do_not_see_it(outputs):
    page = outputs[1][0]["text/html"]
    title = "&quot;A line&quot; &lt;b&gt;&amp; more&lt;/b&gt;"
    assert f"<b>{title}</b><p>Straight. The slope is -0.200.</p>" in page and TITLE not in page
    assert f'alt="{title}. Straight. The slope is -0.200."' in page and 'src="data:image/png;base64,' in page
    assert "Run this cell to make it live." in page and STILL in page


def test_the_still_hides_by_classes_that_the_page_really_has(outputs):
    ours = {name for name in classes(STILL) if name.startswith("rlhf-")}
    assert ours == {"rlhf-stage", "rlhf-still"}
    assert 'class: "rlhf-stage"' in SCRIPT and 'class="rlhf-still"' in outputs[1][0]["text/html"]


def test_every_class_of_the_style_sheet_is_on_the_page():
    words = {*re.findall(r"[\w-]+", SCRIPT), *get_args(Face), *get_args(Mark), "proxy", "gold"}  # meanings of bars
    elsewhere = {name for name in classes(STYLE) if name.startswith("jupyter-")}
    assert classes(STYLE) - elsewhere <= words
    assert {f".badge.{mood}" for mood in get_args(Face)} <= {*re.findall(r"\.badge\.\w+", STYLE)}


def test_page_and_lab_know_the_same_words():
    """No action of a lab is out of the page's reach, and all that the script sends or reads has its name in Python."""
    panel = TrainingPanel(replace(LAB, compute=lambda learning_rate=0.01, n_pairs=10, watch=None: SILENT.compute()))
    panel.receive({})
    understood = panel.stage.state["message"].partition("one of ")[2].split(", ")
    sent = {*re.findall(r'do: "(\w+)"', SCRIPT), *re.findall(r'act\([^()]+, "(\w+)"', SCRIPT)}
    assert {*understood} <= sent
    read = {*re.findall(r"\b(?:state|spec|knob)\.(\w+)", SCRIPT)}
    python = "".join(path.read_text(encoding="utf-8") for path in Path(stage.__file__).parents[1].rglob("*.py"))
    assert sent | read <= {*re.findall(r'"(\w+)"', python)}


def test_a_message_of_the_page_reaches_the_lab():
    received: list[dict] = []
    live = Stage(received.append, spec={})
    live._handle_custom_msg({"do": "reset"}, [])
    assert received == [{"do": "reset"}]


def test_script_and_style_need_no_network():
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)|@import|\bimport\b", SCRIPT + STYLE + STILL)
