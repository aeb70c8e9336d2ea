"""Each form of log is recognised, and read as an expert would: names, values, held out or not, which run."""

import io
import json
import os
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from rlhf_lessons.diagnostics.log_reader import diagnose
from rlhf_lessons.diagnostics.logs.names import canonical
from rlhf_lessons.diagnostics.logs.parsing import parse, split_stages
from rlhf_lessons.diagnostics.logs.readers import FORMS, events
from tests.diagnostics.logs.forms import RECORDS, SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_each_form_is_recognised_and_read(name):
    text, form, values = SAMPLES[name]
    log = parse(text)
    assert log.reading.form == form
    assert {name: log.values(name) for name in values} == values


def test_each_form_has_a_sample():
    assert {form.name for form in FORMS} == {sample.form for sample in SAMPLES.values()}


def test_each_form_has_an_example_in_the_docs_that_is_read_as_such():
    page = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
    examples = dict(re.findall(r"^### ([^\n]+)\n\n```\n(.+?)```$", page, re.MULTILINE | re.DOTALL))
    assert {name: parse(text).reading.form for name, text in examples.items()} == {
        form.name: form.name for form in FORMS
    }
    assert all(f"| [{form.name}](#" in page for form in FORMS)


@pytest.mark.parametrize("name", SAMPLES)
def test_line_ends_marks_and_utf_16_change_nothing(name):
    text = SAMPLES[name].text
    read = {name: column.values.tolist() for name, column in parse(text.replace("nan", "1")).columns.items()}
    for content in (text.replace("\n", "\r\n"), "\ufeff" + text, text.encode("utf-16"), text.encode("utf-8-sig")):
        content = content.replace("nan", "1") if isinstance(content, str) else content
        log = parse(content)
        found = {name: column.values.tolist() for name, column in log.columns.items()}
        assert found.keys() == read.keys()
        if isinstance(content, str):
            assert found == read


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("val/ratio", "ratio"),
        ("val/ratio_var", None),
        ("val/clipfrac_avg", None),
        ("val-core/openai/math/acc/mean@1", "eval_score"),
        ("val-aux/openai/math/score/mean@1", None),
        ("rewards/format/mean", "part_format"),
        ("rewards/format/std", None),
        ("eval_rewards/format/mean", "eval_part_format"),
        ("rewards/chosen_sum", None),
        ("clip_ratio/high_max", None),
        ("objective/rlhf_reward", None),
        ("ppo/mean_scores", "score"),
        ("env/reward_mean", "score"),
        ("val_rewards_chosen_mean", "eval_reward_chosen"),
        ("rewards / accuracies", "accuracy"),
        ("rewards_train/margins", "margin"),
        ("rewards_eval/rejected", "eval_reward_rejected"),
        ("train/rewards/chosen", "reward_chosen"),
        ("loss/eval", "eval_loss"),
        ("acc_val", "eval_accuracy"),
        ("rewards/test_cases", "part_test_cases"),
        ("Training Loss Validation", None),
    ],
)
def test_names_of_other_programs(key, name):
    assert canonical(key) == name


# Runs


@pytest.mark.parametrize("column", ["Loss Type", "run", "experiment", "objective", "model"])
def test_a_column_of_texts_tells_runs_apart(column):
    table = f"{column},step,loss\n" + "".join(f"{run},{step},0.{step}\n" for run in ("ipo", "hinge") for step in (5, 6))
    records = pd.read_csv(io.StringIO(table))
    for source in (table, records, records.to_dict("records"), records.to_json(orient="records", lines=True)):
        logs = split_stages(source)
        assert {run: log.values("loss") for run, log in logs.items()} == {"ipo": [0.5, 0.6], "hinge": [0.5, 0.6]}


def test_a_column_that_names_each_row_tells_no_runs_apart():
    table = "model,step,loss\na,1,0.7\nb,2,0.6\nc,3,0.5\n"
    assert parse(table).values("loss") == [0.7, 0.6, 0.5]


