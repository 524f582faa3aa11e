"""Time and memory of one cell: a limit to the one, the peak of the other."""

from __future__ import annotations

import re
import resource
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from imbench.errors import OutOfTime
from imbench.spec import shown

__all__ = [
    "GRACE",
    "KILL",
    "duration",
    "peak_memory_mb",
    "reset_memory_peak",
    "time_limit",
]

GRACE = 15.0
"""Seconds between a cell's time limit and the end of a worker that ignores its alarm."""
KILL = 5.0
"""Seconds between asking such a worker to end (SIGTERM) and ending it (SIGKILL)."""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise OutOfTime inside the block once it took `seconds`; None for no limit.

    Python sees the alarm between two operations; a single one that never returns is ended by the
    run, which kills the process.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_signum: int, _frame: FrameType | None) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def duration(text: str) -> float:
    """Return the seconds of ``90``, ``30s``, ``5m``, ``2h``, ``1h30m`` or ``1d``.

    Raises
    ------
    ValueError
        If it is none of these, or 0.
    """
    pieces = re.findall(r"([0-9]+(?:\.[0-9]+)?)([smhd]?)", text.strip())
    if not pieces or "".join(number + unit for number, unit in pieces) != text.strip():
        raise ValueError(f"{shown(text)!r} is not a time such as 90, 30s, 5m, 2h or 1h30m")
    if len(pieces) > 1 and not all(unit for _, unit in pieces):
        raise ValueError(f"{shown(text)!r} is not a time: every number needs its unit")
    seconds = sum(float(number) * _UNITS[unit or "s"] for number, unit in pieces)
    if seconds <= 0:
        raise ValueError(f"{shown(text)!r} leaves no time at all")
    return seconds


def reset_memory_peak() -> None:
    """Start `peak_memory_mb` anew, where the system can; else it covers the whole process."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_memory_mb() -> float:
    """Return the most memory this process held, in 10**6 bytes."""
    with suppress(OSError):
        match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("utf-8"))
        if match:
            return int(match[1]) * 1024 / 1e6
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale / 1e6
