"""Results that ship with the course: whole, old or new, whenever a write is killed, and never believed when broken."""

import gzip
import io
import json
import multiprocessing
import random
import time
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from rlhf_lessons import store
from rlhf_lessons.cli import app
from rlhf_lessons.keys import Key
from rlhf_lessons.sweeps import kept, over_optimisation, results

NAME = "some_sweep"
MADE_ANEW = "rlhf-lessons sweep some-sweep makes it anew"
KEY = Key("a", {"x": 1}, "code", (), (Key("p", {}, "c"),))
ENTRY = {"key": KEY.as_dict(), "result": {"n": 1}}


def label_of(version: int) -> dict[str, int]:
    return dict.fromkeys(kept.FIELDS, version)


def tables_of(version: int, rows: int) -> dict[str, pd.DataFrame]:
    rng = random.Random(version)
    return {name: pd.DataFrame({"a": [rng.random() for _ in range(rows)]}).assign(v=version) for name in ("x", "y")}


def write(version: int, folder: Path, rows: int = 20) -> None:
    kept.write(NAME, tables_of(version, rows), label_of(version), folder)


def read(folder: Path) -> int:
    """Which version is kept; it must be one, from the label to the last table."""
    found = kept.read(NAME, folder)
    versions = {*found.label.values(), *(int(v) for table in found.tables.values() for v in table.v.unique())}
    assert sorted(found.tables) == ["x", "y"] and len(versions) == 1
    return versions.pop()


@pytest.fixture
def change(tmp_path):
    """Replaces the kept archive by one with other texts, None for none; gives its path."""
    write(1, tmp_path)
    path = tmp_path / f"{NAME}.zip"

    def change(**others: str | None) -> Path:
        with zipfile.ZipFile(path) as old:
            texts = {name: old.read(name) for name in old.namelist()}
        texts |= {name.replace("_", "."): text for name, text in others.items()}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as new:
            for name, text in texts.items():
                if text is not None:
                    new.writestr(name, text)
        path.write_bytes(packed.getvalue())
        return path

    return change


def keep_writing(folder: Path) -> None:
    for version in range(10**9):
        write(version % 2, folder, 2000)


@pytest.mark.slow
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="starts its writers by a fork")
def test_a_write_that_is_killed_leaves_all_of_the_old_or_of_the_new_result(tmp_path, rounds, tally):
    moments = random.Random(10)
    write(0, tmp_path, 2000)
    for _ in range(rounds(8, 40)):
        writer = multiprocessing.get_context("fork").Process(target=keep_writing, args=(tmp_path,))
        writer.start()
        time.sleep(moments.uniform(0.02, 0.2))
        writer.kill()
        writer.join()
        assert read(tmp_path) in (0, 1)
        tally("kills survived")


def test_an_archive_with_changed_bytes_or_cut_short_is_refused_or_the_same(tmp_path, rounds, tally):
    rng = random.Random(10)
    write(1, tmp_path)
    path, noticed = tmp_path / f"{NAME}.zip", 0
    whole = path.read_bytes()
    for _ in range(rounds(150, 1500)):
        content = bytearray(whole)
        place = rng.randrange(len(content))
        content[place] ^= 1 << rng.randrange(8)
        path.write_bytes(rng.choice([bytes(content), whole[:place]]))
        try:
            assert read(tmp_path) == 1, "a date has no say"
        except ValueError as error:
            assert "\n" not in str(error) and str(path) in str(error) and MADE_ANEW in str(error)
            noticed += 1
    assert noticed > 75
    tally("faults noticed", noticed)


@pytest.mark.parametrize(
    "others",
    [
        {"label_json": None},
        {"label_json": "[]"},
        {"label_json": "{}"},
        {"label_json": "{"},
        {"label_json": "[" * 100_000},
        {"x_csv": None, "y_csv": None},
        {"x_csv": ""},
        {"x_csv": 'a,v\n"1,2'},
        {"x_csv": b"a,v\n\xff,1"},
    ],
    ids=[
        "no label",
        "a list as label",
        "an empty label",
        "a cut label",
        "a deep label",
        "no tables",
        "an empty table",
        "a cut table",
        "a table that is no text",
    ],
)
def test_a_forged_archive_is_refused_in_one_line(change, tally, others):
    path = change(**others)
    with pytest.raises(ValueError) as caught:
        kept.read(NAME, path.parent)
    line = str(caught.value)
    assert line.startswith(f"file: {str(path)!r} is not a kept result (") and line.endswith(MADE_ANEW)
    assert "\n" not in line and len(line) < 500
    tally("faults noticed")


