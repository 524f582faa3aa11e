"""What a worker is given and what it gives back: plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from imbench.backbones.embedded import Entry
from imbench.models.core import View
from imbench.records.cell import Cell
from imbench.records.record import Status

__all__ = ["Job", "JobReport", "Outcome", "RunContext"]


@dataclass(frozen=True)
class RunContext:
    """What all jobs of a run share."""

    results: Path
    """The results folder; absolute wherever a worker may run in another folder."""
    run: str = ""
    """Name of the run, by which it knows its own leases."""
    device: str = "auto"
    """Where jobs train, unless the run shares several devices among them."""
    timeout: float | None = None
    """Seconds a training and its scoring may take."""
    commit: str = ""
    """Of the code that runs; goes into the records."""


@dataclass(frozen=True)
class Job:
    """One training and the cells it serves: built once, by the plan."""

    context: RunContext
    training: Cell
    """The cell of the training alone, whether or not it is asked for."""
    cells: tuple[Cell, ...]
    data: Path
    """Folder of the decoded data set."""
    geometry: str = "crop"
    """How its images became squares: images from elsewhere follow it."""
    view: View | None = None
    """How the images were decoded, which a kept model has to know; None where none is kept."""
    outputs: Path | None = None
    """Record whose kept outputs make the training needless."""
    features: tuple[Entry, ...] = ()
    """What a frozen backbone made of the data set, an entry for each view; empty without one."""
    skipped: int = 0
    """Images of the data set that were left out."""
    data_notes: tuple[str, ...] = ()
    """What was guessed, left out, cropped, ... when the data set was read."""
    stale: dict[str, str] = field(default_factory=dict)
    """Cell key to the checksum of the record that is to be replaced."""
    assigned: str = ""
    """Device that the runner chose where a run shares several."""

    @property
    def key(self) -> str:
        """Key of the training, by which a worker leases the job."""
        return self.training.key

    @property
    def device(self) -> str:
        """Where the job trains."""
        return self.assigned or self.context.device


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
    """Another run holds the lease: nothing was done."""
    stop: str = ""
    """Why the whole run has to stop: no space, no device."""
    died: str = ""
    """How the process ended that was at the job (``SIGKILL``); nothing else is known then."""
    late: bool = False
    """Whether it was ended because it was far beyond its time limit."""
