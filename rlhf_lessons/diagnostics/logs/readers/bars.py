"""Progress bars that carry metrics behind them: OpenRLHF, ColossalAI, Lightning and whoever uses tqdm's postfix."""

import re

from rlhf_lessons.diagnostics.logs.columns import Printed, Row
from rlhf_lessons.diagnostics.logs.names import SETTING
from rlhf_lessons.diagnostics.logs.readers.text import (
    HEAD,
    Rows,
    fields,
    has_measured,
    held_out,
    lines,
    without_repeats,
)

# Description: 10%|###   | 10/378 [01:00<10:00, 1.2s/it, loss=0.5, acc=0.6]
BAR = re.compile(r"\d{1,3}%\|[^|]{0,300}\|\s{0,9}(\d{1,12})/(\d{1,12})\s{0,9}\[([^\]]*)")
LONGEST_DESCRIPTION = 200
EPOCH_OF = re.compile(r"epoch\D{0,3}(\d+)\s*/\s*(\d+)", re.IGNORECASE)
EPOCH = re.compile(r"epoch\D{0,3}(\d+)", re.IGNORECASE)
EVALUATION = re.compile(r"\b(?:eval|valid|test)", re.IGNORECASE)


def sniff(text: str) -> bool:
    """Whether a bar has a known metric behind it."""
    return any(has_measured(fields(bar[3])) for bar in BAR.finditer(text, 0, HEAD) if "=" in bar[3])


def read(text: str) -> Rows:
    """A row a bar, with its own count as the step."""
    return without_repeats(_rows(text))


def _rows(text: str) -> Rows:
    for line in lines(text):
        if "%|" not in line or not (bar := BAR.search(line)):
            continue
        description = line[: bar.start()][-LONGEST_DESCRIPTION:]
        done, total, postfix = bar.groups()
        row = fields(postfix)
        if not has_measured(row):
            continue
        if EVALUATION.search(description):
            yield Printed(held_out(row))
            continue
        place = _place(description, int(done), int(total))
        if epochs := EPOCH_OF.search(description):
            yield Printed({f"{SETTING}num_epochs": float(epochs[2])})
        yield Printed(place | row)


def _place(description: str, done: int, total: int) -> Row:
    """Epoch, step and, where the bar says how many epochs there are, the steps of the whole run.

    Who counts to the last epoch begins at 1; who names an epoch alone (ColossalAI, Lightning) begins at 0.
    """
    if found := EPOCH_OF.search(description):
        epoch, epochs = int(found[1]), int(found[2])
        return {"epoch": epoch, "step": max(epoch - 1, 0) * total + done, "total_steps": epochs * total}
    if found := EPOCH.search(description):
        return {"epoch": int(found[1]), "step": int(found[1]) * total + done}
    return {"step": done, "total_steps": total}
