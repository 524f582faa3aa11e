"""Jobs to joblib's worker processes, and what is left of them when a worker dies."""

from __future__ import annotations

import os
import re
import signal
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing.connection import Connection
from typing import Any

from imbench.errors import EnvironmentFault
from imbench.files.processes import end_with
from imbench.runs.job import Job, JobReport
from imbench.runs.room import NO_THREADS, check_room, lacks_threads
from imbench.runs.timekeeper import Timekeeper, announce_to, to_pipe

__all__ = ["IDLE", "MALLOC", "THREADS", "Broken", "Pool", "sigint_blocked", "worker_environment"]

MALLOC = {
    "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TOP_PAD_": str(1 << 26),
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
}
"""glibc gives memory back after every step and faults it in again: with the first three, x 1.15.
Pages of 2 MB where the kernel leaves them to programs: x 1.13 in ResNet-20, x 1.2 in the small CNN,
on a busy machine. torch's own switch for them (``THP_MEM_ALLOC_ENABLE``) gives x 0.7 to 0.96."""
THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""What numerical libraries ask, when they are loaded, for how many threads they may start."""
IDLE = 60
"""Seconds after which a worker without work ends."""
NO_ROOM = 71
"""Exit code of a worker that may start no thread."""


class Broken(Exception):
    """A worker died, and its pool with it. The text says how, as far as joblib knows."""


@dataclass
class Pool:
    """Runs jobs in worker processes; afterwards `unreported` holds what a dead pool left.

    Parameters
    ----------
    workers : int
        Jobs at a time. One job at a time runs in a worker process too, so that its death does
        not end the run.
    threads : int
        Threads of each worker's numerical libraries.
    work : callable
        What a worker does with a job.
    keeper : Timekeeper or None
        Ends workers that ignore their time limit; None where there is no limit.
    """

    workers: int
    threads: int
    work: Callable[[Job], JobReport]
    keeper: Timekeeper | None = None
    unreported: dict[str, Job] = field(default_factory=dict)
    _tried: bool = field(default=False, init=False)
    """Whether the machine was asked for room."""
    _executor: Any = field(default=None, init=False)

    def run(self, jobs: Iterable[Job], *, at_once: int | None = None) -> Iterator[JobReport]:
        """Yield reports as they come; at most `at_once` jobs are under way.

        The next job is asked for when a report has been taken, so that whoever takes them can
        end the jobs. ``joblib.Parallel`` asks for as many as there are workers ahead of time.

        Raises
        ------
        Broken
            If a worker died. Those who ask should look at `unreported`, and may run more.
        EnvironmentFault
            If the machine lets no workers start.
        """
        from joblib.externals.loky.process_executor import BrokenProcessPool

        self.unreported.clear()
        if not self._tried:
            check_room(at_once or self.workers, self.threads)
            self._tried = True
        jobs, workers = iter(jobs), at_once or self.workers
        pending: set[Future[JobReport]] = set()
        # One for all jobs: where the old one is broken, a second call makes a new one.
        executor = self._executor = self._started(workers)
        try:
            with _workers_may_leave(), self._watched(executor):
                while True:
                    for job in islice(jobs, workers - len(pending)):
                        self.unreported[job.key] = job
                        with _may_start(), sigint_blocked():
                            pending.add(executor.submit(self.work, job))
                    if not pending:
                        return
                    done, pending = wait(pending, return_when=FIRST_COMPLETED)
                    for future in sorted(done, key=lambda one: one.exception() is not None):
                        report = future.result()
                        self.unreported.pop(report.job.key, None)
                        yield report
        except BrokenProcessPool as error:
            # Told before the other workers are killed: their leases are to be those of the dead.
            executor.shutdown(wait=True, kill_workers=True)
            raise Broken(_cause(error)) from error

    def _watched(self, executor: Any) -> AbstractContextManager[None]:
        return nullcontext() if self.keeper is None else self.keeper.watching(executor._processes)

    def _started(self, workers: int) -> Any:
        from joblib.externals.loky import get_reusable_executor

        with _may_start(), sigint_blocked():
            _start_tracker()
            return get_reusable_executor(
                max_workers=workers,
                timeout=IDLE,
                initializer=_begin_worker,
                initargs=(os.getpid(), None if self.keeper is None else self.keeper.pipe),
                env=worker_environment(self.threads),
            )

    def close(self) -> None:
        """End the workers at once, whatever they do."""
        if self._executor is not None:
            with suppress(RuntimeError):  # a thread of its own that could not start is waited for
                self._executor.shutdown(wait=True, kill_workers=True)
            self._executor = None


def worker_environment(threads: int) -> dict[str, str]:
    """Return the variables that a worker starts with; memory settings of the user are kept."""
    memory = {key: value for key, value in MALLOC.items() if key not in os.environ}
    return {**dict.fromkeys(THREADS, str(threads)), **memory}


def _cause(error: Exception) -> str:
    """Return ``SIGKILL`` or what else ended the workers, from joblib's message."""
    signals: list[str] = re.findall(r"(SIG[A-Z]+)\(-\d+\)", str(error))
    # The pool ends the other workers with SIGTERM: the rarer name is the cause.
    names = sorted(set(signals) - {"SIGTERM"}) or sorted(set(signals))
    if names:
        return names[0]
    codes = re.findall(r"EXIT\((\d+)\)", str(error))
    if str(NO_ROOM) in codes:
        return "they may start no threads, see `ulimit -u`"
    return f"exit code {codes[0]}" if codes else "for an unknown reason"


def _begin_worker(parent: int, announcements: Connection | None) -> None:
    """Leave Ctrl-C, which the terminal sends to every process of the run, to the run.

    Jobs are announced to the run if it wants to know.
    A worker ends with its run, the process `parent`, killed as that may be, perhaps while the
    worker starts: without work it would wait for a minute.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if announcements is not None:
        announce_to(to_pipe(announcements))
    try:
        end_with(parent)
    except RuntimeError:  # joblib would print it with its traceback
        os._exit(NO_ROOM)


def _start_tracker() -> None:
    """Start joblib's process that removes what workers leave, silent about what it removes.

    Where a run is stopped at once, it may find a semaphore that is gone before its name is struck
    off, in 1 of 12 runs on a busy machine, and warned of that on the user's terminal.
    """
    from joblib.externals.loky.backend.resource_tracker import ensure_running

    before = os.environ.get("PYTHONWARNINGS")
    quiet = "ignore:resource_tracker:UserWarning"
    os.environ["PYTHONWARNINGS"] = f"{before},{quiet}" if before else quiet
    try:
        ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONWARNINGS"]
        else:
            os.environ["PYTHONWARNINGS"] = before


@contextmanager
def _may_start() -> Iterator[None]:
    """Raise EnvironmentFault where the machine lets no process or thread start in the block."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        if lacks_threads(error):
            raise EnvironmentFault(NO_THREADS) from error
        raise


@contextmanager
def _workers_may_leave() -> Iterator[None]:
    """Ignore joblib's warning of a worker that ended itself, idle or grown, as a job came.

    joblib starts another worker either way. It warns in a thread of its own, which dies of that
    where warnings are errors, and the run would wait forever.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        yield


@contextmanager
def sigint_blocked() -> Iterator[None]:
    """Block Ctrl-C for processes and threads that start inside the block.

    A worker hears of it too until it is told to ignore it, a second after its start.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
