"""Leases: files that say who may do what, without locks, which network file systems lack.

A lease is made whole or not at all: written aside, then given its name by a hard link, which is
exclusive everywhere. Whoever holds it renews its time. A lease is free when its process has ended,
as far as that can be told (on the same machine), or when it was not renewed for a while. No clock
is compared with another one: who judges a lease of another machine looks at it again and again,
and counts by a clock of its own for how long it has not changed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imbench.errors import EnvironmentFault
from imbench.files.processes import alive, host_id, start_time

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
    "remove_if_free",
    "remove_leftovers",
]

RENEWAL_SECONDS = 2.0
"""Seconds between two renewals."""
STALE_SECONDS = 120.0
"""Seconds after which a lease of another machine that was not renewed is free.

NFS shows what another machine did after up to 60 s."""
_GAP = STALE_SECONDS / 4
"""Most that counts between two looks: who slept in between may have slept beside the holder."""
_POLL = 0.2
_NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK, errno.EACCES}


@dataclass(frozen=True)
class _Look:
    """What a lease's file held when it was looked at."""

    raw: bytes
    mtime: int

    @property
    def content(self) -> dict[str, Any] | None:
        """What its holder wrote; None if it is no lease, or is being written."""
        try:
            plain = json.loads(self.raw)
        except ValueError:
            return None
        whole = isinstance(plain, dict) and {"host", "born"} <= plain.keys()
        return plain if whole and isinstance(plain.get("pid"), int) else None


class LeaseWatch:
    """Remembers when leases changed, by a clock that is nobody else's.

    Parameters
    ----------
    clock : callable
        Seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._seen: dict[Path, tuple[_Look, float, float]] = {}

    def still(self, path: Path, look: _Look) -> float:
        """Return for how many seconds, at least, a lease has not changed."""
        now = self.clock()
        before, when, still = self._seen.get(path, (None, now, 0.0))
        still = still + min(now - when, _GAP) if before == look else 0.0
        self._seen[path] = (look, now, still)
        return still

    def forget(self, path: Path) -> None:
        """Forget a lease that is gone."""
        self._seen.pop(path, None)


LEASE_WATCH = LeaseWatch()
"""What this process has seen."""


def identity() -> dict[str, Any]:
    """Return who this process is: what every lease holds at least."""
    me = os.getpid()
    return {"host": host_id(), "pid": me, "born": start_time(me), "token": secrets.token_hex(8)}


def acquire(path: Path, content: Mapping[str, Any]) -> bool:
    """Make a lease, in place of one that is free; return False if somebody holds it.

    Raises
    ------
    EnvironmentFault
        If its folder cannot be written.
    """
    raw = _raw(content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _made(path, raw) or (remove_if_free(path) and _made(path, raw))
    except OSError as error:
        raise EnvironmentFault(f"{path.parent} cannot be written: {error.strerror}") from error


def is_free(path: Path) -> bool:
    """Whether nobody holds a lease, as far as this process has seen."""
    look = _look(path)
    return look is None or _free(path, look)


def remove_if_free(path: Path) -> bool:
    """Remove a lease if it is free; of several processes that try at once one does.

    Two that judge a lease free must not both remove it: the second would remove the lease that the
    first has made instead. So whoever wants to remove it needs a lease to that, for this content
    alone, which is free in its turn if its holder died.
    """
    look = _look(path)
    if look is None:
        return True
    if not _free(path, look):
        return False
    right = path.with_name(f"{path.name}.{hashlib.sha256(look.raw).hexdigest()[:12]}")
    mine = _raw(identity())
    if not _made(right, mine) and not (remove_if_free(right) and _made(right, mine)):
        return False
    try:
        return _removed(path, look.raw)
    finally:
        right.unlink(missing_ok=True)


@contextmanager
def keep_renewed(
    path: Path, content: Mapping[str, Any], *, parent: int | None = None
) -> Iterator[None]:
    """Renew a lease that was taken, inside the block, then give it back.

    With the number of the process's parent, the process ends itself when that is gone.
    """
    raw, done = _raw(content), threading.Event()
    beat = threading.Thread(target=_beat, args=(path, raw, done, parent), daemon=True)
    beat.start()
    try:
        yield
    finally:
        done.set()
        beat.join()
        _removed(path, raw)


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold a lease inside the block; wait while somebody else does."""
    content = identity()
    while not acquire(path, content):
        time.sleep(_POLL)
    with keep_renewed(path, content):
        yield


def remove_leftovers(folder: Path) -> None:
    """Remove what processes left that died while they made or removed leases."""
    for pattern in ("*.json.*", ".*.new", ".*.gone"):
        for path in folder.glob(pattern):
            with suppress(OSError):
                remove_if_free(path)


def _raw(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode()


def _look(path: Path) -> _Look | None:
    # Opened, not only asked for its time: NFS asks the server for what it shows of a file then.
    try:
        with path.open("rb") as file:
            return _Look(file.read(), os.fstat(file.fileno()).st_mtime_ns)
    except OSError:
        LEASE_WATCH.forget(path)
        return None


def _free(path: Path, look: _Look) -> bool:
    content = look.content
    if content is None:  # cut off, or about to be written where there are no links
        return LEASE_WATCH.still(path, look) > RENEWAL_SECONDS
    if content["host"] == host_id():
        return not alive(content["pid"], str(content["born"]))
    return LEASE_WATCH.still(path, look) > STALE_SECONDS


def link_exclusive(aside: Path, path: Path) -> bool | None:
    """Give a file a second name, which nothing else may have; None where there are no links."""
    try:
        os.link(aside, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS or not aside.exists():
            raise
        return None
    return True


def _made(path: Path, raw: bytes) -> bool:
    aside = path.with_name(f".{secrets.token_hex(8)}.new")
    try:
        aside.write_bytes(raw)
        made = link_exclusive(aside, path)
    finally:
        aside.unlink(missing_ok=True)
    if made is None:
        return _made_in_place(path, raw)
    # A network file system may have done it, lost the answer, and done it again.
    return made or _holds(path, raw)


def _made_in_place(path: Path, raw: bytes) -> bool:
    try:
        with path.open("xb") as file:
            file.write(raw)
    except FileExistsError:
        return False
    return True


def _holds(path: Path, raw: bytes) -> bool:
    look = _look(path)
    return look is not None and look.raw == raw


def _removed(path: Path, raw: bytes) -> bool:
    """Remove a lease of this content, and no other: looked at under a name nobody else uses."""
    if not _holds(path, raw):
        return False
    gone = path.with_name(f".{secrets.token_hex(8)}.gone")
    try:
        path.rename(gone)
        if not _holds(gone, raw):
            with suppress(OSError):
                os.link(gone, path)
            return False
        return True
    except FileNotFoundError:
        return False
    finally:
        gone.unlink(missing_ok=True)
        LEASE_WATCH.forget(path)


def _beat(path: Path, raw: bytes, done: threading.Event, parent: int | None) -> None:
    while not done.wait(RENEWAL_SECONDS):
        with suppress(OSError):
            # While this machine slept, another one may have taken the work over.
            if _holds(path, raw):
                os.utime(path)
        if parent is not None and os.getppid() != parent:
            _removed(path, raw)
            os._exit(1)
