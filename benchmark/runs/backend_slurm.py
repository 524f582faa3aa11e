"""Jobs to SLURM, through submitit: one allocation a training.

Not as Dask workers that dask-jobqueue (0.9) starts, though that would take half the code. It was
tried with a stand-in for sbatch. Trainings and records are the same, and a cell under way is
recorded even if the run is killed, but:

- Where sbatch refuses the jobs, the error stays in the event loop of the cluster and the run waits
  for ever; here it ends with code 4 and what sbatch said.
- Jobs that end before a worker connects (a node without the environment, a job cancelled in the
  queue, a network that blocks the scheduler's port) are not noticed, as nothing asks SLURM for the
  state of a job: the run waits without a word. Here `sacct` is asked, and three in a row end it.
- ``time`` would bound a worker, not a training: the worker's last cell is cut off whenever the
  allocation ends, and a cell cut off twice is recorded as ``crashed``.
- The scheduler listens on a port of the login node, where every user who reaches it may run code as
  the owner of the run, unless certificates are set up. The folder used here is closed to others.
"""

from __future__ import annotations

import secrets
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imbench.errors import EnvironmentFault, UsageError
from imbench.files.closed import closed_to_others
from imbench.runs.pool import sigint_blocked
from imbench.runs.remote import LostOrder, RemoteBackend
from imbench.runs.supervised import run_supervised

__all__ = ["AT_ONCE", "SlurmBackend", "sbatch_options"]

AT_ONCE = 32
"""Jobs in the queue or running, where nothing else is said."""
POLL = 0.5
LAG = 20.0
"""Seconds in which the answer of a job that has ended shows, on a slow file system."""
_WEEK = 7 * 24 * 60


def sbatch_options(given: tuple[str, ...]) -> dict[str, str]:
    """Return ``KEY=VALUE`` pairs: what ``sbatch --KEY=VALUE`` takes, and ``cluster``.

    Raises
    ------
    UsageError
        If one is no pair.
    """
    found = {}
    for pair in given:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--slurm {pair!r}: write KEY=VALUE, as in partition=gpu")
        found[key.strip().lstrip("-")] = value.strip()
    if found.get("cluster", "slurm") not in ("slurm", "local"):
        raise UsageError(f"--slurm cluster={found['cluster']}: it is slurm or local")
    return found


class SlurmBackend(RemoteBackend):
    """The queue of a SLURM site, or of submitit on this machine.

    Parameters
    ----------
    options : mapping
        What `sbatch` is told, and ``cluster``: ``slurm``, or ``local`` for processes here.
    results : Path
        Shared folder, below which submitit keeps its files while the run lasts, unless others may
        write to it.
    workers, threads : int
        Jobs in the queue or running; threads of each.
    """

    def __init__(
        self,
        options: Mapping[str, str],
        results: Path,
        *,
        workers: int,
        threads: int,
    ) -> None:
        super().__init__(workers, threads)
        self.folder = _own_folder(results.absolute())
        self._local = options.get("cluster") == "local"
        self._executor = _executor(self.folder, options, threads)
        self._jobs: dict[str, Any] = {}
        self._ended: dict[str, float] = {}

    def submit(self, attempt: str, order: str) -> None:
        """Put an order into the queue."""
        try:
            with sigint_blocked():
                self._jobs[attempt] = self._executor.submit(run_supervised, order)
        except Exception as error:
            raise EnvironmentFault(f"sbatch refuses a job: {error}") from error

    def answers(self) -> Mapping[str, str | LostOrder]:
        """Wait for the next answers."""
        while True:
            found = {attempt: self._answer(attempt) for attempt in self._jobs}
            told = {attempt: answer for attempt, answer in found.items() if answer is not None}
            for attempt in told:
                del self._jobs[attempt]
            if told:
                return told
            time.sleep(POLL)

    def close(self) -> None:
        """Take what waits out of the queue, and end what runs."""
        super().close()
        for job in () if self._local else self._jobs.values():
            job.cancel(check=False)
        self._jobs.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _answer(self, attempt: str) -> str | LostOrder | None:
        job = self._jobs[attempt]
        if not job.paths.result_pickle.exists():
            if not job.done():
                return None
            first = self._ended.setdefault(attempt, time.monotonic())
            lag = 1.0 if self._local else LAG
            return LostOrder(f"SLURM job {job.state}") if time.monotonic() - first > lag else None
        error = job.exception()
        if error is None:
            return str(job.result())
        return LostOrder(
            f"a SLURM job cannot work: {' '.join(str(error).split())[-300:]}", fatal=True
        )


def _own_folder(results: Path) -> Path:
    """Make a folder for what is unpickled: nobody else may write there, nor put it elsewhere.

    It lies below the results, or, where others may write to those, below the home folder.
    """
    for place in (results, Path.home()):
        parent = place / ".imbench" / "submitit"
        parent.mkdir(parents=True, exist_ok=True)
        if closed_to_others(parent):
            folder = parent / secrets.token_hex(6)
            folder.mkdir(mode=0o700)
            return folder
    raise EnvironmentFault(
        f"others may write to {results} and to {Path.home()}, so they could run code in SLURM "
        "jobs: take that right from them in one of the two (chmod go-w)"
    )


def _executor(folder: Path, options: Mapping[str, str], threads: int) -> Any:
    try:
        from submitit import AutoExecutor
    except ImportError as error:
        raise EnvironmentFault(
            f"submitit is not installed ({error}): pip install 'imbench[cluster]'"
        ) from error
    told = {key: value for key, value in options.items() if key != "cluster"}
    try:
        executor = AutoExecutor(folder=folder, cluster=options.get("cluster", "slurm"))
    except RuntimeError as error:
        raise EnvironmentFault(
            f"SLURM is not here: {error}; --slurm cluster=local tries it on this machine"
        ) from error
    executor.update_parameters(
        name="imbench",
        cpus_per_task=threads,
        local_timeout_min=_WEEK,
        slurm_additional_parameters=told,
    )
    return executor
