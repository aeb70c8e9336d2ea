"""docs/diagnose.md shows what the commands print today, one example a kind of run, and every name of the JSON."""

import re
from typing import get_args

from rlhf_lessons.diagnostics.findings import Kind
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.reports import Report
from tools.diagnose_page import BLOCK, PAGE, ROOT, renewed

TEXT = PAGE.read_text(encoding="utf-8")
LOGS = sorted({words.split()[1] for words in BLOCK.findall(TEXT) if words.startswith("diagnose ")})


def test_the_page_shows_what_the_commands_print():
    assert renewed(TEXT) == TEXT, "run python -m tools.diagnose_page"


def test_there_is_an_example_of_each_kind_of_run():
    kinds = {diagnose((ROOT / name).read_text(encoding="utf-8")).kind for name in LOGS}
    assert kinds == {*get_args(Kind)} - {"unknown"}


def test_every_name_of_the_json_is_explained_and_no_other():
    record = Report(LOGS[0], diagnose((ROOT / LOGS[0]).read_text(encoding="utf-8"))).record()
    run = record["runs"][0]
    tables = TEXT.partition("## JSON")[2].partition("## The page")[0]
    explained = {name for row in re.findall(r"^\| (`.*?) \|", tables, re.M) for name in re.findall(r"`(\w+)`", row)}
    assert explained == {*record, *run, *run["reading"], *run["findings"][0]}
