"""No log, however it was damaged, written or saved, is crashed on, obeyed by the terminal, or read as another one."""

import json
import pickle
import tracemalloc

import pandas as pd
import pytest
from typer.testing import CliRunner

from rlhf_lessons import files
from rlhf_lessons.cli import app
from rlhf_lessons.diagnostics.log_reader import diagnose, diagnose_all
from rlhf_lessons.diagnostics.logs.names import canonical
from rlhf_lessons.diagnostics.logs.parsing import parse, split_stages
from rlhf_lessons.diagnostics.logs.seed_log import LOG

SAVED_AS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be")
TABLE = LOG.read_text(encoding="utf-8")
STAGES = ["pretraining", "sft", "reward_model", "theory_reward_model"]


def said(source):
    """What is concluded, without the form that was read."""
    return {stage: (*map(str, found.findings), found.verdict) for stage, found in diagnose_all(source).items()}


def spreadsheet(delimiter=",", quote="", comma="."):
    """The document's logs as a spreadsheet writes them."""
    rows = [line.split(",") for line in TABLE.splitlines()]
    return "\r\n".join(delimiter.join(f"{quote}{cell.replace('.', comma)}{quote}" for cell in row) for row in rows)


def run(folder, content):
    path = folder / "my.log"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return CliRunner().invoke(app, ["diagnose", str(path)])


# One log, saved in many ways


@pytest.mark.parametrize("encoding", SAVED_AS)
def test_the_documents_logs_read_the_same_in_every_encoding(encoding, tmp_path, tally):
    content = TABLE.encode(encoding)
    assert list(said(TABLE)) == STAGES
    assert said(content) == said("\ufeff" + TABLE) == said(TABLE)
    assert run(tmp_path, content).output == run(tmp_path, TABLE).output
    tally("faults noticed")


@pytest.mark.parametrize("mark", ["", "\ufeff", "ï»¿"], ids=["no mark", "mark", "mark read as Latin-1"])
@pytest.mark.parametrize(
    "text",
    [
        spreadsheet(quote='"'),
        spreadsheet(";"),
        spreadsheet(";", comma=","),
        spreadsheet(";", '"', ","),
        spreadsheet("\t"),
        spreadsheet("\t", '"'),
        spreadsheet(" | "),
        TABLE.replace("stage", "Stage", 1),
        TABLE.replace("stage", "  STAGE ", 1),
    ],
    ids=["quotes", ";", "commas", "quotes and commas", "tabs", "tabs and quotes", "|", "Stage", "STAGE"],
)
def test_the_documents_logs_read_the_same_from_every_spreadsheet(text, mark, tally):
    assert said(mark + text) == said(TABLE)
    tally("faults noticed")


def test_the_documents_logs_read_the_same_as_records_and_as_a_frame():
    frame = pd.read_csv(LOG)
    records = [{key: value for key, value in row.items() if value == value} for row in frame.to_dict("records")]
    forms = [frame, records, json.dumps(records), "\n".join(map(json.dumps, records))]
    assert all(said(form) == said(TABLE) for form in forms)


def test_text_in_latin_1_is_read_with_one_line_that_says_so(tmp_path):
    text = "# großer Lauf\nstep=1 loss=0.5\n"
    result = run(tmp_path, text.encode("latin-1"))
    assert result.exit_code == 3 and result.stdout == run(tmp_path, text).stdout
    path = tmp_path / "my.log"
    assert result.stderr == (
        f"{str(path)!r} is neither UTF-8 nor UTF-16 and was read as Latin-1; letters with accents may be wrong\n"
    )
    with pytest.warns(files.GuessedEncodingWarning, match="^the log is neither"):
        diagnose(text.encode("latin-1"))


# What one form hides from another


def test_a_loss_that_is_no_number_is_found_in_every_form():
    rows = [{"step": step, "loss": 0.6 if step < 9 else float("nan"), "margin": 0.1} for step in range(12)]
    table = "step,loss,margin\n" + "\n".join(",".join(map(str, row.values())) for row in rows)
    staged = "\n".join(f"{'stage' if number == 0 else 'rm'},{line}" for number, line in enumerate(table.splitlines()))
    lines = "\n".join(" ".join(f"{name}={value}" for name, value in row.items()) for row in rows)
    for source in (rows, table, staged, lines, json.dumps(rows), "\n".join(map(json.dumps, rows))):
        for log in split_stages(source).values():
            assert diagnose(log).names[0] == "divergence", source


