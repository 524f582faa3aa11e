"""Who works on which training: claim files, so that two runs on one folder share the work.

A claim is a file made by exclusive creation. It names its process, so that on the same machine a
dead one's claim is free at once; its time is renewed, so that one of another machine is free when
that stops.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from imbench.errors import EnvironmentFault
from imbench.processes import alive, host_id, start_time

__all__ = ["Claim", "claimed", "claims", "drop_dead"]

BEAT = 2.0
"""Seconds between two renewals."""
STALE = 120.0
"""Seconds after which a claim of another machine that was not renewed is free."""


@dataclass(frozen=True)
class Claim:
    """Who trains what, since when."""

    key: str
    """Key of the training."""
    run: str
    """Name of the run, one for each start of `bench run`."""
    host: str
    pid: int
    born: str
    """Start time of the process, as `imbench.processes.start_time` gives it."""
    since: float
    """The machine's monotonic clock when the work began."""
    cells: tuple[str, ...]
    """Keys of the cells that the training serves."""

    @property
    def here(self) -> bool:
        """Whether its process is one of this machine."""
        return self.host == host_id()

    @property
    def live(self) -> bool:
        """Whether its process runs, as far as this machine can tell."""
        return not self.here or alive(self.pid, self.born)


@contextmanager
def claimed(folder: Path, key: str, *, run: str, cells: Sequence[str]) -> Iterator[bool]:
    """Hold the claim to a training inside the block; yield False if somebody else has it.

    The process ends itself when its parent is gone, since nobody would await its results.
    """
    path = _path(folder, key)
    me = os.getpid()
    claim = Claim(key, run, host_id(), me, start_time(me), time.monotonic(), tuple(cells))
    if not _taken(path, claim):
        yield False
        return
    done = threading.Event()
    beat = threading.Thread(target=_beat, args=(path, claim, done, os.getppid()), daemon=True)
    beat.start()
    try:
        yield True
    finally:
        done.set()
        beat.join()
        _give_back(path, claim)


def claims(folder: Path) -> list[Claim]:
    """Return the claims that are held, by processes that run."""
    found = ((path, _read(path)) for path in sorted(_home(folder).glob("*.json")))
    return [claim for path, claim in found if claim is not None and not _free(path, claim)]


def drop_dead(folder: Path, *, run: str | None = None) -> list[Claim]:
    """Remove the claims of processes that ended (of one run, or of all) and return them."""
    dropped = []
    for path in sorted(_home(folder).glob("*.json")):
        with _locked(folder):
            claim = _read(path)
            if claim is None or (run is not None and claim.run != run) or not _free(path, claim):
                continue
            path.unlink(missing_ok=True)
            dropped.append(claim)
    return dropped


def _home(folder: Path) -> Path:
    return folder / ".imbench" / "claims"


def _path(folder: Path, key: str) -> Path:
    return _home(folder) / f"{key}.json"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    from filelock import FileLock

    home = _home(folder)
    try:
        home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(home / "lock")
        lock.acquire()
    except OSError as error:
        raise EnvironmentFault(f"{home} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        lock.release()


def _taken(path: Path, claim: Claim) -> bool:
    # The lock is for dead claims only: two processes that both find one must not both replace it.
    with _locked(path.parent.parent.parent):
        if path.exists() and not _free(path, _read(path)):
            return False
        path.unlink(missing_ok=True)
        try:
            with path.open("x", encoding="utf-8") as file:
                json.dump(asdict(claim), file)
        except FileExistsError:
            return False
        except OSError as error:
            raise EnvironmentFault(f"{path} cannot be written: {error.strerror}") from error
    return True


def _read(path: Path) -> Claim | None:
    try:
        plain = json.loads(path.read_text("utf-8"))
        return Claim(**{**plain, "cells": tuple(plain["cells"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _free(path: Path, claim: Claim | None) -> bool:
    if claim is not None and claim.here:
        return not claim.live
    # Of another machine, or cut off while it was written.
    with suppress(OSError):
        return _now(path.parent) - path.stat().st_mtime > (STALE if claim is not None else BEAT)
    return True


def _now(home: Path) -> float:
    """Return the time by the clock that dates the claims; this machine's may be off by hours."""
    stamp = home / "clock"
    try:
        stamp.touch()
        return stamp.stat().st_mtime
    except OSError:
        return time.time()  # it may only be read here


def _beat(path: Path, claim: Claim, done: threading.Event, parent: int) -> None:
    while not done.wait(BEAT):
        with suppress(OSError):
            if _read(path) == claim:
                os.utime(path)
        if os.getppid() != parent:
            _give_back(path, claim)
            os._exit(1)


def _give_back(path: Path, claim: Claim) -> None:
    # While this machine slept, another one may have taken the work over.
    if _read(path) == claim:
        path.unlink(missing_ok=True)
