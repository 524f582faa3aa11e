"""What a worker is given and what it gives back: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from imbench.records.cell import Cell
from imbench.records.record import Status

__all__ = ["Job", "JobReport", "Outcome"]


@dataclass(frozen=True)
class Job:
    """One training and the cells it serves."""

    training: Cell
    """The cell of the training alone, whether or not it is asked for."""
    cells: tuple[Cell, ...]
    data: Path
    """Folder of the decoded data set."""
    outputs: Path | None = None
    """Record whose kept outputs make the training needless."""
    skipped: int = 0
    """Images of the data set that were left out."""
    results: Path = Path()
    stale: dict[str, str] = field(default_factory=dict)
    """Cell key to the checksum of the record that is to be replaced."""
    run: str = ""
    device: str = "auto"
    timeout: float | None = None
    commit: str = ""

    @property
    def key(self) -> str:
        """What a claim is made to."""
        return self.training.key


@dataclass(frozen=True)
class Outcome:
    """How one cell ended: its record without scores."""

    cell: Cell
    status: Status
    reason: str = ""
    log: str = ""
    seconds: float = 0.0
    elsewhere: bool = False
    """Whether another run computed it meanwhile."""


@dataclass(frozen=True)
class JobReport:
    """What a worker says of a job."""

    job: Job
    outcomes: tuple[Outcome, ...] = ()
    busy: bool = False
    """Another run holds the claim: nothing was done."""
    stop: str = ""
    """Why the whole run has to stop: no space, no device."""
    died: str = ""
    """How the process ended that was at the job (``SIGKILL``); nothing else is known then."""
    late: bool = False
    """Whether it was ended because it was far beyond its time limit."""
