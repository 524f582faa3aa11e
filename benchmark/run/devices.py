"""A list of devices, and which of them the next job goes to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from imbench.errors import UsageError

__all__ = ["Devices", "devices_of"]


@dataclass(frozen=True)
class Devices:
    """Devices that share the jobs of a run."""

    names: tuple[str, ...]
    share: int | None
    """Jobs that one may have at a time; None for as many as there are workers."""

    @property
    def most(self) -> int | None:
        """Jobs at a time on all of them; None for no limit."""
        return None if self.share is None else self.share * len(self.names)

    def next(self, busy: Iterable[str]) -> str:
        """Return the device with the fewest jobs, of those the first; `busy` names one a job."""
        jobs = Counter(busy)
        return min(self.names, key=lambda name: jobs[name])


def devices_of(text: str, share: int | None = None) -> Devices:
    """Read ``cuda:0,cuda:1``; a list gives each device one job at a time if nothing is said.

    Raises
    ------
    UsageError
        If it is empty, or ``auto`` is one of several.
    """
    names = tuple(dict.fromkeys(piece.strip() for piece in text.split(",") if piece.strip()))
    if not names:
        raise UsageError(f"--device {text!r} names no device")
    if len(names) > 1:
        if "auto" in names:
            raise UsageError("--device: auto is one device; name those that share the work")
        share = share or 1
    return Devices(names, share)