def test_a_loss_type_that_all_rows_share_is_the_name_of_the_run():
    assert list(split_stages("loss_type,step,loss\nipo,1,5\nipo,2,4\n")) == ["ipo"]
    assert list(split_stages("model,step,loss\ntiny,1,5\ntiny,2,4\n")) == [""]


def test_a_chart_of_several_runs():
    chart = '"Step","a - train/loss","b - train/loss"\n1,0.7,\n2,0.6,0.9\n3,,0.8\n'
    assert {run: log.series("step", "loss") for run, log in split_stages(chart).items()} == {
        "a": [(1, 0.7), (2, 0.6)],
        "b": [(2, 0.9), (3, 0.8)],
    }


def test_tables_that_measure_the_same_are_runs_with_their_headings():
    table = "| step | loss |\n|---|---|\n| 1 | {0} |\n| 2 | {0} |\n\n"
    text = "# First\n" + table.format(0.5) + "# Second\nwords\n" + table.format(0.25)
    assert [(run, log.values("loss")) for run, log in split_stages(text).items()] == [
        ("table 1 (First)", [0.5, 0.5]),
        ("table 2 (Second)", [0.25, 0.25]),
    ]


def test_columns_of_runs_under_a_heading_that_names_the_metric():
    text = "## Held-out loss\n\n| step | **ours** | theirs |\n|--:|--:|--:|\n| 0/2 | 0.5 | 0.4 |\n| 10/12 | −0.25 | |\n"
    assert {run: log.series("step", "eval_loss") for run, log in split_stages(text).items()} == {
        "ours": [(0, 0.5), (10, -0.25)],
        "theirs": [(0, 0.4)],
    }


def test_how_many_pairs_are_right_of_how_many():
    for line in ("eval accuracy: 30.0% (120/400)", "eval accuracy = 120/400 (30%)"):
        assert parse(f"epoch 1/3, {line}").series("epoch", "eval_accuracy", "eval_n_pairs") == [(1, 0.3, 400)]
    assert parse("Точность: 30% (120/400)").series("accuracy", "n_pairs") == [(0.3, 400)]


def test_one_process_of_several_is_read_and_named():
    log = parse(SAMPLES["dicts of ranks"].text)
    assert log.reading.rows == 2 and log.reading.remarks == ("of 3 processes that print numbers, [rank0] was read",)


def test_a_row_that_two_processes_print_is_read_once():
    log = parse("\n".join(f"{{'loss': 0.{n}, 'epoch': {n}}}" for n in (1, 1, 2, 2)))
    assert log.values("loss") == [0.1, 0.2] and log.reading.remarks == (
        "left out: 2 rows at the place of the row before",
    )


# What stands around the numbers


def test_a_card_states_its_settings():
    card = parse(SAMPLES["a model card"].text)
    assert card.reading.settings == {"learning_rate": 5e-7, "num_epochs": 2} and card.reading.words == {"dpo"}
    state = parse(json.dumps({"max_steps": 40, "num_train_epochs": 2, "log_history": RECORDS}))
    assert state.reading.settings == {"total_steps": 40, "num_epochs": 2}
    running = "** Running training **\n  Num examples = 1,000\n  Total optimization steps = 40\n"
    running += "  Total train batch size (w. parallel, distributed & accumulation) = 32\n"
    assert parse(running + "{'loss': 0.5, 'step': 1}").reading.settings == {
        "n_pairs": 1000,
        "total_steps": 40,
        "batch_size": 32,
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("# Fine-tuned with KTO, then ORPO.", {"kto", "orpo"}),
        ("A reward model for summaries", {"reward model"}),
        ("starting DPOTrainer", {"dpo"}),
        ("Starting ORPO training..., iters: 500", {"orpo"}),
        ("TrainArguments(model='x', rlhf_type='grpo', lr=1.0)", {"grpo"}),
        ("DPOConfig(loss_type='simpo', beta=0.1)", {"dpo", "simpo"}),
        ("python train.py --rlhf_type kto --lr 1", {"kto"}),
        ("stage: rm", {"reward model"}),
        ("outputs/dpo/run and my-ppo-run", set()),
        ("dpo_loss = 0.5", set()),
        ("step,dpo,ppo", set()),
    ],
)
def test_words_of_the_prose_name_the_training(line, words):
    assert parse(f"{line}\nstep 1 loss 0.5\n").reading.words == words


