"""A job in a process of its own that somebody attends to: what workers of a cluster do.

A worker of Dask or SLURM trains nothing itself. It starts a process that does, with the memory
settings and threads of ours, hands it jobs as lines of JSON, ends it when it is far beyond its time
limit, and tells how it died. So a cell that kills its process costs no worker, an alarm finds the
main thread it needs, and a process is used again for the next job, as torch takes seconds to start.
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
from imbench.runs.signals import ending
from imbench.runs.training_leases import lease_of

__all__ = ["Order", "attend", "main", "shown_folder"]

_POLL = 0.5
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


def shown_folder(job: Job) -> Path:
    """Return the folder by which a run shows its workers that they see the same results.

    What works for the run ends when it is removed.
    """
    return job.context.results / ".imbench" / "runs" / job.context.run


def attend(text: str) -> str:
    """Have the job of an order done by a process on this machine; return its report as JSON."""
    order = Order.of(text)
    report = _refusal(order) or _done(order)
    return _REPORT.dump_json(report).decode()


@dataclass(eq=False)
class _Hand:
    """A process that does jobs."""

    kind: tuple[int, str]
    """What it cannot change: its threads and its folder."""
    process: subprocess.Popen[bytes]
    late: bool = False
    free_since: float = 0.0


_FREE: list[_Hand] = []
_LOCK = threading.Lock()


def _refusal(order: Order) -> JobReport | None:
    shown = shown_folder(order.job)
    if not shown.is_dir():
        where = order.job.context.results
        return JobReport(
            order.job,
            stop=f"a worker does not see the results folder {where}: it must be shared, and lie at "
            "the same path on every machine",
        )
    try:
        (shown / order.attempt).touch(exist_ok=False)
    except FileExistsError:
        return JobReport(order.job, died="its worker was lost")
    return None


def _done(order: Order) -> JobReport:
    hand, job = _hand(order), order.job
    line = b""
    try:
        with suppress(BrokenPipeError):
            _pipe(hand.process.stdin).write(_JOB.dump_json(job) + b"\n")
            _pipe(hand.process.stdin).flush()
            line = _answer(hand, job)
        if line.endswith(b"\n"):
            return _REPORT.validate_json(line)
        return JobReport(job, died=_cause(hand.process.wait()), late=hand.late)
    finally:
        _give_back(hand)


def _hand(order: Order) -> _Hand:
    """Return a process that waits for work, or a new one."""
    kind = (order.threads, order.folder)
    with _LOCK:
        for hand in [one for one in _FREE if one.kind == kind]:
            _FREE.remove(hand)
            # One that has waited for long may be about to end.
            if time.monotonic() - hand.free_since < IDLE / 2:
                return hand
            _close(hand)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "imbench.runs.supervised"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=order.folder if Path(order.folder).is_dir() else None,
        env={**os.environ, **worker_environment(order.threads)},
        start_new_session=True,  # signals to the worker's group are the worker's
    )
    return _Hand(kind, process)


def _give_back(hand: _Hand) -> None:
    hand.free_since = time.monotonic()
    with _LOCK:
        if hand.process.poll() is None:
            _FREE.append(hand)
        else:
            _close(hand)


def _close(hand: _Hand) -> None:
    for stream in (hand.process.stdin, hand.process.stdout):
        with suppress(OSError):
            _pipe(stream).close()
    hand.process.wait()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101
    return stream


def _answer(hand: _Hand, job: Job) -> bytes:
    stream = _pipe(hand.process.stdout)
    while not select.select([stream], [], [], _POLL)[0]:
        if _is_over(job):
            hand.process.kill()
        elif ends := _ending(hand, job):
            hand.late = True
            hand.process.send_signal(ends)
    return stream.readline()


def _is_over(job: Job) -> bool:
    """Whether the run has ended, and awaits nothing any more."""
    try:
        # NFS asks the server when something is opened, not each time its state is asked for.
        os.close(os.open(shown_folder(job), os.O_RDONLY))
    except FileNotFoundError:
        return True
    except OSError:
        pass
    return False


def _ending(hand: _Hand, job: Job) -> signal.Signals | None:
    timeout = job.context.timeout
    claim = None if timeout is None else lease_of(job.context.results, job.key)
    if timeout is None or claim is None or claim.pid != hand.process.pid:
        return None
    return ending(claim, timeout)


def _cause(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def main() -> None:
    """Do the jobs that come as lines on standard input; end after a minute without one."""
    from imbench.runs.worker import run_job

    # What parts print must not come between the reports.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    while select.select([sys.stdin], [], [], IDLE)[0]:
        line = sys.stdin.buffer.readline()
        if not line:
            return
        report = run_job(_JOB.validate_json(line))
        answers.write(_REPORT.dump_json(report) + b"\n")
        answers.flush()


if __name__ == "__main__":
    main()
