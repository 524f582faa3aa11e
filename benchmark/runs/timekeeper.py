"""Workers that ignore their time limit: each tells its run what it begins, and the run ends it.

They tell it through a pipe of their own. Nothing here reads the results folder, since whoever may
write there could name any process of this machine, and any time.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Protocol

from imbench.runs.limits import GRACE, KILL

__all__ = ["Handle", "Timekeeper", "announce_to", "announced", "due_signal", "to_pipe"]

LOOK = 0.5
"""Seconds between two looks at the time."""
_LOG = logging.getLogger(__name__)
_announce: Callable[[str], None] = lambda _key: None  # noqa: E731 - replaced in workers


class Handle(Protocol):
    """A process that this one has started."""

    @property
    def pid(self) -> int | None:
        """Its number."""

    @property
    def exitcode(self) -> int | None:
        """None while it runs; until that is asked for, its number is no other process's."""


def announce_to(tell: Callable[[str], None]) -> None:
    """In a worker: have the key of each job that begins told, and an empty text when it ended."""
    global _announce
    _announce = tell


def to_pipe(pipe: Connection) -> Callable[[str], None]:
    """Return what tells a `Timekeeper` at the other end of a pipe."""

    def tell(key: str) -> None:
        with suppress(OSError):  # the run is gone
            pipe.send_bytes(f"{os.getpid()} {key}".encode())

    return tell


@contextmanager
def announced(key: str) -> Iterator[None]:
    """In a worker: do a job inside the block, by the clock of whoever watches."""
    _announce(key)
    try:
        yield
    finally:
        _announce("")


def due_signal(seconds: float, timeout: float | None) -> signal.Signals | None:
    """Return the signal that a worker gets now, so many seconds after it began: TERM, then KILL.

    None if there is no time limit, or the worker is not far beyond it.
    """
    if timeout is None or seconds < timeout + GRACE:
        return None
    return signal.SIGKILL if seconds > timeout + GRACE + KILL else signal.SIGTERM


class Timekeeper:
    """Ends workers of this process that are far beyond the time limit.

    Parameters
    ----------
    timeout : float
        Seconds that a job may take.
    late : callable
        Called with the key of the job of a worker before that is ended.

    Attributes
    ----------
    pipe : Connection
        What workers announce jobs to, see `to_pipe`.
    """

    def __init__(self, timeout: float, late: Callable[[str], None]) -> None:
        self.timeout = timeout
        self.late = late
        self._heard, self.pipe = Pipe(duplex=False)
        self._begun: dict[int, tuple[str, float]] = {}

    @contextmanager
    def watching(self, workers: Mapping[int, Handle]) -> Iterator[None]:
        """Watch the processes among `workers`, by number, as long as the block lasts."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(LOOK):
                try:
                    self.look(workers)
                except Exception as error:  # without it there would be no time limit any more
                    _LOG.warning("time limits: %s: %s", type(error).__name__, error)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def look(self, workers: Mapping[int, Handle]) -> None:
        """Hear what was announced, and send a signal to each worker that it is time for."""
        while self._heard.poll():
            sender, _, key = self._heard.recv_bytes().decode().partition(" ")
            self._begun[int(sender)] = key, time.monotonic()
        for number, (key, since) in list(self._begun.items()):
            worker = workers.get(number)
            if not key or worker is None or worker.exitcode is not None:
                del self._begun[number]
            elif due := due_signal(time.monotonic() - since, self.timeout):
                self.late(key)
                os.kill(number, due)