def test_validation_loss_makes_the_columns_beside_it_held_out_only_if_nothing_else_does():
    header = "Training Loss,Step,Validation Loss,Accuracy{}\n0.6,1,0.7,0.8{}\n"
    assert "eval_accuracy" in parse(header.format("", ""))
    assert "accuracy" in parse(header.format(",eval_accuracy", ",0.75"))


def test_accuracies_over_one_are_kept_as_printed_too():
    log = parse("step,accuracy\n1,50\n2,60\n3,70\n")
    assert log.values("printed_accuracy") == [50, 60, 70] and log.values("accuracy") == [0.5, 0.6, 0.7]
    sums = parse("step,accuracy\n1,1\n2,2\n3,3\n")
    assert sums.values("printed_accuracy") == [1, 2, 3] and "accuracy" not in sums
    assert "printed_accuracy" not in parse("step,accuracy\n1,0.5\n")


WRAPPED = {
    "quoted": lambda line: f"> {line}",
    "quoted twice": lambda line: f">> {line}",
    "added": lambda line: f"+{line}",
    "removed": lambda line: f"-{line}",
    "in a list": lambda line: f"• {line}",
    "in a table": lambda line: f"| {line} | |",
    "collected": lambda line: json.dumps({"log": f"{line}\n", "stream": "stdout"}),
    "in HTML": lambda line: line.replace("'", "&#39;").replace('"', "&quot;"),
    "in curly quotes": lambda line: re.sub(r"'(.*?)'(?=:)", r"‘\1’", re.sub(r'"(.*?)"(?=:)', r"“\1”", line)),
}


@pytest.mark.parametrize("how", WRAPPED)
@pytest.mark.parametrize("name", ["trainer state", "cut trainer state", "JSON lines", "dicts"])
def test_what_stands_around_a_quoted_log_makes_no_difference(name, how):
    text, form, values = SAMPLES[name]
    log = parse("\n".join(map(WRAPPED[how], text.splitlines())))
    assert log.reading.form == form and {name: log.values(name) for name in values} == values


@pytest.mark.parametrize("how", ["quoted", "added", "in a list", "collected"])
@pytest.mark.parametrize("name", ["a model card", "a spreadsheet", "verl", "a box", "mlx-lm"])
def test_other_forms_may_be_quoted_too(name, how):
    text, form, values = SAMPLES[name]
    log = parse("\n".join(WRAPPED[how](line) for line in text.splitlines() if line))
    assert log.reading.form == form and {name: log.values(name) for name in values} == values


def test_of_a_diff_is_read_what_stands_after_it():
    diff = "--- a/log\n+++ b/log\n@@ -1,2 +1,2 @@\n step,loss\n 1,0.7\n-2,0.9\n+2,0.6\n"
    assert parse(diff).series("step", "loss") == [(1, 0.7), (2, 0.6)]


CARD = SAMPLES["a model card"].text.splitlines()
HUNK = "@@ -0,0 +1,9 @@"


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(["see the change:", "```diff", HUNK, *(f"+{line}" for line in CARD), "```"]),
        "\n".join(["--- a/README.md", "+++ /dev/null", "@@ -1,9 +0,0 @@", *(f"-{line}" for line in CARD)]),
        "\n".join(f"    {line}" for line in [HUNK, *(f"+{line}" for line in CARD)]),
        "\n".join(f"{number}\t\n+\n{line}" for number, line in enumerate(CARD, start=30)),
        "\n".join([HUNK, *(f"{number} |\n+\n{line}" for number, line in enumerate(CARD, start=1))]),
        "\n".join(f"{number:6d}\t{line}" for number, line in enumerate(CARD, start=1)),
        "\n".join(f"README.md:{number}:{line}" for number, line in enumerate(CARD, start=98)),
        " ".join(CARD),
    ],
    ids=["in a fence", "removed", "indented", "from a page", "hunk from a page", "cat -n", "grep -n", "on one line"],
)
def test_a_card_in_a_diff_with_line_numbers_or_on_one_line(text):
    _, form, values = SAMPLES["a model card"]
    log = parse(text)
    assert log.reading.form == form and {name: log.values(name) for name in values} == values


