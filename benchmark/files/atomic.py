"""Files that are written whole or not at all, and what writers leave that died."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from imbench.errors import EnvironmentFault
from imbench.files.leases import link_exclusive
from imbench.files.processes import alive, host_id, start_time

__all__ = ["check_writable", "is_abandoned", "write_atomic"]

_DAY = 86400.0


def write_atomic(path: Path, content: str | bytes, *, first: bool = False) -> bool:
    """Write a file so that a reader finds the old one or all of the new one, even after a crash.

    With `first`, a file that is there is left alone. Returns whether it was written.

    Raises
    ------
    EnvironmentFault
        If it cannot be written; the old file is then as it was.
    """
    raw = content.encode() if isinstance(content, str) else content
    me = os.getpid()
    partial = path.parent / f".{host_id()}-{me}-{start_time(me)}-{secrets.token_hex(4)}.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        written = _named(partial, path, first)
        _sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise _cannot_write(path, len(raw), error) from error
    return written


def _named(partial: Path, path: Path, first: bool) -> bool:
    written = link_exclusive(partial, path) if first else None
    if written is None:
        partial.replace(path)
        return True
    partial.unlink()
    return written


def check_writable(folder: Path) -> None:
    """Raise EnvironmentFault unless files can be made in a results folder, made if need be."""
    probe = folder / f".{secrets.token_hex(8)}.probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise EnvironmentFault(
            f"results cannot be written to {str(folder)!r} ({error.strerror}); "
            "name another folder with --out"
        ) from error


def is_abandoned(path: Path) -> bool:
    """Whether the writer of an unfinished file has died; of another machine: a day ago."""
    host, _, rest = path.name[1:].partition("-")
    pid, _, rest = rest.partition("-")
    if host == host_id() and pid.isdigit():
        return not alive(int(pid), rest.partition("-")[0])
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > _DAY
    return False


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(path: Path, size: int, error: OSError) -> EnvironmentFault:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return EnvironmentFault(f"{path} cannot be written: {error.strerror}")
    place = next(folder for folder in path.parents if folder.exists())
    free = shutil.disk_usage(place).free
    return EnvironmentFault(
        f"no space for {path}: {size / 1e6:.2f} MB needed, {free / 1e6:.2f} MB free; "
        "make room and start the same command again"
    )
