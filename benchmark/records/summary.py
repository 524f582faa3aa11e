"""A record without its scores: what planning needs of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from imbench.records.cell import Cell
from imbench.records.record import Record, Status

__all__ = ["RecordSummary", "summary_of"]


@dataclass(frozen=True)
class RecordSummary:
    """A record without its scores: what planning needs."""

    cell: Cell
    status: Status
    path: Path
    checksum: str
    reason: str
    log: str
    seconds: float
    """Seconds of its training and scoring; 0 if it reuses another cell's training."""

    @property
    def done(self) -> bool:
        """Whether the cell needs no further run."""
        return self.status == "ok"


def summary_of(record: Record, path: Path) -> RecordSummary:
    """Return a record without its scores; `path` is where it was read."""
    return RecordSummary(
        cell=record.cell,
        status=record.status,
        path=path,
        checksum=record.checksum,
        reason=record.reason,
        log=record.log,
        seconds=record.seconds,
    )