@pytest.mark.parametrize(
    "text",
    [
        "step 10 loss 0.69 acc 0.5 step 20 loss 0.61 acc 0.625",
        r"step,loss,acc\n10,0.69,0.5\n20,0.61,0.625",
        "step: 10, loss: 0.69, acc: 50%<br>step: 20, loss: 0.61, acc: 62.5%",
        "||Step||Loss||Accuracy||\n|10|0.69|0.5|\n|20|0.61|0.625|",
        "====  ====  ====\nstep  loss  acc\n====  ====  ====\n10    0.69  0.5\n20    0.61  0.625\n====  ====  ====",
        "\\begin{tabular}{rr}\nStep & Loss & Acc \\\\\n10 & 0.69 & 0.5 \\\\\n20 & 0.61 & 0.625 \\\\\n\\end{tabular}",
        "[1/2] step 10, loss (mean) = 0.69, acc (train) = 0.5\n[2/2] step 20, loss (mean) = 0.61, acc (train) = 0.625",
    ],
    ids=["lines joined", "escaped", "HTML breaks", "Jira", "reStructuredText", "LaTeX", "asides"],
)
def test_other_dress_of_a_table_or_of_lines(text):
    assert parse(text).series("step", "loss", "accuracy") == [(10, 0.69, 0.5), (20, 0.61, 0.625)]


def test_an_aside_may_say_that_a_value_was_held_out_or_is_a_spread():
    log = parse("step 1 loss (eval set): 0.6 margin (std): 0.2\nstep 2 loss (eval set): 0.5 margin (std): 0.3")
    assert log.values("eval_loss") == [0.6, 0.5] and "margin" not in log


def test_names_that_a_line_says_once_more_make_no_row_of_their_own():
    assert parse("step 10 loss 0.5, val loss 0.6, next at step 20\n").series("step", "loss", "eval_loss") == [
        (10, 0.5, 0.6)
    ]


def test_a_summary_with_arrows_or_columns_for_start_and_end():
    lines = "loss 0.6931 -> 0.27\nreward margin: 0.0 → 2.5\nfinal logp chosen (absolute level): -70.5\n"
    table = (
        "| metric | start | end |\n|---|---|---|\n| loss | 0.6931 | 0.27 |\n| implicit reward margin | 0.0 | 2.5 |\n"
    )
    for text in (lines, table):
        log = parse(text)
        assert log.series("loss", "margin") == [(0.6931, 0.0), (0.27, 2.5)] and diagnose(text).kind == "dpo"
    assert parse("step 5 loss 0.7 -> 0.6\nstep 6 loss 0.6 -> 0.5\n").series("step", "loss") == [(5, 0.6), (6, 0.5)]


def test_numbers_in_typographic_dress():
    table = "| step | **loss** | `acc` |\n|---|---|---|\n| 0/2 | **−0.25** | *0.5* |\n| 10/12 | −0.5 | `60%` |\n"
    assert parse(table).series("step", "loss", "accuracy") == [(0, -0.25, 0.5), (10, -0.5, 0.6)]


# Event files


