"""What verl writes to the console: a line a step, `step:1 - critic/score/mean:0.5 - actor/kl_loss:0.01 - ...`."""

import re

from rlhf_lessons.diagnostics.logs.names import printed_number
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Rows, lines, without_repeats
from rlhf_lessons.diagnostics.logs.rows import Printed

STEP = re.compile(r"(?:^|[\s)])step:\d+ - (?=\S+:)", re.MULTILINE)
TYPED = re.compile(r"np\.\w+\((.*)\)")


def sniff(text: str) -> bool:
    """Whether a line begins with `step:1 - `."""
    return bool(STEP.search(text, 0, HEAD))


def read(text: str) -> Rows:
    """A row a line."""
    return without_repeats(_row(line[found.start() :]) for line in lines(text) if (found := STEP.search(line)))


def _row(line: str) -> Printed:
    pairs = (part.rpartition(":") for part in line.split(" - "))
    found = ((name.strip(), printed_number(TYPED.sub(r"\1", value))) for name, _, value in pairs if name)
    return Printed({name: value for name, value in found if value is not None})
