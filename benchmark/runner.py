"""Cells to records: hands jobs to workers, survives their deaths, stops when asked.

Workers write the records. The runner only counts, retries what died, and records the cells that
no worker could.
"""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import FrameType

from imbench import environment
from imbench.claims import claims, drop_dead
from imbench.errors import EnvironmentFault
from imbench.grid import Cell
from imbench.job import Job, Outcome, Report
from imbench.pool import Broken, Pool
from imbench.record import Record, Status
from imbench.store import Store
from imbench.worker import run_job

__all__ = ["GRACE", "Limits", "Result", "Runner", "job_count"]

GRACE = 15.0
"""Seconds between a cell's time limit and the end of a worker that does not hear of it."""
KILL = 5.0
"""Seconds between asking such a worker to end (SIGTERM) and ending it (SIGKILL)."""
WAIT = 1.0
"""Seconds between two looks at cells that another run works on."""
STARTS = 3
"""Pools in a row that may die before any of their workers begins a job."""


@dataclass(frozen=True)
class Limits:
    """When a run gives up on a cell, or altogether."""

    timeout: float | None = None
    """Seconds a training and its scoring may take."""
    failures: int | None = None
    """Cells without a score after which no new one is begun."""


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


def job_count(wanted: str, threads: int, jobs: int) -> int:
    """Return how many workers to use; ``auto`` fills the cores with workers of `threads`."""
    most = environment.cores() // threads if wanted == "auto" else int(wanted)
    return max(1, min(most, jobs))


class Runner:
    """Runs jobs and tells of each cell that ended.

    Parameters
    ----------
    store : Store
        Where the records go.
    workers, threads : int
        Processes, and threads of each.
    limits : Limits
        When to give up.
    tell : callable
        Called with every Outcome as it comes.
    heard : callable
        Called with what the first Ctrl-C does, in words.
    """

    def __init__(
        self,
        store: Store,
        *,
        workers: int,
        threads: int = 1,
        limits: Limits = Limits(),
        tell: Callable[[Outcome], None] = lambda _outcome: None,
        heard: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.store = store
        self.limits = limits
        self.tell = tell
        self.heard = heard
        self.name = secrets.token_hex(6)
        self.pool = Pool(workers, threads, run_job)
        self.result = Result()
        self._waiting: deque[Job] = deque()
        self._busy: list[Job] = []
        self._overdue: set[str] = set()
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
        limit = self.limits.timeout
        self._waiting = deque(replace(job, run=self.name, timeout=limit) for job in jobs)
        drop_dead(self.store.folder)
        with self._listening(), self._watched():
            try:
                self._work()
            except KeyboardInterrupt:
                self.result.stopped = "interrupted"
            finally:
                self.pool.close()
                drop_dead(self.store.folder, run=self.name)
        if self.result.stopped not in ("", "interrupted", "failures"):
            raise EnvironmentFault(self.result.stopped)
        return self.result

    def _work(self) -> None:
        while self._waiting and not self.result.stopped:
            try:
                for report in self.pool.run(self._next()):
                    self._starts = 0
                    self._take(report)
            except Broken as error:
                self._recover(str(error))
            if self._busy and not self._waiting and not self.result.stopped:
                time.sleep(WAIT)
                drop_dead(self.store.folder)  # it takes many looks to tell of another machine
                self._waiting.extend(self._busy)
                self._busy.clear()

    def _next(self) -> Iterator[Job]:
        # Read by the pool whenever a worker is free: ends at once when the run is to stop.
        while self._waiting and not self.result.stopped:
            yield self._waiting.popleft()

    def _take(self, report: Report) -> None:
        if report.stop:
            self.result.stopped = self.result.stopped or report.stop
        elif report.busy:
            self._busy.append(report.job)
        for outcome in report.outcomes:
            self._tell(outcome)

    def _tell(self, outcome: Outcome) -> None:
        self.result.outcomes.append(outcome)
        most = self.limits.failures
        if most is not None and len(self.result.bad) >= most:
            self.result.stopped = self.result.stopped or "failures"
        self.tell(outcome)

    def _recover(self, cause: str) -> None:
        """Sort out a dead pool: what had begun is tried once more, alone; the rest waits again."""
        left = list(self.pool.unreported.values())
        begun = {claim.key for claim in drop_dead(self.store.folder, run=self.name)}
        suspects = [job for job in left if job.key in begun]
        self._waiting.extendleft(job for job in reversed(left) if job.key not in begun)
        self._starts = 0 if suspects else self._starts + 1
        if self._starts >= STARTS:
            raise EnvironmentFault(
                f"workers end ({cause}) before they begin a cell; `bench doctor` may show why"
            )
        for job in suspects:
            if job.key in self._overdue:
                self._give_up(job, "timeout", f"killed: not finished after {job.timeout:g} s")
            elif self.result.stopped:
                self._waiting.appendleft(job)
            else:
                self._alone(job)

    def _alone(self, job: Job) -> None:
        try:
            for report in self.pool.run([job], at_once=1):
                self._take(report)
        except Broken as error:
            if not drop_dead(self.store.folder, run=self.name):
                self._waiting.append(job)
            elif job.key in self._overdue:
                self._give_up(job, "timeout", f"killed: not finished after {job.timeout:g} s")
            else:
                memory = ", out of memory?" if str(error) == "SIGKILL" else ""
                self._give_up(job, "crashed", f"worker killed twice ({error}{memory})")

    def _give_up(self, job: Job, status: Status, reason: str) -> None:
        """Record the cells of a job that killed its worker, those it finished before excepted."""
        for cell in job.cells:
            lost = self._lost(job, cell, status, reason)
            record = self.store.put_first(lost, job.stale.get(cell.key))
            self._tell(Outcome(cell, record.status, record.reason, record.log))

    def _lost(self, job: Job, cell: Cell, status: Status, reason: str) -> Record:
        log = self.store.log_path(job.cells[0])
        if log.exists() and log.stat().st_size == 0:
            log.unlink()
        return Record(
            key=cell.key,
            cell=cell,
            status=status,
            reason=reason,
            images_skipped=job.skipped,
            environment=environment.describe("unknown", cell.settings.threads),
            commit=job.commit,
            started=datetime.now(UTC).isoformat(timespec="milliseconds"),
            log=log.relative_to(self.store.folder).as_posix() if log.exists() else "",
        )

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """First Ctrl-C: begin nothing new. Second: stop now. SIGTERM counts as the first."""

        def hear(signum: int, _frame: FrameType | None) -> None:
            if self.result.stopped == "interrupted" and signum == signal.SIGINT:
                raise KeyboardInterrupt
            self.result.stopped = "interrupted"
            text = " stopping: cells that run are finished; Ctrl-C again to stop at once"
            # In a thread: the signal may have come in the midst of a line being written.
            threading.Thread(target=self.heard, args=(text,), daemon=True).start()

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Kill workers that are far beyond the time limit: they do not hear their own alarm."""
        done = threading.Event()
        watch = threading.Thread(target=self._watch, args=(done,), daemon=True)
        if self.limits.timeout is not None:
            watch.start()
        try:
            yield
        finally:
            done.set()

    def _watch(self, done: threading.Event) -> None:
        limit = (self.limits.timeout or 0) + GRACE
        while not done.wait(0.5):
            for claim in claims(self.store.folder):
                late = time.monotonic() - claim.since - limit
                if claim.run != self.name or not claim.here or late < 0:
                    continue
                self._overdue.add(claim.key)
                with suppress(ProcessLookupError):  # it ended since the claims were read
                    os.kill(claim.pid, signal.SIGKILL if late > KILL else signal.SIGTERM)