def test_an_event_file_needs_tensorboard(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.backend.event_processing.event_file_loader", None)
    with pytest.raises(ValueError, match=r"^log: it is an event file of TensorBoard"):
        parse(b"\x18" + b"\0" * 11 + b"\x1a\rbrain.Event:2")


def test_an_event_file_is_read_by_step(tmp_path):
    writer = pytest.importorskip("tensorboard.summary.writer.event_file_writer", reason="needs the extra scale")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    file = writer.EventFileWriter(str(tmp_path))
    for step in (10, 20):
        for tag, value in (("train/loss", 7 / step), ("eval/accuracy", step / 40)):
            file.add_event(Event(step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])))
    file.close()
    content = next(tmp_path.iterdir()).read_bytes()
    log = parse(content)
    assert log.reading.form == events.FORM and log.series("step", "eval_accuracy") == [(10, 0.25), (20, 0.5)]
    assert log.values("loss") == pytest.approx([0.7, 0.35])
    damaged = content[:-20] + os.urandom(50)
    assert "loss" in parse(damaged)


def test_all_results_of_a_trainer_hold_its_last_evaluation():
    summary = {
        "epoch": 2.0,
        "eval_loss": 0.51,
        "eval_rewards/accuracies": 0.77,
        "train_loss": 0.6,
        "train_runtime": 9.5,
    }
    log = parse(json.dumps(summary))
    assert log.values("eval_loss") == [0.51] and log.values("eval_accuracy") == [0.77] and "loss" not in log


@pytest.mark.parametrize(
    "summary",
    [
        "{'train_runtime': 9.5, 'train_samples_per_second': 3.5, 'train_loss': 0.61, 'epoch': 2.0}",
        '{"train_runtime": 9.5, "train_loss": 0.61, "epoch": 2.0}',
        "***** train metrics *****\n  epoch = 2.0\n  train_loss = 0.61\n  train_runtime = 0:00:09.50\n",
    ],
)
def test_a_closing_summary_alone_is_kept_and_said_to_be_one(summary):
    log = parse(summary)
    assert log.values("loss") == [0.61] and log.values("epoch") == [2.0]
    assert any("closing summary" in remark for remark in log.reading.remarks)
    assert diagnose(summary).state == "cannot tell"


@pytest.mark.parametrize("prefix", ["train", "train/train"])
def test_a_closing_summary_is_no_point_of_the_run(prefix):
    summary = {f"{prefix}_runtime": 9.5, f"{prefix}_loss": 0.9, "epoch": 1.0, "step": 20}
    for source in ([*RECORDS, summary], "\n".join(map(str, [*RECORDS, summary]))):
        log = parse(source)
        assert log.values("loss") == [0.69, 0.61] and log.reading.rows == 2 and not log.reading.remarks
    printed = "loss=0.69 epoch=1\nloss=0.61 epoch=2\ntrain_runtime=9.5 train_loss=0.9 epoch=2"
    assert parse(printed).values("loss") == [0.69, 0.61]


def test_a_card_that_lists_a_row_of_its_table_adds_none():
    card = "It achieves the following results on the evaluation set:\n- Loss: {}\n\n"
    card += "| Epoch | Training Loss | Validation Loss |\n|---|---|---|\n| 1 | 0.6 | 0.6543 |\n| 2 | 0.5 | 0.7 |\n"
    for listed in (0.7, 0.65432):
        assert parse(card.format(listed)).values("eval_loss") == [0.6543, 0.7]
    assert parse(card.format(0.72)).values("eval_loss") == [0.6543, 0.7, 0.72]


@pytest.mark.parametrize("printed", ["step 10/3000", "Step: [10/3000]", "step 10 of 3000", "step 10, max-steps 3000"])
def test_all_steps_beside_a_step(printed):
    assert parse(f"{printed} loss 0.69").series("step", "total_steps", "loss") == [(10, 3000, 0.69)]


@pytest.mark.parametrize("title", ["# tiny-7b-orpo", "tiny_7b.ORPO-v2"])
def test_the_title_of_a_card_names_the_training(title):
    text = f"{title}\n\nThis model is a fine-tuned version of some/tiny-dpo-mix on its own data.\n\n- Loss: 1.1\n"
    assert parse(text).reading.words == {"orpo"}
