"""Where jobs are done: what a run asks of processes here, of Dask and of SLURM."""

from __future__ import annotations

import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Protocol

from pydantic import TypeAdapter

from imbench.errors import UsageError
from imbench.run.job import Job, Report
from imbench.run.supervised import Order, shown_folder

__all__ = ["Backend", "Lost", "Remote", "Wanted"]

_REPORT = TypeAdapter(Report)


class Backend(Protocol):
    """Does jobs, several at a time."""

    workers: int
    """Jobs at a time."""
    unreported: dict[str, Job]
    """Jobs under way, by key; after `Broken`, those that it took with it."""

    def run(self, jobs: Iterable[Job], *, at_once: int | None = None) -> Iterator[Report]:
        """Yield reports as they come; the next job is asked for when a report has been taken.

        Raises
        ------
        imbench.run.pool.Broken
            If the death of one worker was that of all.
        EnvironmentFault
            If nothing can be done there any more.
        """

    def close(self) -> None:
        """End what is under way, at once."""


@dataclass(frozen=True)
class Wanted:
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
            from imbench.run.backend_slurm import sbatch_options

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
            from imbench.run.backend_dask import DaskBackend

            return DaskBackend(self.scheduler, workers, threads)
        if self.name == "slurm":
            from imbench.run.backend_slurm import AT_ONCE, SlurmBackend, sbatch_options

            workers = workers or min(AT_ONCE, jobs)
            return SlurmBackend(
                sbatch_options(self.slurm), results, workers=workers, threads=threads
            )
        return None


@dataclass(frozen=True)
class Lost:
    """Why an order has no answer."""

    why: str
    fatal: bool = False
    """Whether no other order would have one."""


class Remote(ABC):
    """Hands jobs to workers elsewhere, where `imbench.run.supervised` has them done.

    Parameters
    ----------
    workers, threads : int
        Jobs at a time; threads of each.
    """

    def __init__(self, workers: int, threads: int) -> None:
        self.workers = workers
        self.threads = threads
        self.unreported: dict[str, Job] = {}
        self._shown: set[Path] = set()

    def run(self, jobs: Iterable[Job], *, at_once: int | None = None) -> Iterator[Report]:
        """Yield reports as they come, that of a job whose process died too."""
        self.unreported.clear()
        jobs, room = iter(jobs), at_once or self.workers
        pending: dict[str, Job] = {}
        while True:
            for job in islice(jobs, room - len(pending)):
                self.unreported[job.key] = job
                attempt = secrets.token_hex(8)
                pending[attempt] = job
                self.submit(attempt, self._order(job, attempt))
            if not pending:
                return
            for attempt, answer in self.answers().items():
                job = pending.pop(attempt)
                self.unreported.pop(job.key, None)
                yield _report(job, answer)

    def close(self) -> None:
        """Tell workers that nothing is awaited any more."""
        for folder in self._shown:
            shutil.rmtree(folder, ignore_errors=True)
        self._shown.clear()

    @abstractmethod
    def submit(self, attempt: str, order: str) -> None:
        """Have `imbench.run.supervised.attend` called with an order."""

    @abstractmethod
    def answers(self) -> Mapping[str, str | Lost]:
        """Wait for answers; return them by attempt: what `attend` returned, or why it did not."""

    def _order(self, job: Job, attempt: str) -> str:
        outputs = None if job.outputs is None else job.outputs.absolute()
        job = replace(
            job, results=job.results.absolute(), data=job.data.absolute(), outputs=outputs
        )
        shown = shown_folder(job)
        shown.mkdir(parents=True, exist_ok=True)
        self._shown.add(shown)
        return Order(job, self.threads, str(Path.cwd()), attempt).text()


def _report(job: Job, answer: str | Lost) -> Report:
    if isinstance(answer, str):
        return replace(_REPORT.validate_json(answer), job=job)
    return Report(job, stop=answer.why) if answer.fatal else Report(job, died=answer.why)
