"""Run a job in a supervised subprocess: what workers of a cluster do.

A worker of Dask or SLURM trains nothing itself. It starts a process that does, with our settings of
memory and threads, writes jobs to it as lines of JSON, kills it when it is far beyond its time
limit, and reports how it died. So a cell that kills its process costs no worker, the alarm of the
time limit gets the main thread it needs, and a process is used again for the next job, as torch
takes seconds to start.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pydantic import TypeAdapter

from imbench.runs.job import Job, JobReport
from imbench.runs.pool import IDLE, worker_environment
from imbench.runs.timekeeper import announce_to, due_signal

__all__ = ["Order", "main", "marker_folder", "run_supervised"]

_POLL = 0.5
_BEGUN = b"begun"
"""Line that a process writes before the report, when the time of its job begins."""
_JOB, _REPORT = TypeAdapter(Job), TypeAdapter(JobReport)


@dataclass(frozen=True)
class Order:
    """A job and how it is to be done, as text for any machine."""

    job: Job
    """With absolute paths: they must mean the same on all machines."""
    threads: int
    folder: str
    """Working folder of the run, where parts named by a relative path are looked for."""
    attempt: str
    """Tells this try from others: a cluster that does it again by itself is refused."""

    def text(self) -> str:
        """Return it as JSON."""
        job = _JOB.dump_python(self.job, mode="json")
        return json.dumps({**vars(self), "job": job})

    @classmethod
    def of(cls, text: str) -> Order:
        """Read it."""
        plain: dict[str, Any] = json.loads(text)
        return cls(**{**plain, "job": _JOB.validate_python(plain["job"])})


def marker_folder(job: Job) -> Path:
    """Return the folder by whose presence workers know that they see the results of the run.

    Its removal ends what still works for the run.
    """
    return job.context.results / ".imbench" / "runs" / job.context.run


def run_supervised(text: str) -> str:
    """Run the job of an order in a process on this machine; return its report as JSON."""
    order = Order.of(text)
    report = _refusal(order) or _run(order)
    return _REPORT.dump_json(report).decode()


@dataclass(eq=False)
class _Subprocess:
    """A process that runs jobs, one after the other."""

    kind: tuple[int, str]
    """Its threads and its folder, which cannot change."""
    process: subprocess.Popen[bytes]
    late: bool = False
    idle_since: float = 0.0


_IDLE: list[_Subprocess] = []
_LOCK = threading.Lock()


def _refusal(order: Order) -> JobReport | None:
    marker = marker_folder(order.job)
    if not marker.is_dir():
        where = order.job.context.results
        return JobReport(
            order.job,
            stop=f"a worker does not see the results folder {where}: it must be shared, and lie at "
            "the same path on every machine",
        )
    try:
        (marker / order.attempt).touch(exist_ok=False)
    except FileExistsError:
        return JobReport(order.job, died="its worker was lost")
    return None


def _run(order: Order) -> JobReport:
    worker, job = _subprocess_for(order), order.job
    line = b""
    try:
        with suppress(BrokenPipeError):
            _pipe(worker.process.stdin).write(_JOB.dump_json(job) + b"\n")
            _pipe(worker.process.stdin).flush()
            line = _read_report(worker, job)
        if line.endswith(b"\n"):
            return _REPORT.validate_json(line)
        return JobReport(job, died=_cause_of_death(worker.process.wait()), late=worker.late)
    finally:
        _keep_for_next(worker)


def _subprocess_for(order: Order) -> _Subprocess:
    """Return a process that waits for work, or a new one."""
    kind = (order.threads, order.folder)
    with _LOCK:
        for worker in [worker for worker in _IDLE if worker.kind == kind]:
            _IDLE.remove(worker)
            # A process that has waited for long may be about to end.
            if time.monotonic() - worker.idle_since < IDLE / 2:
                return worker
            _close(worker)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "imbench.runs.supervised"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=order.folder if Path(order.folder).is_dir() else None,
        env={**os.environ, **worker_environment(order.threads)},
        start_new_session=True,  # signals to the worker's group are the worker's
    )
    return _Subprocess(kind, process)


def _keep_for_next(worker: _Subprocess) -> None:
    worker.idle_since = time.monotonic()
    with _LOCK:
        if worker.process.poll() is None:
            _IDLE.append(worker)
        else:
            _close(worker)


def _close(worker: _Subprocess) -> None:
    for stream in (worker.process.stdin, worker.process.stdout):
        with suppress(OSError):
            _pipe(stream).close()
    worker.process.wait()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101
    return stream


def _read_report(worker: _Subprocess, job: Job) -> bytes:
    """Return the line of a report, or what there is of it if the process ends before."""
    out, said, begun = _pipe(worker.process.stdout).fileno(), b"", None
    while True:
        line, whole, said = said.partition(b"\n")
        if whole and line != _BEGUN:
            return line + whole
        if whole:
            begun = time.monotonic()
            continue
        said = line
        while not select.select([out], [], [], _POLL)[0]:
            _end_if_due(worker, job, begun)
        if not (more := os.read(out, 1 << 16)):
            return said
        said += more


def _end_if_due(worker: _Subprocess, job: Job, begun: float | None) -> None:
    if _run_ended(job):
        worker.process.kill()
    elif begun is not None and (due := due_signal(time.monotonic() - begun, job.context.timeout)):
        worker.late = True
        worker.process.send_signal(due)


def _run_ended(job: Job) -> bool:
    """Whether the run has ended, so that nobody waits for a report."""
    try:
        # NFS asks the server when something is opened, not each time its state is asked for.
        os.close(os.open(marker_folder(job), os.O_RDONLY))
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False


def _cause_of_death(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def main() -> None:
    """Run the jobs that come as lines on standard input; end after a minute without a job."""
    from imbench.runs.worker import run_job

    # What parts print must not get between the reports.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)

    def announce(key: str) -> None:
        if key:
            answers.write(_BEGUN + b"\n")
            answers.flush()

    announce_to(announce)
    while select.select([sys.stdin], [], [], IDLE)[0]:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        report = run_job(_JOB.validate_json(line))
        answers.write(_REPORT.dump_json(report) + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
