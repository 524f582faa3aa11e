"""What ends a run or a worker from outside: Ctrl-C, and a time limit that a worker is deaf to."""

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

__all__ = ["ending", "sigint_handled", "time_watched"]


@contextmanager
def sigint_handled(first: Callable[[], bool], heard: Callable[[], None]) -> Iterator[None]:
    """Call `first` at Ctrl-C or SIGTERM, then `heard` in a thread; stop now at a second Ctrl-C.

    Parameters
    ----------
    first : callable
        Has nothing new begun; returns False if that was asked for before.
    heard : callable
        Says so. In a thread: the signal may come in the midst of a line being written.
    """

    def hear(signum: int, _frame: FrameType | None) -> None:
        if not first() and signum == signal.SIGINT:
            raise KeyboardInterrupt
        threading.Thread(target=heard, daemon=True).start()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
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

    They do not hear their own alarm. `late` is called with the key of what they were at.
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
        for claim in held_leases(folder):
            ends = ending(claim, timeout)
            if claim.run != run or ends is None:
                continue
            late(claim.key)
            with suppress(ProcessLookupError):  # it ended since the claims were read
                os.kill(claim.pid, ends)


def ending(claim: TrainingLease, timeout: float) -> signal.Signals | None:
    """Return what a process far beyond its time limit is sent now: asked first, then killed.

    None if it is not, or runs on another machine.
    """
    over = time.monotonic() - claim.since - timeout - GRACE
    if not claim.here or over < 0:
        return None
    return signal.SIGKILL if over > KILL else signal.SIGTERM
