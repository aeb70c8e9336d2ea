"""What TEACHING.md says of labs and minutes is so."""

import importlib
import re
from pathlib import Path

import pytest

from rlhf_lessons import reruns
from rlhf_lessons.labs.frame.gauges import TESTS
from tools import minutes

PAGE = (Path(__file__).parents[1] / "TEACHING.md").read_text(encoding="utf-8")
PARTS = dict(re.findall(r"^### [\d and]+ `(\w+)`[^\n]*\n(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL))
FEW_WORDS = 0.05  # of a notebook's, that may change before the table has to be made again


def lab_of(name: str):
    return importlib.import_module(f"rlhf_lessons.labs.{name}")


def test_every_lab_of_the_notebooks_has_its_part():
    shown = set()
    for source in (reruns.NOTEBOOKS / "sources").glob("*.md"):
        for line in re.findall(r"^from rlhf_lessons\.labs import (.*)$", source.read_text(encoding="utf-8"), re.M):
            shown |= {name.split(" as ")[0].strip() for name in line.split(",")}
    assert set(PARTS) == shown


@pytest.mark.parametrize("place", sorted(set(re.findall(r"(?<=[|;] )\d\d, \*[^*\n]+\*", PAGE))))
def test_a_part_of_a_notebook_that_a_lesson_goes_to_is_there(place):
    number, _, heading = place.strip("*").partition(", *")
    (source,) = (reruns.NOTEBOOKS / "sources").glob(f"{number}_*.md")
    assert f"\n## {heading}" in source.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", PARTS)
def test_buttons_that_a_part_names_are_there(name):
    lab = lab_of(name)
    named = set(re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", PARTS[name]))
    if hasattr(lab, "LAB"):
        assert named and named <= {*lab.LAB.presets, *lab.LAB.ranges, *lab.compute.__annotations__, *TESTS}
    else:  # a lab of words
        assert named and named <= {*lab.show.__annotations__, *getattr(lab, "FIRST_SETTINGS", ())}


@pytest.mark.parametrize(
    ("name", "settings", "figure"),
    [
        ("five_pairs", "as the rubric", "new pairs right"),
        ("five_pairs", "always the longer", "new pairs right"),
        ("five_pairs", "always the longer", "chosen as the rubric"),
        ("five_pairs", "against the rubric", "new pairs right"),
        ("program_one", "the sign fixed", "drift an epoch"),
        ("program_one", "the fix", "ranked right"),
        ("program_one", "the fix, faster", "ranked right"),
    ],
)
def test_a_number_that_needs_no_training_is_what_the_lab_prints(name, settings, figure):
    lab = lab_of(name)
    said = lab.verdict(lab.compute(**lab.LAB.presets[settings])).figures[figure]
    assert said.replace("%", " %") in PARTS[name]


def test_the_table_of_minutes_is_what_the_tool_prints():
    quoted = [row.strip("| ").split(" | ") for row in minutes.TABLE.search(PAGE)[0].splitlines()[2:-1]]
    for row, (name, words, reading, *others) in zip(minutes.rows(), quoted, strict=True):
        again = "python -m tools.minutes --write"
        assert (name, others) == (row.name, [str(row.exercises), f"{row.run:.1f}"]), again
        assert int(words.replace(",", "")) == pytest.approx(row.words, rel=FEW_WORDS), again
        assert int(reading) == pytest.approx(row.reading, abs=1), again


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Two words.", 2),
        ("The loss is $-\\log p(x) + 3$, in *nats*: 0.693.", 7),
        ("$$a\n= b$$", 1),
        ("[a link](far_away.md) and <b>bold</b>", 4),
        ("| a | 30 % |\n|---|---|", 2),
    ],
)
def test_words_are_what_a_reader_reads(text, words):
    assert minutes.words(text) == words


def test_the_last_course_is_told_where_there_was_one(tmp_path, monkeypatch):
    monkeypatch.setattr(minutes, "COURSE", tmp_path)
    assert minutes.last_course() == ""
    run = '{"cells": [], "metadata": {"papermill": {"duration": 90.0}}, "nbformat": 4, "nbformat_minor": 5}'
    (tmp_path / "01_pretraining.ipynb").write_text(run)
    assert minutes.last_course() == "the last make course here: 01: 90 s; 1.5 minutes\n"


def test_a_new_table_takes_the_place_of_the_old(tmp_path, monkeypatch, capsys):
    page = tmp_path / "TEACHING.md"
    page.write_text(f"Before.\n\n{minutes.HEADER}\n|---|\n| old |\n\nAfter.\n")
    monkeypatch.setattr(minutes, "TEACHING", page)
    minutes.main(["--write"])
    assert page.read_text() == f"Before.\n\n{minutes.table(minutes.rows())}\nAfter.\n"
    assert "| all |" in capsys.readouterr().out
