"""TensorBoard's event files, by the package `tensorboard`."""

import tempfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from rlhf_lessons.diagnostics.logs.readers.text import Rows
from rlhf_lessons.diagnostics.logs.rows import Printed

FORM = "an event file of TensorBoard"
VERSION = b"brain.Event:"  # in the first record of every event file
MISSING = "log: it is an event file of TensorBoard; it must be read by the package tensorboard (extra: scale), not here"


def sniff(content: bytes) -> bool:
    """Whether it begins as event files do."""
    return VERSION in content[:64] and b"\0" in content[:16]


def read(content: bytes) -> Rows:
    """A row a step. Raises ValueError where the package is missing."""
    scalars = sorted(_scalars(content), key=lambda scalar: scalar[0])  # by step: a writer may be late with some
    for step, group in groupby(scalars, key=lambda scalar: scalar[0]):
        yield Printed({"step": float(step)} | {tag: value for _, tag, value in group})


def _scalars(content: bytes) -> Iterator[tuple[int, str, float]]:
    try:
        from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
        from tensorboard.util import tensor_util
    except ImportError:
        raise ValueError(MISSING) from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "events")
        path.write_bytes(content)
        try:
            for event in EventFileLoader(str(path)).Load():
                for value in event.summary.value:
                    yield from _scalar(event.step, value, tensor_util)
        except Exception as error:  # damaged files fail in the package's protobuf, struct and its own ways
            raise ValueError(f"log: an event file that cannot be read ({type(error).__name__})") from None


def _scalar(step: int, value: Any, tensor_util: Any) -> Iterator[tuple[int, str, float]]:
    if value.HasField("tensor"):
        array = tensor_util.make_ndarray(value.tensor)
        if array.size == 1 and array.dtype.kind in "fiu":
            yield step, value.tag, float(array.reshape(-1)[0])
