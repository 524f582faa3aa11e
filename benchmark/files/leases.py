"""Leases: files that say which process does what, without locks, which network file systems lack.

A lease is written to a temporary file and then named by a hard link, which is exclusive on every
file system. Its holder renews its modification time. A lease is free when its process has ended
(known only on the same machine, of processes that one may look at), or when it was not renewed for
a while. Clocks of two machines are
never compared: a process reads a lease of another machine repeatedly and measures by its own clock
for how long it has not changed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import secrets
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imbench.errors import EnvironmentFault
from imbench.files.processes import alive, hidden, host_id, start_time

__all__ = [
    "LEASE_WATCH",
    "RENEWAL_SECONDS",
    "STALE_SECONDS",
    "LeaseWatch",
    "acquire",
    "hold",
    "identity",
    "is_free",
    "keep_renewed",
    "link_exclusive",
    "read",
    "remove_if_free",
    "remove_leftovers",
]

RENEWAL_SECONDS = 2.0
"""Seconds between two renewals."""
STALE_SECONDS = 120.0
"""Seconds without renewal after which a lease of another machine is free.

NFS shows what another machine did after up to 60 s."""
_LONGEST_GAP = STALE_SECONDS / 4
"""Most seconds that count between two readings: this machine may have slept, the holder's too."""
_POLL_SECONDS = 0.2
_LEFTOVER = re.compile(r"\.[0-9a-f]{16}\.(new|gone)|[0-9a-f]+\.json(\.[0-9a-f]{12})+")
"""Names of the temporary files that are made here."""
_LARGEST = 1 << 20
"""Bytes that are read of a lease."""
_GONE = {errno.ENOENT, errno.ENOTDIR, errno.ESTALE}
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES}


@dataclass(frozen=True)
class _Reading:
    """Content and modification time of a lease's file."""

    raw: bytes
    mtime: int

    @property
    def content(self) -> dict[str, Any] | None:
        """What its holder wrote; None if that is no lease, or not yet complete."""
        try:
            plain = json.loads(self.raw)
        except (ValueError, RecursionError):
            return None
        if not isinstance(plain, dict):
            return None
        pid, others = plain.get("pid"), (plain.get("host"), plain.get("born"))
        valid = type(pid) is int and 0 < pid < 1 << 31 and all(type(one) is str for one in others)
        return plain if valid else None


class LeaseWatch:
    """Remembers since when leases have not changed, by this process's own clock.

    Parameters
    ----------
    clock : callable
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._seen: dict[Path, tuple[_Reading, float, float]] = {}

    def unchanged(self, path: Path, reading: _Reading) -> float:
        """Return for how many seconds, at least, a lease has not changed."""
        now = self.clock()
        previous, time_read, seconds = self._seen.get(path, (None, now, 0.0))
        seconds = seconds + min(now - time_read, _LONGEST_GAP) if previous == reading else 0.0
        self._seen[path] = (reading, now, seconds)
        return seconds

    def forget(self, path: Path) -> None:
        """Forget a lease that was removed."""
        self._seen.pop(path, None)


LEASE_WATCH = LeaseWatch()
"""The leases that this process has read."""


def identity() -> dict[str, Any]:
    """Return who this process is: the content that every lease has at least."""
    pid = os.getpid()
    return {"host": host_id(), "pid": pid, "born": start_time(pid), "token": secrets.token_hex(8)}


def acquire(path: Path, content: Mapping[str, Any]) -> bool:
    """Write a lease, replacing a free one; return False if another process holds it.

    Raises
    ------
    EnvironmentFault
        If its folder cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _acquire(path, _encode(content))
    except OSError as error:
        raise EnvironmentFault(f"{path.parent} cannot be written: {error.strerror}") from error


def is_free(path: Path) -> bool:
    """Whether no process holds a lease, as far as this process has seen.

    Raises
    ------
    EnvironmentFault
        If it cannot be read: who cannot read it knows nothing of its holder.
    """
    reading = _read(path)
    return reading is None or _is_free(path, reading)


def read(path: Path) -> bytes:
    """Return what a lease's file holds, a megabyte of it at most; nothing if there is none."""
    reading = _read(path)
    return b"" if reading is None else reading.raw


