"""Labs that use all threads of the processor take turns: two at once slow one another up to tenfold."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_turn = threading.Lock()


class Stopped(Exception):
    """The learner pressed Stop."""


@contextmanager
def turn(stop: threading.Event, waits: Callable[[], None]) -> Iterator[None]:
    """Hold the turn. `waits` is called time and again while another lab has it. Raises Stopped if `stop` is set."""
    while not _turn.acquire(timeout=0.1):
        waits()
        if stop.is_set():
            raise Stopped
    try:
        yield
    finally:
        _turn.release()
