"""Cells to records: hands jobs to workers, survives their deaths, stops when asked.

Workers write the records. The runner only counts, retries what died, and records the cells that
no worker could.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from imbench.errors import EnvironmentFault
from imbench.records import environment
from imbench.records.record import Status
from imbench.records.store import Store
from imbench.runs.backend import Backend
from imbench.runs.devices import Devices
from imbench.runs.job import Job, JobReport, Outcome, RunContext
from imbench.runs.joblog import put_first
from imbench.runs.pool import Broken, Pool
from imbench.runs.signals import sigint_handled
from imbench.runs.timekeeper import Timekeeper
from imbench.runs.training_leases import drop, drop_dead, is_leased
from imbench.runs.worker import blank_record, run_job

__all__ = ["Result", "Runner", "job_count"]

WAIT = 1.0
"""Seconds between two looks at cells that another run works on."""
STARTS = 3
"""Pools in a row that may die before any of their workers begins a job."""


@dataclass
class Result:
    """What became of a run."""

    outcomes: list[Outcome] = field(default_factory=list)
    stopped: str = ""
    """Why cells were left: ``interrupted``, ``failures``, or what is wrong with the machine."""

    @property
    def bad(self) -> list[Outcome]:
        """Cells without a score."""
        return [outcome for outcome in self.outcomes if outcome.status != "ok"]


def job_count(wanted: str, threads: int, jobs: int, limit: int | None = None) -> int:
    """Return how many workers to use; ``auto`` fills the cores with workers of `threads`.

    `limit` is how many the devices can take.
    """
    most = environment.cores() // threads if wanted == "auto" else int(wanted)
    return max(1, min(most, jobs, jobs if limit is None else limit))


class Runner:
    """Runs jobs and tells of each cell that ended.

    Parameters
    ----------
    context : RunContext
        The run's: where its records go, its name, its time limit.
    workers, threads : int
        Processes, and threads of each.
    backend : Backend or None
        Where jobs are done; None for processes of this machine.
    devices : Devices or None
        Where each job trains; None for what the jobs say.
    max_failures : int or None
        Cells without a score after which no new one is begun.
    tell : callable
        Called with every Outcome as it comes.
    announce : callable
        Called with a line that says what the first Ctrl-C does.
    """

    def __init__(
        self,
        context: RunContext,
        *,
        workers: int,
        threads: int = 1,
        backend: Backend | None = None,
        devices: Devices | None = None,
        max_failures: int | None = None,
        tell: Callable[[Outcome], None] = lambda _outcome: None,
        announce: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.context = context
        self.store = Store(context.results, own=True)
        self.max_failures = max_failures
        self.tell = tell
        self.announce = announce
        self.devices = devices
        self._overdue: set[str] = set()
        limit = context.timeout
        keeper = None if limit is None else Timekeeper(limit, self._overdue.add)
        self.pool: Backend = backend or Pool(workers, threads, run_job, keeper)
        self.result = Result()
        self._waiting: deque[Job] = deque()
        self._busy: list[Job] = []
        self._died: list[JobReport] = []
        self._short: list[JobReport] = []
        self._retried: set[str] = set()
        self._starts = 0

    @property
    def running(self) -> int:
        """Jobs under way, those that take the place of the one just told of included."""
        left = 0 if self.result.stopped else len(self._waiting)
        return min(len(self.pool.unreported) + left, self.pool.workers)

    def run(self, jobs: Sequence[Job]) -> Result:
        """Do all jobs, or as many as the limits and the user allow.

        Raises
        ------
        EnvironmentFault
            If the machine is at fault: a full disk, a device that is not there, workers that
            do not start.
        """
        self._waiting = deque(jobs)
        folder, run = self.store.folder, self.context.run
        drop_dead(folder)
        with sigint_handled(self._interrupt, self._announce):
            try:
                self._work()
            except KeyboardInterrupt:
                self.result.stopped = "interrupted"
            finally:
                self.pool.close()
                for job in self.pool.unreported.values():
                    drop(folder, job.key, run=run)
                drop_dead(folder, run=run)
        if self.result.stopped not in ("", "interrupted", "failures"):
            raise EnvironmentFault(self.result.stopped)
        return self.result

    def _work(self) -> None:
        while (self._waiting or self._busy) and not self.result.stopped:
            if not self._waiting:
                time.sleep(WAIT)
                self._look_again()
                continue
            try:
                for report in self.pool.run(self._next()):
                    self._take(report)
            except Broken as error:
                self._recover(str(error))
            while self._died:
                self._again(self._died.pop(0))
            while self._short:
                self._with_more_memory(self._short.pop(0))

    def _look_again(self) -> None:
        """Take up the jobs that another run was at, and is no more."""
        drop_dead(self.store.folder)  # it takes many looks to tell of another machine
        held = {job.key for job in self._busy if is_leased(self.store.folder, job.key)}
        self._waiting.extend(job for job in self._busy if job.key not in held)
        self._busy = [job for job in self._busy if job.key in held]

    def _next(self) -> Iterator[Job]:
        # Read by the pool whenever a worker is free: ends at once when the run is to stop.
        while self._waiting and not self.result.stopped:
            job = self._waiting.popleft()
            if self.devices is not None:
                under_way = [other.device for other in self.pool.unreported.values()]
                job = replace(job, assigned=self.devices.next(under_way))
            yield job

    def _take(self, report: JobReport) -> None:
        if report.died:
            self._died.append(report)
            return
        self._starts = 0
        if report.stop:
            self.result.stopped = self.result.stopped or report.stop
        elif report.busy:
            self._busy.append(report.job)
        short = any(outcome.status == "memory" for outcome in report.outcomes)
        if short and self.pool.workers > 1 and report.job.key not in self._retried:
            self._short.append(report)  # beside others: alone it may have enough
            return
        for outcome in report.outcomes:
            self._tell(outcome)

    def _with_more_memory(self, report: JobReport) -> None:
        """Try a job alone that lacked memory beside others; its records say that it did."""
        if self.result.stopped:
            for outcome in report.outcomes:
                self._tell(outcome)
            return
        self._retried.add(report.job.key)
        written = {one.key: self.store.get(one) for one in report.job.cells}
        stale = {key: record.checksum for key, record in written.items() if record is not None}
        self._alone(replace(report.job, stale=stale))

    def _tell(self, outcome: Outcome) -> None:
        self.result.outcomes.append(outcome)
        most = self.max_failures
        if most is not None and len(self.result.bad) >= most:
            self.result.stopped = self.result.stopped or "failures"
        self.tell(outcome)

    def _recover(self, cause: str) -> None:
        """Sort out a dead pool: what had begun is tried once more, alone; the rest waits again."""
        left = list(self.pool.unreported.values())
        begun = {lease.key for lease in drop_dead(self.store.folder, run=self.context.run)}
        suspects = [job for job in left if job.key in begun]
        self._waiting.extendleft(job for job in reversed(left) if job.key not in begun)
        self._count_starts(begun=bool(suspects), cause=cause)
        for job in suspects:
            self._second(job)

    def _again(self, report: JobReport) -> None:
        """Sort out a job whose process died and told no other's end."""
        job = report.job
        begun = drop(self.store.folder, job.key, run=self.context.run)
        if report.late:
            self._overdue.add(job.key)
        self._count_starts(begun=begun, cause=report.died)
        if begun:
            self._second(job)
        else:
            self._waiting.append(job)

    def _count_starts(self, *, begun: bool, cause: str) -> None:
        self._starts = 0 if begun else self._starts + 1
        if self._starts >= STARTS:
            raise EnvironmentFault(
                f"workers end ({cause}) before they begin a cell; `bench doctor` may show why"
            )

    def _second(self, job: Job) -> None:
        if self._was_late(job):
            return
        if self.result.stopped:
            self._waiting.appendleft(job)
        else:
            self._alone(job)

    def _alone(self, job: Job) -> None:
        cause = ""
        try:
            for report in self.pool.run([job], at_once=1):
                if report.late:
                    self._overdue.add(job.key)
                if report.died:
                    cause = report.died
                else:
                    self._take(report)
        except Broken as error:
            cause = str(error)
        if not cause:
            return
        begun = drop(self.store.folder, job.key, run=self.context.run)
        drop_dead(self.store.folder, run=self.context.run)
        if not begun:
            self._waiting.append(job)
        elif not self._was_late(job):
            memory = ", out of memory?" if cause == "SIGKILL" else ""
            self._give_up(job, "crashed", f"worker killed twice ({cause}{memory})")

    def _was_late(self, job: Job) -> bool:
        """Whether a job was killed for its time; then it is given up."""
        late = job.key in self._overdue
        if late:
            self._give_up(job, "timeout", f"killed: not finished after {self.context.timeout:g} s")
        return late

    def _give_up(self, job: Job, status: Status, reason: str) -> None:
        """Record the cells of a job that killed its worker, those it finished before excepted."""
        log = self.store.log_path(job.cells[0])
        put_first(log, [f"{status}: {reason}"])
        where = environment.describe_environment("unknown", job.training.settings.threads)
        known = {
            "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "log": log.relative_to(self.store.folder).as_posix() if log.exists() else "",
        }
        for cell in job.cells:
            lost = blank_record(job, cell, status, where, reason).model_copy(update=known)
            record = self.store.put_first(lost, job.stale.get(cell.key))
            self._tell(Outcome(cell, record.status, record.reason, record.log))

    def _interrupt(self) -> bool:
        first = self.result.stopped != "interrupted"
        self.result.stopped = "interrupted"
        return first

    def _announce(self) -> None:
        self.announce(" stopping: cells that run are finished; Ctrl-C again to stop at once")
