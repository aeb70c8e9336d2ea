"""Is it too early to say? A run in its warm-up, or in its first tenth, is no sick run."""

import numpy as np

from rlhf_lessons.diagnostics.logs.columns import Log
from rlhf_lessons.diagnostics.logs.rule import POLICY
from rlhf_lessons.diagnostics.logs.wording import percent

FIRST = 0.1  # of the run
FEWEST_RATES = 3
FEWEST_STEPS = 10  # of an optimiser
STRAIGHT = 0.05  # how far the steps of a linear schedule may differ: rates are printed with few digits


def too_early(log: Log) -> str:
    """Why it is too early to judge, in words; "" where it is not, or where the log does not say how far the run is."""
    epoch = max(log.values("epoch") + log.values("eval_epoch"), default=None)
    if epoch is not None and epoch >= 1:
        return ""
    share, where = _how_far(log, epoch)
    if share is not None:
        return f"too early to say: {where}" if share < FIRST else ""
    steps, rates = log.values("step"), log.values("learning_rate")
    if epoch is not None and steps and max(steps) < FEWEST_STEPS:
        return f"too early to say: the log ends at step {max(steps):.0f} of its first epoch, too few to see a course"
    if len(rates) >= FEWEST_RATES and rates[0] < 0.9 * rates[-1] and rates[-1] == max(rates) > rates[-2]:
        return f"too early to say: the learning rate still rises, from {rates[0]:.3g} to {rates[-1]:.3g} (warm-up)"
    is_held_out = any(name.startswith("eval_") for name in log.columns)
    if len(log.values("loss")) == 1 and log.kind not in POLICY and not is_held_out:
        return "too early to say: one row shows no course"
    falls = bool(rates) and rates[-1] < 0.5 * max(rates)
    if epoch is None or log.kind in POLICY or falls or not 0 < epoch < FIRST:
        return ""
    return f"too early to say: the log ends at {percent(epoch)} of an epoch"


def in_first_epoch(log: Log) -> bool:
    """Whether the log ends within the first epoch, in which every example is new to the model."""
    return max(log.values("epoch") + log.values("eval_epoch"), default=1.0) < 1


def _how_far(log: Log, epoch: float | None) -> tuple[float | None, str]:
    """The share of the run that is done, None if unknown, and a sentence of it."""
    settings, steps = log.reading.settings, log.values("step")
    total = max(log.values("total_steps"), default=settings.get("total_steps", 0))
    if steps and total >= max(steps) > 0:
        return max(steps) / total, f"the log ends at step {max(steps):,.0f} of {total:,.0f}"
    done = max(log.values("progress"), default=0)
    if 0 < done <= 1:
        return done, f"the log ends at {percent(done)} of the run"
    epochs = settings.get("num_epochs", 0)
    if epoch is not None and epochs > 0:
        share = epoch / epochs
        return (
            share,
            f"the log ends at {percent(epoch)} of an epoch, of {epochs:g} {'epoch' if epochs == 1 else 'epochs'}",
        )
    return _by_schedule(log)


def _by_schedule(log: Log) -> tuple[float | None, str]:
    """Where a learning rate that falls in a straight line would reach 0."""
    unit, places = log.positions("learning_rate")
    rates = log.values("learning_rate")
    top = int(np.argmax(rates)) if rates else 0
    rates, places = rates[top:], places[top:]
    if unit == "row" or len(rates) < FEWEST_RATES or places[-1] <= 0:
        return None, ""
    paces = -np.diff(rates) / np.diff(places)
    pace = float(paces.mean())
    if pace <= 0 or np.ptp(paces) > STRAIGHT * pace:
        return None, ""
    end = places[-1] + rates[-1] / pace
    where = f"the learning rate falls in a straight line that reaches 0 at {unit} {end:,.4g}"
    return places[-1] / end, f"{where}, and the log ends at {unit} {places[-1]:,.4g}"
