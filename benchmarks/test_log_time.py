"""How long a long training log takes to read, against work of its own size that Python does in C."""

import json

import pytest

from benchmarks.timing import ratio
from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.names import NUMBER

ROWS = [
    {"step": n, "loss": 0.69 - n / 1e6, "margin": n / 1e5, "accuracy": 0.5 + n % 9 / 50, "grad_norm": 1 + n % 7 / 9}
    for n in range(20_000)
]
TABLES = {
    delimiter: "\n".join(delimiter.join(map(str, row)) for row in [ROWS[0].keys(), *(row.values() for row in ROWS)])
    for delimiter in (",", "\t", ";", " | ")
}
LINES = "\n".join(" ".join(f"{name}={value:.4f}" for name, value in row.items()) for row in ROWS)
JSON = {
    "an array": json.dumps(ROWS),
    "a record a line": "\n".join(map(json.dumps, ROWS)),
    "a trainer's state": json.dumps({"log_history": ROWS}, indent=2),
}
DICTS = "\n".join(map(str, ROWS))
FORMS = {
    "printed dictionaries": DICTS,
    "pasted trainer state": '"log_history": [\n' + "\n".join(json.dumps(row, indent=1) for row in ROWS),
    "a Markdown table": "\n".join(
        [" | ".join(ROWS[0]), "|".join(["---"] * len(ROWS[0])), *(" | ".join(map(str, row.values())) for row in ROWS)]
    ),
    "an HTML table": "<table><tr>"
    + "".join(f"<th>{name}</th>" for name in ROWS[0])
    + "".join("</tr>\n<tr>" + "".join(f"<td>{value}</td>" for value in row.values()) for row in ROWS)
    + "</tr></table>",
    "progress bars": "\r".join(
        f"Epoch [1/1]: 1%|#  | {row['step']}/20000 [01:00<10:00, 1.2s/it, loss={row['loss']}, acc={row['accuracy']}]"
        for row in ROWS
    ),
    "verl's console lines": "\n".join(
        f"step:{row['step']} - actor/grad_norm:{row['grad_norm']} - critic/score/mean:{row['accuracy']}" for row in ROWS
    ),
    "DeepSpeed-Chat's lines": "\n".join(
        f"epoch: 0|step: {row['step']}|ppo_ep: 1|act_loss: {row['loss']}|cri_loss: 0.1\naverage reward score: 0.5"
        for row in ROWS
    ),
    "mlx-lm's lines": "\n".join(
        f"Iter {row['step']}: Train loss {row['loss']}, Margin {row['margin']}" for row in ROWS
    ),
}
REPEATS = 5


def test_lines_take_less_than_six_times_as_long_as_finding_their_numbers():
    found = ratio(lambda: diagnose(LINES), lambda: NUMBER.findall(LINES), "lines, diagnosed / numbers found", REPEATS)
    assert found < 6


@pytest.mark.parametrize("delimiter", TABLES, ids=repr)
def test_a_table_takes_less_time_than_its_rows_as_lines(delimiter):
    table = TABLES[delimiter]
    assert ratio(lambda: diagnose(LINES), lambda: diagnose(table), f"lines / cells at {delimiter!r}", REPEATS) > 1


@pytest.mark.parametrize("form", JSON)
def test_json_takes_less_than_eight_times_as_long_as_decoding_it(form):
    text = JSON[form]
    parts = text.splitlines() if form == "a record a line" else [text]
    what = f"JSON, {form}, diagnosed / decoded"
    assert ratio(lambda: diagnose(text), lambda: [json.loads(part) for part in parts], what, REPEATS) < 8


@pytest.mark.parametrize("form", FORMS)
def test_no_form_takes_over_twelve_times_as_long_as_finding_its_numbers(form):
    text = FORMS[form]
    assert (
        ratio(lambda: diagnose(text), lambda: NUMBER.findall(text), f"{form}, diagnosed / numbers found", REPEATS) < 12
    )
