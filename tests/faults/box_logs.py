"""What people give to `rlhf-lessons diagnose`, and what is no log that can be read: BOX/logs/NAME."""

import gzip
import json
import pickle
import zipfile
from pathlib import Path

ESCAPES = "\x1b]0;owned\x07\x1b[2J"  # names the window and empties the screen of the terminal that shows it
TURNED = "\u202egnp.exe"  # shown from right to left
STAGES = "stage{0}epoch{0}loss\nsft{0}1{0}0.1\nreward{0}1{0}0.7\n"

TEXTS = {
    "empty.log": "",
    "blank.log": " \n\t\n\r\n",
    "mark_alone.log": "\ufeff",
    "prose.md": "# Loss\n\nThe loss and the accuracy will be logged here.\n",
    "config.yaml": "learning_rate: 1e-4\nepochs: 3\nbatch: 32\n",
    "page.html": "<html><head><title>404</title></head><body>Not found</body></html>",
    "train.py": "for step in range(100):\n    loss = criterion(model(x), y)\n",
    "steps.log": "step=1 lr=0.1\nstep=2 lr=0.1\n",
    "words.log": "epoch one: loss five\n",
    "escapes.log": ESCAPES,
    "header.csv": "epoch,loss\n",
    "header_and_stage.csv": "stage,loss\n",
    "gaps.csv": "epoch,loss\n1,\n2,n/a\n",
    "decimal_commas.csv": "epoch,loss\n1,0,6958\n2,0,6979\n",
    "ragged.csv": "epoch,loss\n1,0.69\n2,0.68,0.5,7\n",
    "ragged.tsv": "epoch\tloss\n1\t0.69\t5\n",
    "ragged.md": "| epoch | loss |\n|---|---|\n| 1 | 0.5 | 0.7 |\n",
    "ragged_stages.csv": "stage,loss\nsft,0,1\n",
    "twice.csv": "epoch,loss,loss\n1,0.69,0.1\n",
    "twice_in_capitals.csv": "epoch;Loss;LOSS\n1;0,69;0,1\n",
    "twice_stage.csv": "stage,Stage,loss\na,b,0.1\n",
    "open_quote.csv": 'epoch,loss\n1,"0.69\n2,0.68\n',
    "open_quote_in_stages.csv": 'stage,loss\na,1\n"b',
    "after_quote.csv": 'epoch,loss\n1,"0.69"x\n',
    "huge_cell.csv": f'epoch,loss,note\n1,0.69,"{"x" * 200_000}"\n',
    "no_stage.csv": "stage,epoch,loss\nsft,1,0.5\n,2,0.4\n",
    "no_numbers.csv": "stage,epoch,loss\nsft,1,\nreward,1,0.5\n",
    "escapes.csv": f"stage,loss\n{ESCAPES},\n",
    "turned.csv": f"stage,loss\n{TURNED},\n",
    "long_stage.csv": f"stage,loss\n{'s' * 500},\n",
    "many_stages.csv": "stage,loss\n" + "".join(f"{number},0.5\n" for number in range(500)),
    "null.json": "null",
    "list.json": "[]",
    "object.json": "{}",
    "numbers.json": "[1, 2]",
    "lists.json": "[[1, 2], [3, 4]]",
    "nulls.json": "[null, null]",
    "history_number.json": '{"log_history": 5}',
    "history_null.json": '{"log_history": null}',
    "history_text.json": '{"log_history": "loss 0.5"}',
    "history_empty.json": '{"log_history": []}',
    "history_object.json": '{"log_history": {"loss": 0.5}}',
    "only_summary.json": '{"log_history": [{"train_runtime": 3.2}]}',
    "inside.json": '[{"metrics": {"model": "gpt"}}]',
    "columns.json": '{"loss": []}',
    "null_values.json": '[{"loss": null}, {"loss": true}, {"loss": "n/a"}, {"loss": []}]',
    "cut.json": json.dumps([{"step": step, "loss": "low"} for step in range(9)])[:-20],
    "comma.json": '[{"loss": null},]',
    "quote.json": '[{"loss: 0.5}]',
    "deep.json": "[" * 100_000,
    "deep_record.json": '[{"loss": 0.5, "x": ' + "[" * 100_000 + "]" * 100_000 + "}]",
    "deep_object.json": '{"a":' * 100_000 + "1" + "}" * 100_000,
    "some_stages.json": '[{"stage": "sft", "loss": 0.1}, {"loss": 0.7}]',
    "no_metrics.html": "<table><tr><th>Name</th><th>Age</th></tr><tr><td>Ann</td><td>7</td></tr></table>",
    "twice.html": "<table><tr><th>Step</th><th>Loss</th><th>loss</th></tr><tr><td>1</td><td>2</td></tr></table>",
    "comma.html": "<table><tr><th>Step</th><th>Loss</th></tr><tr><td>1</td><td>0,69</td></tr></table>",
    "words.md": "| step | loss |\n|---|---|\n| one | low |\n",
    "twice.md": "Results:\n\n| step | loss | Loss |\n|---|---|---|\n| 1 | 2 | 3 |\n",
    "settings.md": "- learning_rate: 5e-07\n- num_epochs: 3\n",
    "empty_chart.csv": '"Step","a - train/loss"\n"1",""\n',
    "ragged_scalar.csv": "Wall time,Step,Value\n1,2,3,4\n",
    "bars.log": "10%|#  | 1/10 [00:01<00:09, 1.0s/it]\n20%|#  | 2/10 [00:02<00:08, 1.0s/it]\n",
    "verl.log": "step:1 - perf/mfu:0.5 - timing_s/gen:9.5\n",
    "config.log": "{'learning_rate': 1e-4, 'num_train_epochs': 3, 'beta': 0.1}\n",
    "features.log": "{'chosen': Value('string'), 'chosen_scores': List(Value('int64'))}\n",
    "comma_in_bar.log": "10%|#  | 1/10 [00:01<00:09, 1.0s/it, loss=0,69]\n",
    "unnamed_runs.csv": "stage,run,loss\na,x,0.5\n,x,0.4\n",
    "words.jsonl": '{"message": "starting"}\n{"message": "done"}\n',
}
BYTES = {
    "zeros.csv": b"epoch,loss\n1,0.69\0\n",
    "zeros.log": bytes(64),
    "picture.png": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
    "paper.pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj <</Length 9>> stream\n\x00\x01\x02\xff\nendstream",
    "weights.safetensors": (16).to_bytes(8, "little") + b'{"loss":[0,0.5]}',
    "history.pkl": pickle.dumps([{"loss": 0.5, "step": 1}], protocol=5),
    "history.log.gz": gzip.compress(b"step=1 loss=0.5\n" * 9, mtime=0),
    "array.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n",
    "events.tfevents": b'\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7fK"\t\x00\x00\xc0\x8e\x1aF\xd9A\x1a\rbrain.Event:2',
    "program": b"\x7fELF\x02\x01\x01\x00\x00\x00",
    "half.utf16": b"\xff\xfe\x00",
    "broken.utf8": b"\xef\xbb\xbfloss\xff=0.5",
    "log.utf32": "loss=0.5\n".encode("utf-32"),
}


def fill(folder: Path) -> None:
    """Makes them."""
    folder.mkdir()
    for name, text in TEXTS.items():
        (folder / name).write_bytes(text.encode())
    for name, content in BYTES.items():
        (folder / name).write_bytes(content)
    for ending, sign in (("csv", ","), ("semicolon", ";"), ("tsv", "\t")):
        (folder / f"stages.{ending}").write_text(STAGES.format(sign), encoding="utf-8-sig")
    with zipfile.ZipFile(folder / "logs.zip", "w") as archive:
        archive.writestr("train.log", "step=1 loss=0.5\n")
    (folder / "folder.log").mkdir()
    (folder / "zero").symlink_to("/dev/zero")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "circle").symlink_to("circle")