@pytest.mark.parametrize("digits", ["9" * 400, "9" * 5_000, "1e999", "Infinity"])
def test_numbers_too_large_are_infinite_in_every_form(digits):
    for source in (f'[{{"loss": {digits}}}]', f'{{"loss": {digits}}}', f"step,loss\n1,{digits}", f"loss={digits}"):
        assert diagnose(source).names[0] == "divergence"
    assert diagnose([{"loss": 10**400}]).names[0] == diagnose([{"loss": 10**5_000}]).names[0] == "divergence"


def test_a_first_line_with_a_quote_is_no_broken_table():
    assert parse('started "run, again\nepoch 1, loss 0.5\n').series("epoch", "loss") == [(1, 0.5)]


def test_prose_above_lines_is_no_header():
    assert parse("loss and accuracy\nstep 1 loss 0.5 accuracy 0.7\n").series("loss", "accuracy") == [(0.5, 0.7)]


def test_an_empty_first_cell_shifts_no_column():
    assert parse("step\tloss\tmargin\n\t0.7\t0.1\n2\t0.6\t0.2\n").series("loss", "margin") == [(0.7, 0.1), (0.6, 0.2)]


def test_a_gap_under_another_name_of_a_metric_hides_nothing():
    """A trainer's table has `train_loss` in its last row alone."""
    assert parse("step,loss,train_loss\n1,0.7,\n2,0.6,\n").series("step", "loss") == [(1, 0.7), (2, 0.6)]
    assert parse([{"loss": 0.7, "train_loss": None}]).values("loss") == [0.7]
    assert parse(pd.DataFrame({"loss": [0.7, 0.6], "train_loss": [None, float("nan")]})).values("loss") == [0.7, 0.6]


def test_a_comma_between_numbers_is_a_decimal_comma_only_in_a_measured_value():
    assert parse("samples: 10,000\nstep 1, loss 0.5,0.1").values("loss") == [0.5]


def test_a_record_a_line_may_be_damaged():
    text = '{"step": 1, "loss": 0.7}\nConnection lost\n{"step": 2, "loss": 0.6}\n{"step": 3, "lo'
    assert parse(text).series("step", "loss") == [(1, 0.7), (2, 0.6)]


# What a terminal would obey

OBEYED = [
    "\x1b]0;owned\x07\x1b[2J",
    "\x9b2J",
    "\u202egnp.exe",
    "\u2066x\u2069",
    "a\u200b",
    "\x08\x08",
    "a\x00b"[:1] + "\x7f",
]


@pytest.mark.parametrize("name", OBEYED, ids=ascii)
def test_names_of_stages_are_shown_and_not_obeyed(name, tmp_path, tally):
    for text in (
        f"stage,loss\n{name},0.5\n{name},0.4\n",
        json.dumps([{"stage": name, "loss": 0.5}]),
        f"stage,loss\n{name},\n",
        f"loss={name}",
        f"{name}: loss 0.5",
        f'[{{"loss": 1}} {name}',
    ):
        result = run(tmp_path, text)
        assert all(sign.isprintable() or sign == "\n" for sign in result.output), text
        assert result.exit_code in (0, 1, 3) or (result.exit_code == 2 and result.output.count("\n") == 1)
    tally("faults noticed")


# Size


def wide(rows):
    return "".join(f"step={n} loss=0.{n % 97:02} margin={n % 31} lr=1e-{n % 7} note={'x' * 60}\n" for n in range(rows))


def test_a_long_log_takes_memory_in_proportion_to_its_numbers():
    """16 bytes a number: a list of all lines, or a dict a row, would take several times as much as the text."""
    text = wide(20_000)
    tracemalloc.start()
    try:
        parse(text)
        assert tracemalloc.get_traced_memory()[1] < 1.5 * len(text)
    finally:
        tracemalloc.stop()


def test_a_name_is_understood_once_and_not_once_a_line():
    canonical.cache_clear()
    parse(wide(5_000))
    assert canonical.cache_info().misses < 50


def test_a_pickle_is_never_loaded(tmp_path):
    class Trap:
        def __reduce__(self):
            return (tmp_path.joinpath("opened").touch, ())

    (tmp_path / "log.pkl").write_bytes(pickle.dumps(Trap()))
    assert run(tmp_path, pickle.dumps(Trap())).exit_code == 2 and not (tmp_path / "opened").exists()
