"""Identify this machine and its processes without revealing names."""

from __future__ import annotations

import hashlib
import os
import platform
import threading
import time
from functools import cache
from pathlib import Path

LOOK = 5.0
"""Seconds between two looks at a parent: one look is a system call."""

__all__ = ["alive", "end_with", "hidden", "host_id", "start_time"]


@cache
def host_id() -> str:
    """Return 12 hexadecimal digits that identify this machine and its boot.

    A container with process numbers of its own counts as a machine, since its numbers mean nothing
    outside it.
    """
    parts = [platform.node()]
    try:
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        pass  # not Linux: the node's name must do
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


@cache
def end_with(parent: int) -> None:
    """Have this process end within seconds of its parent, killed as that may be.

    Else a worker whose run was killed trains on, for nobody.

    Raises
    ------
    RuntimeError
        If this process may start no thread.
    """
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK)
    os._exit(1)


def start_time(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; empty if unknown."""
    fields = _stat_fields(pid)
    return fields[19] if fields else ""


def alive(pid: int, started: str = "") -> bool:
    """Whether process `pid` of this machine runs and started at `started` (`start_time`).

    A zombie, which has ended and waits for its parent, does not count as running. A process that
    may not be looked at, as /proc may hide those of other users, does.
    """
    if not _exists(pid):
        return False
    fields = _stat_fields(pid)
    if not fields:  # hidden, or not Linux, or ended since
        return _exists(pid)
    return fields[0] != "Z" and started in ("", fields[19])


def hidden(pid: int) -> bool:
    """Whether a process that runs may not be looked at, so that nobody knows when it started."""
    return not _stat_fields(pid) and _exists(pid)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it runs, under another user
    return True


def _stat_fields(pid: int) -> list[str]:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return []
    # The command's name, in parentheses, may contain spaces and parentheses.
    return stat.rpartition(")")[2].split()
