"""Write files so that a crash leaves either the old content or the new, never a part."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from imbench.errors import EnvironmentFault
from imbench.files.leases import hold, link_exclusive
from imbench.files.processes import alive, host_id, start_time

__all__ = ["LEASE", "check_writable", "is_abandoned", "write_atomic", "write_output"]

LEASE = ".lease"
"""End of the name of a lease, beside the file that is to be written."""
_DAY = 86400.0
_TEMPORARY = re.compile(r"\.([0-9a-f]{12})-([1-9]\d{0,9})-(\d*)-[0-9a-f]{8}\.tmp")
"""Names that `_temporary` gives: the machine, the process, when that started, and chance."""


def write_atomic(path: Path, content: str | bytes, *, overwrite: bool = True) -> bool:
    """Write a file; readers find the old content or all of the new, even after a crash.

    With ``overwrite=False`` an existing file stays as it is, also where another process writes it
    at the same time. Returns whether it was written.

    Raises
    ------
    EnvironmentFault
        If it cannot be written; an existing file is then unchanged.
    """
    raw = content.encode() if isinstance(content, str) else content
    temporary = _temporary(path.parent)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        written = overwrite or _name_first(temporary, path)
        if overwrite:
            temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _cannot_write(path, len(raw), error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    return written


def write_output(path: Path, content: str | bytes) -> None:
    """Write a file that a user names: whole, or into the device or pipe that is there.

    Raises
    ------
    EnvironmentFault
        If it cannot be written.
    """
    if _is_special(path):
        _write_into(path, content.encode() if isinstance(content, str) else content)
    else:
        write_atomic(path, content)


def _is_special(path: Path) -> bool:
    """Whether a path is a device, a pipe or a socket, or the name of an open file in /dev."""
    if path.parent in (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd")):
        return True
    with suppress(OSError, ValueError):
        mode = path.stat().st_mode
        return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
    return False


def _write_into(path: Path, raw: bytes) -> None:
    """Write into what is there already: a file in its place would take a device from everybody.

    A pipe that nobody reads is refused; nobody may come.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        os.set_blocking(handle, True)
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
    except OSError as error:
        raise _cannot_write(path, len(raw), error) from error


def check_writable(folder: Path) -> None:
    """Create a results folder; raise EnvironmentFault if no file can be written to it."""
    probe = _temporary(folder)
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
    """Whether a file is a temporary one of ours, by its name, whose writer has died.

    That of another machine counts as abandoned a day after it was written.
    """
    name = _TEMPORARY.fullmatch(path.name)
    if name is None:
        return False
    host, pid, started = name.groups()
    if host == host_id():
        return not alive(int(pid), started)
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > _DAY
    return False


def _name_first(temporary: Path, path: Path) -> bool:
    """Give a whole file its name unless another has it; return whether it got it."""
    linked = link_exclusive(temporary, path)
    if linked is not None:
        return linked
    # Without hard links a look and a rename are two steps: one process at a time takes them.
    with hold(path.with_name(f".{path.name}{LEASE}")):
        free = not path.exists()
        if free:
            temporary.replace(path)
    return free


def _temporary(folder: Path) -> Path:
    pid = os.getpid()
    return folder / f".{host_id()}-{pid}-{start_time(pid)}-{secrets.token_hex(4)}.tmp"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(path: Path, size: int, error: OSError) -> EnvironmentFault:
    if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return EnvironmentFault(f"{path} cannot be written: {error.strerror}")
    folder = next(folder for folder in path.parents if folder.exists())
    free = shutil.disk_usage(folder).free
    return EnvironmentFault(
        f"no space for {path}: {size / 1e6:.2f} MB needed, {free / 1e6:.2f} MB free; "
        "make room and start the same command again"
    )