def test_a_folder_in_place_of_the_archive_is_refused(tmp_path, tally):
    (tmp_path / f"{NAME}.zip").mkdir()
    with pytest.raises(ValueError, match=f"is not an ordinary file.*{MADE_ANEW}"):
        kept.read(NAME, tmp_path)
    tally("faults noticed")


def test_the_scorecard_says_in_one_line_that_its_results_are_broken(tmp_path, monkeypatch, tally):
    path = tmp_path / f"{over_optimisation.NAME}.zip"
    path.write_bytes((kept.FOLDER / path.name).read_bytes()[:-1000])
    monkeypatch.setattr(kept.read, "__defaults__", (tmp_path,))
    result = CliRunner().invoke(app, ["scorecard"])
    anew = "rlhf-lessons sweep over-optimisation makes it anew"
    line = f"file: {str(path)!r} is not a kept result (File is not a zip file); {anew}\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", line)
    tally("faults noticed")


@pytest.fixture
def shipped_file(tmp_path, monkeypatch):
    """The file of one result that ships, under the name "a", in a course of its own."""
    monkeypatch.setenv("RLHF_LESSONS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(results.REMAKE_VARIABLE, raising=False)
    monkeypatch.setattr(results, "FOLDER", tmp_path / "shipped")
    results.shipped.cache_clear()
    results.ship({"a": {KEY.fingerprint: ENTRY}})
    yield results.FOLDER / "a.json.gz"
    results.shipped.cache_clear()


def packed(value: object) -> bytes:
    return gzip.compress(json.dumps(value).encode(), mtime=0)


WHOLE = packed({KEY.fingerprint: ENTRY})
BROKEN = {
    "empty": b"",
    "cut short": WHOLE[:-20],
    "a wrong checksum": WHOLE[:-6] + b"\0" + WHOLE[-5:],
    "more at the end": WHOLE + b"more",
    "not packed": b"{}",
    "no JSON": gzip.compress(b"{"),
    "deep JSON": gzip.compress(b"[" * 100_000),
    "no text": gzip.compress(b"\xff\xfe"),
    "a list": packed([ENTRY]),
    "no entry": packed({KEY.fingerprint: None}),
    "no result": packed({KEY.fingerprint: {"key": KEY.as_dict()}}),
    "a list as result": packed({KEY.fingerprint: ENTRY | {"result": [1]}}),
    "an empty key": packed({KEY.fingerprint: ENTRY | {"key": {}}}),
    "a number as parents": packed({KEY.fingerprint: ENTRY | {"key": KEY.as_dict() | {"parents": 1}}}),
    "another fingerprint": packed({"0" * 16: ENTRY}),
    "other settings": packed({KEY.fingerprint: ENTRY | {"key": KEY.as_dict() | {"settings": {"x": 2}}}}),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_shipped_file_that_is_broken_is_named_and_measured_anew(shipped_file, tally, content):
    assert results.remembered(KEY, lambda: {"n": 2}) == {"n": 1}
    shipped_file.write_bytes(content)
    results.shipped.cache_clear()
    with pytest.warns(store.CorruptCacheWarning) as caught:
        assert results.remembered(KEY, lambda: {"n": 2}) == {"n": 2}
    (line,) = {str(one.message) for one in caught}
    assert str(shipped_file) in line and line.endswith("a will be measured again") and "\n" not in line
    tally("faults noticed")


def test_what_is_kept_is_replaced_in_the_last_step_alone(shipped_file, tmp_path, monkeypatch, tally):
    def no_space(*paths: object) -> None:
        raise OSError(28, "No space left on device")

    write(0, tmp_path / "kept")
    files = {path: path.read_bytes() for path in (shipped_file, tmp_path / "kept" / f"{NAME}.zip")}
    monkeypatch.setattr("os.replace", no_space)
    for make_anew in (lambda: results.ship({"a": {}}), lambda: write(1, tmp_path / "kept")):
        with pytest.raises(OSError, match="No space"):
            make_anew()
        tally("faults noticed")
    assert all(
        path.read_bytes() == content and len(list(path.parent.iterdir())) == 1 for path, content in files.items()
    )
