"""Jobs to workers elsewhere: what the backends for Dask and SLURM share."""

from __future__ import annotations

import secrets
import shutil
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter

from imbench.runs.job import Job, JobReport
from imbench.runs.supervised import Order, marker_folder

__all__ = ["LostOrder", "RemoteBackend"]

_REPORT = TypeAdapter(JobReport)


@dataclass(frozen=True)
class LostOrder:
    """Why an order has no answer."""

    why: str
    fatal: bool = False
    """Whether no other order would have one."""


class RemoteBackend(ABC):
    """Hands jobs to workers elsewhere, which run them by `imbench.runs.supervised`.

    Parameters
    ----------
    workers, threads : int
        Jobs at a time; threads of each.
    """

    def __init__(self, workers: int, threads: int) -> None:
        self.workers = workers
        self.threads = threads
        self.unreported: dict[str, Job] = {}
        self._markers: set[Path] = set()

    def run(self, jobs: Iterable[Job], *, at_once: int | None = None) -> Iterator[JobReport]:
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
        for folder in self._markers:
            shutil.rmtree(folder, ignore_errors=True)
        self._markers.clear()

    @abstractmethod
    def submit(self, attempt: str, order: str) -> None:
        """Have a worker call `imbench.runs.supervised.run_supervised` with an order."""

    @abstractmethod
    def answers(self) -> Mapping[str, str | LostOrder]:
        """Wait for reports, as `run_supervised` returns them, or why there are none; by attempt."""

    def _order(self, job: Job, attempt: str) -> str:
        marker = marker_folder(job)
        marker.mkdir(parents=True, exist_ok=True)
        self._markers.add(marker)
        return Order(job, self.threads, str(Path.cwd()), attempt).text()


def _report(job: Job, answer: str | LostOrder) -> JobReport:
    if isinstance(answer, str):
        return replace(_REPORT.validate_json(answer), job=job)
    return JobReport(job, stop=answer.why) if answer.fatal else JobReport(job, died=answer.why)
