"""`rlhf-lessons diagnose` and `explain`: several files, exit codes, JSON, page and picture."""

import json
import math
import re
from base64 import b64decode
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from typer.testing import CliRunner

from rlhf_lessons import reports
from rlhf_lessons.cli import app
from rlhf_lessons.diagnostics.findings import Diagnosis, Finding
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.reading import Reading

SICK = "\n".join(f"epoch={n} loss={0.69 + n / 500:.4f} margin={-n / 300:.4f}" for n in range(1, 9))
OPEN = "loss=0.4 accuracy=0.9\n"


class Tags(HTMLParser):
    """The tags of a page, and the addresses in it."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.open, self.addresses = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open += [] if tag in ("meta", "img") else [tag]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def drawings(page):
    """The pictures of a page, each a well-formed SVG that is part of it; there is no other address."""
    found = []
    for address in Tags(page).addresses:
        kind, _, data = address.partition(",")
        assert kind == "data:image/svg+xml;base64"
        found.append(b64decode(data).decode())
        ElementTree.fromstring(found[-1])
    return found


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Runs the command in a folder with these logs."""
    monkeypatch.chdir(tmp_path)
    for name, text in {"sick.log": SICK, "open.log": OPEN, "prose.txt": "once upon a time"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return lambda *words, **options: CliRunner().invoke(app, list(words), **options)


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["sick.log"], 1),
        (["open.log"], 3),
        (["prose.txt"], 2),
        (["open.log", "sick.log"], 1),
        (["sick.log", "prose.txt", "open.log"], 2),
    ],
)
def test_the_exit_code_is_that_of_the_worst_file(call, names, code):
    assert call("diagnose", *names).exit_code == code


@pytest.mark.parametrize(("states", "code"), [(["healthy"], 0), (["healthy", "cannot tell"], 3)])
def test_cannot_tell_is_worse_than_healthy(states, code):
    found = [reports.Report("a", Diagnosis((), "", False, state=state)) for state in states]
    assert reports.worst(found) == code


def test_each_of_several_files_stands_under_its_name_and_the_unreadable_one_stops_none(call):
    result = call("diagnose", "sick.log", "prose.txt", "open.log")
    heads = [line for line in result.stdout.splitlines() if line.startswith("==>")]
    assert heads == ["==> sick.log <==", "==> open.log <=="]
    assert result.stderr.startswith("prose.txt: log: nothing to read")
    assert "Wrong-way update" in result.stdout and result.stderr.count("\n") == 1


def test_a_dash_reads_standard_input(call):
    result = call("diagnose", "-", input=SICK)
    assert result.exit_code == 1 and result.stdout == call("diagnose", "sick.log").stdout


def test_the_kind_may_be_given(call):
    result = call("diagnose", "open.log", "--kind", "sft", "--json")
    assert json.loads(result.stdout)["kind"] == "sft"


def test_json_is_one_object_a_file_with_these_names(call):
    result = call("diagnose", "sick.log", "prose.txt", "--json")
    sick, prose = map(json.loads, result.stdout.splitlines())
    whole = ["schema_version", "source", "kind", "state", "verdict", "ready_for_ppo", "runs"]
    assert list(sick) == list(prose) == whole
    assert (sick["schema_version"], sick["source"], sick["state"]) == (1, "sick.log", "sick")
    assert (prose["kind"], prose["state"], prose["runs"]) == (None, "unreadable", [])
    assert prose["verdict"].startswith("log: nothing to read")
    (run,) = sick["runs"]
    parts = ["run", "kind", "state", "verdict", "ready_for_ppo", "reading", "findings", "log_next"]
    assert list(run) == parts
    read = ["form", "rows", "names", "ends", "ignored", "settings", "words", "remarks", "run", "kind"]
    assert list(run["reading"]) == read and run["reading"]["ends"]["loss"] == [0.692, 0.706]
    found = ["name", "evidence", "alternatives", "strength", "code", "tell_apart", "advice", "step", "place"]
    assert list(run["findings"][0]) == [*found, "grave", "metrics"]
    assert run["findings"][0]["code"] == "RM001"


def test_json_of_a_log_with_stages_has_one_run_a_stage(call):
    table = "stage,step,loss\n" + "\n".join(f"{stage},{n},{0.69 - n / 50}" for stage in "ab" for n in range(6))
    found = json.loads(call("diagnose", "-", "--json", input=table).stdout)
    assert [run["run"] for run in found["runs"]] == ["a", "b"]