def remove_if_free(path: Path) -> bool:
    """Remove a lease if it is free; return whether this process did, or there was none.

    Two processes that find a lease free must not both remove it: the second would remove the lease
    that the first has written instead. So removing needs a lease of its own, for this content
    alone, which is free in its turn if its holder died.
    """
    reading = _read(path)
    if reading is None:
        return True
    if not _is_free(path, reading):
        return False
    removal = path.with_name(f"{path.name}.{hashlib.sha256(reading.raw).hexdigest()[:12]}")
    if not _acquire(removal, _encode(identity())):
        return False
    try:
        return _remove(path, reading.raw)
    finally:
        removal.unlink(missing_ok=True)


@contextmanager
def keep_renewed(
    path: Path, content: Mapping[str, Any], *, parent: int | None = None
) -> Iterator[None]:
    """Renew an acquired lease inside the block, then remove it.

    With `parent`, the number of its parent process, this process exits when the parent is gone.
    """
    raw, done = _encode(content), threading.Event()
    thread = threading.Thread(target=_renew, args=(path, raw, done, parent), daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        _remove(path, raw)


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold a lease inside the block, after waiting for the process that holds it."""
    content = identity()
    while not acquire(path, content):
        time.sleep(_POLL_SECONDS)
    with keep_renewed(path, content):
        yield


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of processes that died while writing or removing a lease."""
    for path in folder.glob("*"):
        if _LEFTOVER.fullmatch(path.name):
            with suppress(OSError, EnvironmentFault):
                remove_if_free(path)


def link_exclusive(source: Path, path: Path) -> bool | None:
    """Give a file a second name; return False if that exists, None if links are not supported."""
    try:
        os.link(source, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS or not source.exists():
            raise
        return None
    return True


def _encode(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode()


def _read(path: Path) -> _Reading | None:
    # Opened, since NFS asks the server only then for the current modification time; not to wait for
    # whoever writes to it, should it be a pipe.
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            state = os.fstat(file.fileno())
            raw = file.read(_LARGEST) if stat.S_ISREG(state.st_mode) else b""
            return _Reading(raw, state.st_mtime_ns)
    except OSError as error:
        LEASE_WATCH.forget(path)
        if error.errno in _GONE:
            return None
        raise EnvironmentFault(f"{path} cannot be read: {error.strerror}; ask its owner") from error


def _open_at_once(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NONBLOCK)


def _is_free(path: Path, reading: _Reading) -> bool:
    content = reading.content
    if content is None:  # cut off, or still being written where there are no links
        return LEASE_WATCH.unchanged(path, reading) > RENEWAL_SECONDS
    if content["host"] == host_id() and not hidden(content["pid"]):
        return not alive(content["pid"], content["born"])
    return LEASE_WATCH.unchanged(path, reading) > STALE_SECONDS


def _acquire(path: Path, raw: bytes) -> bool:
    return _write(path, raw) or (remove_if_free(path) and _write(path, raw))


def _write(path: Path, raw: bytes) -> bool:
    """Write a lease unless there is one."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.new")
    try:
        temporary.write_bytes(raw)
        written = link_exclusive(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    if written is None:
        with suppress(FileExistsError), path.open("xb") as file:
            file.write(raw)
            written = True
    # A network file system may have linked it, lost the answer, and tried again.
    return written or _has_content(path, raw)


def _has_content(path: Path, raw: bytes) -> bool:
    reading = _read(path)
    return reading is not None and reading.raw == raw


def _remove(path: Path, raw: bytes) -> bool:
    """Remove a lease of this content and no other: checked again under a name of its own."""
    if not _has_content(path, raw):
        return False
    renamed = path.with_name(f".{secrets.token_hex(8)}.gone")
    try:
        path.rename(renamed)
        if not _has_content(renamed, raw):
            with suppress(OSError):
                _write(path, renamed.read_bytes())  # exclusive without hard links too
            return False
        return True
    except FileNotFoundError:
        return False
    finally:
        renamed.unlink(missing_ok=True)
        LEASE_WATCH.forget(path)


def _renew(path: Path, raw: bytes, done: threading.Event, parent: int | None) -> None:
    while not done.wait(RENEWAL_SECONDS):
        orphaned = parent is not None and os.getppid() != parent
        with suppress(OSError, EnvironmentFault):
            # While this machine slept, another one may have taken the lease.
            if orphaned:
                _remove(path, raw)
            elif _has_content(path, raw):
                os.utime(path)
        if orphaned:
            os._exit(1)
