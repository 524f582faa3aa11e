"""Where jobs are done: what a run asks of processes here, of Dask and of SLURM."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from imbench.errors import UsageError
from imbench.runs.job import Job, JobReport

__all__ = ["Backend", "BackendChoice"]


class Backend(Protocol):
    """Does jobs, several at a time."""

    workers: int
    """Jobs at a time."""
    unreported: dict[str, Job]
    """Jobs under way, by key; after `Broken`, those that it took with it."""

    def run(self, jobs: Iterable[Job], *, at_once: int | None = None) -> Iterator[JobReport]:
        """Yield reports as they come; the next job is asked for when a report has been taken.

        Raises
        ------
        imbench.runs.pool.Broken
            If the death of one worker was that of all.
        EnvironmentFault
            If nothing can be done there any more.
        """
        ...

    def close(self) -> None:
        """End what is under way, at once."""


@dataclass(frozen=True)
class BackendChoice:
    """Where the user wants jobs to be done."""

    name: str
    scheduler: str | None = None
    slurm: tuple[str, ...] = ()
    jobs: str = "auto"
    """How many at a time; ``auto`` leaves that to the backend."""

    def check(self) -> None:
        """Raise UsageError if the options do not go together."""
        if (self.name == "dask") != (self.scheduler is not None):
            raise UsageError("--backend dask and --scheduler ADDRESS or FILE go together")
        if self.slurm and self.name != "slurm":
            raise UsageError("--slurm is for --backend slurm")
        if self.name == "slurm":
            from imbench.runs.backend_slurm import sbatch_options

            sbatch_options(self.slurm)

    def open(self, results: Path, threads: int, jobs: int) -> Backend | None:
        """Return the backend, ready for work; None for processes of this machine.

        Raises
        ------
        EnvironmentFault
            If what it needs is not there.
        """
        workers = None if self.jobs == "auto" else min(int(self.jobs), jobs)
        if self.scheduler is not None:
            from imbench.runs.backend_dask import DaskBackend

            return DaskBackend(self.scheduler, workers, threads)
        if self.name == "slurm":
            from imbench.runs.backend_slurm import AT_ONCE, SlurmBackend, sbatch_options

            workers = workers or min(AT_ONCE, jobs)
            return SlurmBackend(
                sbatch_options(self.slurm), results, workers=workers, threads=threads
            )
        return None
