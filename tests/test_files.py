import os
import stat
import warnings

import pytest

from rlhf_lessons import files

TEXT = "step,loss\n1,0.69\n2,0.70 µ\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_every_encoding_gives_the_same_text_without_a_word(encoding):
    marked = b"\xfe\xff" + TEXT.encode("utf-16-be")
    for content in (TEXT.encode(encoding), marked):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert files.decode(content) == TEXT


def test_latin_1_is_read_and_said():
    with pytest.warns(files.GuessedEncodingWarning, match=r"^'my\.log' is neither UTF-8 nor UTF-16"):
        assert files.decode(TEXT.encode("latin-1"), "'my.log'") == TEXT


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"PK\x03\x04\x00\xff", b"loss\x00", b"\xef\xbb\xbf\xff", b"\xff\xfe\x00\xd8a\x00"]
)
def test_what_is_no_text_is_refused(content):
    with pytest.raises(ValueError, match="'x' is not text; it must be in UTF-8, UTF-16 or Latin-1"):
        files.decode(content, "'x'")


def test_an_empty_file_is_text(tmp_path):
    (tmp_path / "log").write_bytes(b"")
    assert files.read_text(tmp_path / "log") == ""


def test_only_ordinary_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("/dev/zero")
    for name in ("pipe", "link", "."):
        with pytest.raises(ValueError, match="is not an ordinary file"):
            files.read(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "nothing")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "1" * 5_000])
def test_json_that_cannot_be_read_is_refused_by_name(text):
    with pytest.raises(ValueError, match=r"^file: my\.json is not JSON that can be read "):
        files.parse_json(text, "my.json")


def test_a_replaced_file_has_the_mode_of_the_umask(tmp_path):
    before = os.umask(0o022)
    try:
        files.replace(tmp_path / "new", b"1")
        files.replace(tmp_path / "new", b"2")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o644
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"2"]


def test_an_interrupted_replacement_leaves_the_old_file_alone(tmp_path, monkeypatch):
    files.replace(tmp_path / "new", b"1")
    monkeypatch.setattr(os, "fsync", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        files.replace(tmp_path / "new", b"2")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"1"]
