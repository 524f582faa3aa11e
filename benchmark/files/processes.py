"""Which machine this is and whether a process on it still runs, without naming either."""

from __future__ import annotations

import hashlib
import os
import platform
from functools import cache
from pathlib import Path

__all__ = ["alive", "host_id", "start_time"]


@cache
def host_id() -> str:
    """Return 12 hexadecimal digits that tell this machine (and its boot) from others.

    Containers with process numbers of their own count as machines of their own, since a number
    of one means nothing in another.
    """
    pieces = [platform.node()]
    try:
        pieces.append(Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip())
        pieces.append(str(Path("/proc/self/ns/pid").readlink()))
    except OSError:
        pass  # not Linux: the node's name has to do
    return hashlib.sha256("\n".join(pieces).encode()).hexdigest()[:12]


def start_time(pid: int) -> str:
    """Return when a process began, in the kernel's ticks; empty if that cannot be known."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    # The command's name, in parentheses, may hold spaces and parentheses itself.
    return stat.rpartition(")")[2].split()[19]


def alive(pid: int, started: str = "") -> bool:
    """Whether process `pid` of this machine runs and is the one that began at `started`.

    A zombie, which has ended and waits for its parent to notice, does not count as running.
    """
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it runs, under another user
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return not Path("/proc/self/stat").exists()
    fields = stat.rpartition(")")[2].split()
    return fields[0] != "Z" and started in ("", fields[19])
