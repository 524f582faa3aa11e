"""Signals, and killing workers that ignore their alarm."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from imbench.runs.limits import GRACE, KILL
from imbench.runs.training_leases import TrainingLease, held_leases

__all__ = ["overdue_signal", "sigint_handled", "time_watched"]


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


@contextmanager
def time_watched(
    folder: Path, run: str, timeout: float | None, late: Callable[[str], None]
) -> Iterator[None]:
    """Kill workers of this machine that are far beyond the time limit.

    They ignored their own alarm. `late` is called with the key of the job that each was at.
    """
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(done, folder, run, timeout, late), daemon=True)
    if timeout is not None:
        watch.start()
    try:
        yield
    finally:
        done.set()


def _watch(
    done: threading.Event, folder: Path, run: str, timeout: float, late: Callable[[str], None]
) -> None:
    while not done.wait(0.5):
        for lease in held_leases(folder):
            due = overdue_signal(lease, timeout)
            if lease.run != run or due is None:
                continue
            late(lease.key)
            with suppress(ProcessLookupError):  # it ended since the leases were read
                os.kill(lease.pid, due)


def overdue_signal(lease: TrainingLease, timeout: float) -> signal.Signals | None:
    """Return the signal that a process far beyond its time limit gets now: SIGTERM, then SIGKILL.

    None if it is within its limit, or runs on another machine.
    """
    over = time.monotonic() - lease.since - timeout - GRACE
    if not lease.here or over < 0:
        return None
    return signal.SIGKILL if over > KILL else signal.SIGTERM
