"""Run `bench` and its trainings in this process: seconds less for each that needs none of its own.

A command that starts imports for 1 s and a worker for 3 s. What commands and workers are to each
other, to signals and to the disk, `test_runner`, `test_command_run` and `test_faults` test on real
ones.
"""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from imbench.commands import cli
from imbench.runs.job import Job, JobReport

__all__ = ["bench_here", "ended", "jobs_here"]


class _PoolHere:
    """Does jobs one after the other where it is asked to: a `Backend` without processes."""

    def __init__(
        self, _workers: int, _threads: int, work: Callable[[Job], JobReport], _keeper: object
    ) -> None:
        self.workers = 1
        self.work = work
        self.unreported: dict[str, Job] = {}

    def run(self, jobs: Iterable[Job], *, at_once: int | None = None) -> Iterator[JobReport]:
        for job in jobs:
            self.unreported[job.key] = job
            report = self.work(job)
            del self.unreported[job.key]
            yield report

    def close(self) -> None:
        pass


@contextmanager
def jobs_here() -> Iterator[None]:
    """Do the trainings of runs inside the block in this process; also a fixture of tests."""
    with mock.patch("imbench.runs.runner.Pool", _PoolHere):
        yield


def bench_here(
    *words: object, cwd: Path, encoding: str = "utf-8", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, without a terminal, and return what it printed and its code."""
    streams = [
        io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=errors, write_through=True)
        for errors in ("strict", "backslashreplace")
    ]
    out, err = streams
    logger = logging.getLogger("imbench")
    before = list(logger.handlers), logger.level, logger.propagate
    arguments = [str(word) for word in words]
    with (
        chdir(cwd),
        mock.patch.dict(os.environ, environment),
        mock.patch.object(sys, "argv", ["bench", *arguments]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        logger.handlers = []
        try:
            cli._log_to_stderr()
            code = cli.exit_code(arguments)
        finally:
            logger.handlers, _, logger.propagate = before
            logger.setLevel(before[1])
    texts = [stream.buffer.getvalue().decode(encoding) for stream in streams]
    return subprocess.CompletedProcess(arguments, code, *texts)


def ended(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Run a command where the test is; return its code, what it printed and what it said."""
    code = cli.exit_code([*map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err
