"""Signals that stop a run in order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["sigint_handled"]


@contextmanager
def sigint_handled(stop: Callable[[], bool], announce: Callable[[], None]) -> Iterator[None]:
    """Stop in order at the first Ctrl-C or SIGTERM, at once at a second Ctrl-C.

    Parameters
    ----------
    stop : callable
        Lets nothing new begin; returns False if it was called before.
    announce : callable
        Tells the user, in a thread: the signal may come while a line is being written.
    """

    def handle(signum: int, _frame: FrameType | None) -> None:
        if not stop() and signum == signal.SIGINT:
            raise KeyboardInterrupt
        threading.Thread(target=announce, daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
