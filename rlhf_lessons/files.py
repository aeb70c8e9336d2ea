"""Files: read as what they are or refused in one line, and replaced whole or not at all.

All that the course reads and did not ship comes in through here, so that the mark at the beginning of a
spreadsheet's table, or a pipe in place of a file, is met once.
"""

import codecs
import json
import os
import secrets
import warnings
from pathlib import Path
from typing import Any

UNFINISHED = ".tmp"  # the ending of a file that is being written
MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
UNKNOWN_TO_TEXT = frozenset(range(32)) - frozenset(b"\t\n\v\f\r\x1b")  # ESC begins the colours of a terminal


class GuessedEncodingWarning(UserWarning):
    """A text was read as Latin-1 because nothing else fits: letters with accents may be wrong."""


def read(path: Path) -> bytes:
    """The content of an ordinary file. Raises ValueError for a pipe, a device or a folder, which might never end.

    Raises OSError, as `open` does, for a file that is missing or not allowed.
    """
    if path.exists() and not path.is_file():
        raise ValueError(f"file: {str(path)!r} is not an ordinary file; it must be one, and no folder, pipe or device")
    return path.read_bytes()


def decode(content: bytes, name: str = "the text") -> str:
    """Bytes as text: UTF-8 or UTF-16, with or without the mark at the beginning; else Latin-1, with a warning.

    `name` stands in what is said. Raises ValueError for what is no text in any of them.
    """
    mark = next((mark for mark in MARKS if content.startswith(mark)), b"")
    for encoding in [MARKS[mark]] if mark else ["utf-8", *_utf_16_without_mark(content)]:
        try:
            text = content.removeprefix(mark).decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    if mark or UNKNOWN_TO_TEXT & set(content):
        raise ValueError(f"file: {name} is not text; it must be in UTF-8, UTF-16 or Latin-1")
    message = f"{name} is neither UTF-8 nor UTF-16 and was read as Latin-1; letters with accents may be wrong"
    warnings.warn(message, GuessedEncodingWarning, stacklevel=2)
    return content.decode("latin-1")


def read_text(path: Path) -> str:
    """An ordinary file as text. Raises as `read` and `decode` do."""
    return decode(read(path), repr(str(path)))


def parse_json(text: str | bytes, name: str) -> Any:
    """What JSON says. Raises ValueError, naming `name`, for text that is no JSON or is nested too deeply to read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise ValueError(f"file: {name} is not JSON that can be read ({reason})") from None


def replace(path: Path, content: bytes) -> None:
    """Write beside `path`, then rename: the name always stands for a whole file, old or new, with the umask's mode."""
    temporary = path.with_name(f"{path.name}-{secrets.token_hex(6)}{UNFINISHED}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _utf_16_without_mark(content: bytes) -> list[str]:
    """Latin letters in UTF-16 have a zero as every second byte; which one tells the order of the two."""
    return [
        name for first, name in ((0, "utf-16-be"), (1, "utf-16-le")) if content[first::2].count(0) > len(content) / 4
    ]
