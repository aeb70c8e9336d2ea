import json
import re

import pandas as pd
import pytest

pytest.importorskip("transformers", reason="needs the extra `scale`: pip install -e '.[scale]'")

from rlhf_lessons.integrations.pairs import Pair, read_pairs

PLAIN = {"prompt": "2 + 2 = ", "chosen": "4", "rejected": "5"}
USER, YES, NO = (
    {"role": role, "content": text} for role, text in [("user", "ok?"), ("assistant", "yes"), ("assistant", "no")]
)
TALK = {"prompt": [USER], "chosen": [YES], "rejected": [NO]}
WHOLE = {"chosen": [USER, YES], "rejected": [USER, NO]}


@pytest.mark.parametrize(
    ("row", "pair"),
    [
        (PLAIN, Pair("2 + 2 = ", "4", "5")),
        (TALK, Pair([USER], [YES], [NO])),
        (WHOLE, Pair([USER], [YES], [NO])),
        ({**WHOLE, "prompt": "ok?"}, Pair([USER], [YES], [NO])),  # the prompt twice, as some data sets have it
        ({"chosen": "Q: why A: because", "rejected": "Q: why A: before"}, Pair("Q: why A: ", "because", "before")),
        ({"chosen": "the same", "rejected": "the same"}, Pair("the ", "same", "same")),
        ({"chosen": [USER, YES], "rejected": [USER, YES]}, Pair([USER], [YES], [YES])),
    ],
)
def test_every_layout_of_trl_is_read(row, pair):
    assert read_pairs([row, row]) == [pair, pair]


@pytest.mark.parametrize(
    ("row", "ending"),
    [(PLAIN, "jsonl"), (PLAIN, "json"), (PLAIN, "csv"), (PLAIN, "parquet"), (TALK, "jsonl"), (TALK, "parquet")],
)
def test_every_format_gives_the_same_pairs(tmp_path, row, ending):
    rows, path = [row, row, row], tmp_path / f"pairs.{ending}"
    if ending in ("csv", "parquet"):
        getattr(pd.DataFrame(rows), f"to_{ending}")(path, index=False)
    else:
        path.write_text(
            json.dumps(rows) if ending == "json" else "\n\n".join(map(json.dumps, rows)), encoding="utf-8-sig"
        )
    assert read_pairs(path) == read_pairs(rows)


def test_a_line_separator_within_a_text_ends_no_line(tmp_path):
    row = {**PLAIN, "chosen": "one\u2028two\x85three"}
    (tmp_path / "pairs.jsonl").write_text(
        f"{json.dumps(row, ensure_ascii=False)}\r\n" * 2, encoding="utf-8", newline=""
    )
    assert read_pairs(tmp_path / "pairs.jsonl")[0].chosen == row["chosen"]


def test_an_empty_cell_is_no_prompt(tmp_path):
    (tmp_path / "pairs.csv").write_text("prompt,chosen,rejected\n,to be,to do\nor ,not,now\n")
    assert read_pairs(tmp_path / "pairs.csv") == [Pair("to ", "be", "do"), Pair("or ", "not", "now")]


def test_messages_read_as_plain_text_for_comparison():
    assert read_pairs([TALK, TALK])[0].texts == ("user: ok?", "assistant: yes", "assistant: no")


def test_trls_own_way_to_find_the_prompt_agrees():
    data_utils = pytest.importorskip("trl.data_utils", reason="needs the extra `scale`: pip install -e '.[scale]'")
    found = data_utils.extract_prompt(dict(WHOLE))
    assert read_pairs([WHOLE, WHOLE])[0] == Pair(found["prompt"], found["chosen"], found["rejected"])


ASKED = "it must be a text, or messages where the answers are messages"
EMPTY = "it must be a text that is not empty, or messages, each with a role and a content that are texts"


@pytest.mark.parametrize(
    ("row", "line"),
    [
        ({"prompt": "p", "chosen": "c"}, f"rejected: None is not allowed; {EMPTY} (row 1 of pairs)"),
        ({**PLAIN, "chosen": ""}, f"chosen: '' is not allowed; {EMPTY} (row 1 of pairs)"),
        ({**PLAIN, "chosen": " \n"}, f"chosen: ' \\n' is not allowed; {EMPTY} (row 1 of pairs)"),
        ({**PLAIN, "chosen": 4}, f"chosen: 4 is not allowed; {EMPTY} (row 1 of pairs)"),
        ({**TALK, "chosen": []}, f"chosen: [] is not allowed; {EMPTY} (row 1 of pairs)"),
        ({**TALK, "chosen": ["yes"]}, f"chosen: ['yes'] is not allowed; {EMPTY} (row 1 of pairs)"),
        (
            {**TALK, "chosen": "yes"},
            "row 1 of pairs: a text beside messages is not allowed; chosen and rejected must be of one kind",
        ),
        ({**PLAIN, "prompt": 4}, f"prompt: 4 is not allowed; {ASKED} (row 1 of pairs)"),
        ({**PLAIN, "prompt": []}, f"prompt: [] is not allowed; {ASKED} (row 1 of pairs)"),
        ({**TALK, "prompt": ["ok?"]}, f"prompt: ['ok?'] is not allowed; {ASKED} (row 1 of pairs)"),
        (
            {**PLAIN, "chosen": "\ud800"},
            "row 1 of pairs: half a surrogate pair is not allowed; all must be Unicode",
        ),
        ("chosen", "row 1 of pairs: 'chosen' is not allowed; it must be an object with chosen and rejected"),
    ],
)
def test_a_row_that_is_no_pair_is_refused_in_one_line(row, line):
    with pytest.raises(ValueError, match=f"^{re.escape(line)}$"):
        read_pairs([row, row])


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("a.jsonl", b"", "pairs: 0 is not allowed; there must be at least 2 pairs"),
        ("a.json", b"[]", "pairs: 0 is not allowed; there must be at least 2 pairs"),
        ("a.jsonl", b'{"chosen": ', "file: line 1 of 'a.jsonl' is not JSON that can be read (...)"),
        ("a.json", b"[1, 2", "file: 'a.json' is not JSON that can be read (...)"),
        ("a.csv", b"", "file: 'a.csv' is no table that can be read (...)"),
        ("a.parquet", b"PAR1", "file: 'a.parquet' is no table that can be read (...)"),
        ("a.jsonl", b"\x00\x01\x02", "file: 'a.jsonl' is not text; it must be in UTF-8, UTF-16 or Latin-1"),
    ],
)
def test_a_file_without_pairs_is_refused_in_one_line(tmp_path, monkeypatch, name, content, line):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match="^" + re.escape(line).replace(re.escape("..."), ".*") + "$"):
        read_pairs(name)
