"""What DeepSpeed-Chat prints: its reward model in step 2, PPO in step 3."""

import re

from rlhf_lessons.diagnostics.logs.names import SETTING
from rlhf_lessons.diagnostics.logs.readers.text import HEAD, Rows, fields, held_out, lines, without_repeats
from rlhf_lessons.diagnostics.logs.rows import Printed, Row

SIGNS = re.compile(r"\((?:higher|lower) is better\)|^epoch: ?\d+ ?\| ?step: ?\d+ ?\| ?ppo_ep", re.MULTILINE)
BETTER = re.compile(r" ?\((?:higher|lower) is better\) ?")
EVALUATING = re.compile(r"\*+ Evaluating \w+, Epoch (\d+)/(\d+)")
BEGINNING = re.compile(r"Beginning of Epoch \d+/(\d+)")
TRAINED = re.compile(r"Epoch (\d+)/\d+ with loss (\S+)")


def sniff(text: str) -> bool:
    """Whether it has the words "(higher is better)" of step 2, or the line of step 3."""
    return bool(SIGNS.search(text, 0, HEAD))


def read(text: str) -> Rows:
    """Step 2: a row of held-out values an evaluation and one a loss. Step 3: a row a step, with its average reward."""
    return without_repeats(_rows(text))


def _rows(text: str) -> Rows:
    epoch: Row = {}
    row: Row = {}
    for line in lines(text):
        if found := EVALUATING.search(line):
            epoch = {"epoch": float(found[1])}
        elif found := BEGINNING.search(line):
            yield Printed({f"{SETTING}num_epochs": float(found[1])})
        elif found := TRAINED.search(line):
            yield Printed(fields(f"epoch: {found[1]}, loss: {found[2]}"))
        elif BETTER.search(line) or line.startswith("ppl:"):
            yield Printed(epoch | held_out(fields(BETTER.sub("", line))))
        elif line.startswith("epoch:"):
            if row:
                yield Printed(row)
            row = fields(line)
        elif line.lower().startswith("average reward score"):
            row |= fields(line)
    if row:
        yield Printed(row)