def test_nan_and_infinity_are_null_in_json():
    reading = Reading("lines", 1, ends={"loss": (math.nan, 1.0)}, settings={"rate": math.inf})
    finding = Finding("a", "b", step=math.nan, strength=np.float64(0.5), grave=np.bool_(True))
    found = Diagnosis((finding,), "", False, reading=reading)
    record = json.loads(json.dumps(found.record(), allow_nan=False))
    assert record["reading"]["ends"] == {"loss": [None, 1.0]} and record["reading"]["settings"] == {"rate": None}
    assert record["findings"][0]["step"] is None
    assert (record["findings"][0]["strength"], record["findings"][0]["grave"]) == (0.5, True)


def test_the_page_needs_nothing_but_itself_and_is_well_formed(call, tmp_path):
    assert call("diagnose", "sick.log", "prose.txt", "--html", "out.html").exit_code == 2
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    page = Tags(text)
    assert page.open == [] and "script" not in page.tags
    assert all("href" not in drawing and "url(" not in drawing for drawing in drawings(text))
    assert "url(" not in text and "@import" not in text and "color-scheme: light dark" in text
    assert "Wrong-way update</b> (RM001)" in text and "What to do:" in text
    assert "prose.txt" in text and "log: nothing to read" in text
    assert 'alt="loss from 0.692 to 0.706' in text


def test_what_came_from_a_log_is_escaped(call, tmp_path):
    bad = "<script>alert(1)</script>\"'&"
    (tmp_path / "bad.json").write_text(
        json.dumps([{"stage": f"{bad}{run}", f"rewards/{bad}": n, "reward": n} for run in (1, 2) for n in range(9)]),
        encoding="utf-8",
    )
    call("diagnose", "bad.json", "--html", "out.html")
    text = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)" in text and "<script" not in text and "script" not in Tags(text).tags
    assert "<script" not in "".join(drawings(text))
    assert "<script" not in diagnose([{"stage": bad, "loss": 1.0}, {"stage": bad, "loss": 0.9}])._repr_html_()


def test_a_finding_is_marked_where_it_begins():
    panels = diagnose(SICK).panels
    found = Finding("leap", "it leaps", step=5.0, place="epoch", metrics=("loss",))
    text = Diagnosis((found,), "verdict", False, state="sick", panels=panels)._repr_html_()
    drawn = "".join(drawings(text))
    assert drawn.count('class="mark"') == 1 and ">finding 1</text>" in drawn and "It begins at epoch 5." in text


def test_a_log_of_one_row_has_no_curves_but_a_page(call, tmp_path):
    assert call("diagnose", "open.log", "--html", "out.html").exit_code == 3
    assert drawings((tmp_path / "out.html").read_text(encoding="utf-8")) == []
    assert any("<polyline" in drawing for drawing in drawings(diagnose(SICK).html()))


def test_blocks_are_for_terminals_alone(call, monkeypatch):
    assert "rests on" not in call("diagnose", "sick.log").stdout
    monkeypatch.setattr("rlhf_lessons.reports.Console.is_terminal", True)
    shown = call("diagnose", "sick.log").stdout
    assert re.search(r"loss +0\.692 +▁▂▃▄▅▆▇█ +0\.706", shown)
    assert "▁" not in call("diagnose", "sick.log", "--json").stdout


@pytest.mark.slow
def test_the_picture_is_a_png_that_says_what_it_shows(call, tmp_path):
    assert call("diagnose", "sick.log", "--picture", "out.png").exit_code == 1
    content = (tmp_path / "out.png").read_bytes()
    assert content.startswith(b"\x89PNG") and b"sick.log, sick: loss from 0.692 to 0.706" in content
    result = call("diagnose", "open.log", "--picture", "none.png")
    assert result.exit_code == 2 and "nothing to draw" in result.stderr and not (tmp_path / "none.png").exists()


def test_explain_prints_the_page_of_a_rule_or_all_codes(call):
    result = call("explain", "rm003")
    assert result.exit_code == 0 and result.stdout.startswith("RM003: collapse to a constant\n")
    assert "What to do: " in result.stdout
    both = call("explain", "RM003", "RM001").stdout
    assert both.startswith(result.stdout.rstrip()) and "\nRM001: wrong-way update\n" in both
    codes = call("explain").stdout
    assert "RM003" in codes and "collapse to a constant" in codes
