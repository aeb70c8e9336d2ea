"""Seconds of a piece of work, and how much longer one way takes than another."""

import statistics
import time
from collections.abc import Callable

REPEATS = 15


def seconds(work: Callable[[], object]) -> float:
    """Seconds that a piece of work takes, once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def ratio(plain: Callable[[], object], shortcut: Callable[[], object], what: str, repeats: int = REPEATS) -> float:
    """How many times as long the plain way takes: the median over pairs, each timed one right after the other."""
    pairs = [(seconds(plain), seconds(shortcut)) for _ in range(repeats + 1)][1:]  # the first warms up
    found = statistics.median(slow / quick for slow, quick in pairs)
    slow, quick = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"\n{what}: {slow:.4f} s / {quick:.4f} s = {found:.2f}")
    return found
