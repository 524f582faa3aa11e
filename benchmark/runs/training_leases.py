"""Who works on which training: leases, so that runs on one folder, also of several machines, share.

A lease names its process, so that on the same machine a dead one's lease is free at once; it is
renewed, so that one of another machine is free when that stops.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, FiniteFloat, TypeAdapter

from imbench.files import leases
from imbench.files.processes import host_id

__all__ = ["TrainingLease", "drop", "drop_dead", "held_leases", "is_leased", "leased"]

_Word = Annotated[str, Field(pattern=r"^[\w-]{1,64}$")]


@dataclass(frozen=True)
class TrainingLease:
    """Who trains what, since when."""

    key: _Word
    """Key of the training."""
    run: _Word
    """Name of the run, one for each start of `bench run`."""
    host: _Word
    pid: Annotated[int, Field(gt=0, lt=1 << 31)]
    """For people: nothing is ever sent to a process by a number from a file."""
    born: str
    """Start time of the process, as `imbench.files.processes.start_time` gives it."""
    since: FiniteFloat
    """The machine's monotonic clock when the work began."""
    cells: tuple[str, ...]
    """Keys of the cells that the training serves."""
    token: str = ""
    """Random; no other lease has it."""

    @property
    def here(self) -> bool:
        """Whether its process is one of this machine."""
        return self.host == host_id()


_LEASE = TypeAdapter(TrainingLease)


@contextmanager
def leased(folder: Path, key: str, *, run: str, cells: Sequence[str]) -> Iterator[bool]:
    """Hold the lease to a training inside the block; yield False if somebody else has it.

    The process ends itself when its parent is gone, since nobody would await its results.
    """
    path = _path(folder, key)
    lease = TrainingLease(key, run, since=time.monotonic(), cells=tuple(cells), **leases.identity())
    if not leases.acquire(path, asdict(lease)):
        yield False
        return
    with leases.keep_renewed(path, asdict(lease), parent=os.getppid()):
        yield True


def is_leased(folder: Path, key: str) -> bool:
    """Whether a process that runs works on a training."""
    return not leases.is_free(_path(folder, key))


def held_leases(folder: Path) -> list[TrainingLease]:
    """Return the leases that are held, by processes that run."""
    return [lease for path, lease in _found(folder) if not leases.is_free(path)]


def drop_dead(folder: Path, *, run: str | None = None) -> list[TrainingLease]:
    """Remove the leases of processes that ended (of one run, or of all) and return them."""
    leases.remove_leftovers(_home(folder))
    return [
        lease
        for path, lease in _found(folder)
        if (run is None or lease.run == run) and _dropped(path)
    ]


def drop(folder: Path, key: str, *, run: str) -> bool:
    """Remove a run's own lease whose worker is lost elsewhere; return whether there was one."""
    path = _path(folder, key)
    lease = _read(path)
    if lease is None or lease.run != run:
        return False
    path.unlink(missing_ok=True)
    return True


def _home(folder: Path) -> Path:
    return folder / ".imbench" / "claims"


def _path(folder: Path, key: str) -> Path:
    return _home(folder) / f"{key}.json"


def _found(folder: Path) -> Iterator[tuple[Path, TrainingLease]]:
    for path in sorted(_home(folder).glob("*.json")):
        lease = _read(path)
        if lease is not None:
            yield path, lease


def _read(path: Path) -> TrainingLease | None:
    """Return a lease; None if there is none, or what lies there was not written by `leased`."""
    try:
        lease = _LEASE.validate_json(leases.read(path), strict=True)
    except ValueError:
        return None
    return lease if lease.key == path.stem else None


def _dropped(path: Path) -> bool:
    try:
        return leases.remove_if_free(path)
    except OSError:  # a disk that is full: it stays for the next run
        return False
