"""Progress bars that carry metrics behind them: OpenRLHF, ColossalAI, Lightning and whoever uses tqdm's postfix."""

import re
from functools import lru_cache
from string import digits

from rlhf_lessons.diagnostics.logs.names import DISTINCT, SETTING
from rlhf_lessons.diagnostics.logs.readers.text import (
    HEAD,
    Rows,
    fields,
    held_out,
    lines,
    without_repeats,
)
from rlhf_lessons.diagnostics.logs.rows import Printed, Row, has_measured

# Description: 10%|###   | 10/378 [01:00<10:00, 1.2s/it, loss=0.5, acc=0.6]
BAR = re.compile(r"%\|[^|]{0,300}\|\s{0,9}(\d{1,12})/(\d{1,12})\s{0,9}\[([^\]]*)")
LONGEST_DESCRIPTION = 200
EPOCH_OF = re.compile(r"epoch\D{0,3}(\d{1,9})\s?/\s?(\d{1,9})", re.IGNORECASE)
EPOCH = re.compile(r"epoch\D{0,3}(\d{1,9})", re.IGNORECASE)
EVALUATION = re.compile(r"\b(?:eval|valid|test)", re.IGNORECASE)


def sniff(text: str) -> bool:
    """Whether a bar has a known metric behind it."""
    return any(has_measured(fields(bar[3])) for bar in BAR.finditer(text, 0, HEAD) if "=" in bar[3])


def read(text: str) -> Rows:
    """A row a bar, with its own count as the step."""
    return without_repeats(_rows(text))


def _rows(text: str) -> Rows:
    stated = 0
    for line in lines(text):
        start = line.find("%|")
        if start < 0 or not (bar := BAR.match(line, start)):
            continue
        description = line[:start].rstrip(digits)[-LONGEST_DESCRIPTION:]
        done, total, postfix = bar.groups()
        row = fields(postfix)
        if not has_measured(row):
            continue
        if EVALUATION.search(description):
            yield Printed(held_out(row))
            continue
        epoch, epochs = _epochs(description)
        if epochs != stated:
            stated = epochs
            yield Printed({f"{SETTING}num_epochs": epochs})
        yield Printed(_place(epoch, epochs, int(done), int(total)) | row)


@lru_cache(DISTINCT)
def _epochs(description: str) -> tuple[int | None, int]:
    """The epoch that a bar names, None for none, and how many there are, 0 where it does not say."""
    if found := EPOCH_OF.search(description):
        return int(found[1]), int(found[2])
    found = EPOCH.search(description)
    return (int(found[1]) if found else None), 0


def _place(epoch: int | None, epochs: int, done: int, total: int) -> Row:
    """Epoch, step and, where the bar says how many epochs there are, the steps of the whole run.

    Who counts to the last epoch begins at 1; who names an epoch alone (ColossalAI, Lightning) begins at 0.
    """
    if epoch is None:
        return {"step": done, "total_steps": total}
    if epochs:
        return {"epoch": epoch, "step": max(epoch - 1, 0) * total + done, "total_steps": epochs * total}
    return {"epoch": epoch, "step": epoch * total + done}
