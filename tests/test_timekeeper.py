"""Time limits end workers of the run, and no process that a file names."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from types import SimpleNamespace

import pytest
from waiting import until

from imbench.files.processes import host_id, start_time
from imbench.records.cell import Cell
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.runs import timekeeper
from imbench.runs.job import Job, JobReport, Outcome, RunContext
from imbench.runs.pool import Pool
from imbench.runs.runner import Runner
from imbench.runs.timekeeper import Timekeeper, announced, due_signal, to_pipe
from imbench.runs.training_leases import TrainingLease, held_leases, leased

try:  # joblib carried it with itself until 1.5
    from joblib.externals import cloudpickle
except ImportError:
    import cloudpickle


def work(job: Job) -> JobReport:
    """Do what the recipe says, in the order of `imbench.runs.worker.run_job`."""
    deed, results = job.training.recipe, job.context.results
    with (
        leased(results, job.key, run=job.context.run, cells=[job.key]) as mine,
        announced(job.key),
    ):
        assert mine
        (results / f"began-{deed}").touch()
        if deed == "hangs":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        if deed == "stops":
            os.kill(os.getpid(), signal.SIGSTOP)
        Store(results).put(Record(key=job.key, cell=job.training, status="ok"))
        return JobReport(job, (Outcome(job.training, "ok"),))


cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test


@pytest.fixture
def bystander():
    """Return a process that is no worker of any run."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


def forge(folder, name, process, fields):
    """Write a claim of the run as whoever may write to the folder can."""
    born = start_time(process.pid)
    lease = TrainingLease(name, "r", host_id(), process.pid, born, 0.0, (name,), "t")
    path = folder / ".imbench" / "claims" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({**asdict(lease), **fields}))
    return path


FORGED = {
    "long ago": {},
    "since is a text": {"since": "x"},
    "since is no number": {"since": float("nan")},
    "since is a list": {"since": []},
    "its pid is the run's group": {"pid": 0},
    "its pid is everybody's": {"pid": -1},
    "its pid is huge": {"pid": 1 << 70},
    "its pid is true": {"pid": True},
    "its host is a list": {"host": []},
    "its cells are a number": {"cells": 7},
    "its key is another's": {"key": "../../x"},
}


@pytest.mark.parametrize("deed", ["hangs", "stops"])
def test_a_real_time_limit_works_beside_forged_claims_and_hits_no_one_else(
    tmp_path, monkeypatch, bystander, deed
):
    monkeypatch.setattr(timekeeper, "GRACE", 0.2)
    monkeypatch.setattr(timekeeper, "KILL", 0.2)
    context = RunContext(tmp_path, run="r", timeout=2.0)  # on a busy machine "fine" may wait too
    cells = [
        Cell(dataset="d", fingerprint="0", minority=9, recipe=name, seed=0)
        for name in (deed, "fine")
    ]
    jobs = [Job(context, cell, (cell,), tmp_path) for cell in cells]
    paths = [forge(tmp_path, f"{n:016x}", bystander, f) for n, f in enumerate(FORGED.values())]
    runner = Runner(context, workers=1)
    runner.pool = Pool(1, 1, work, Timekeeper(context.timeout, runner._overdue.add))
    outcomes = runner.run(jobs).outcomes
    assert {one.cell.recipe: one.status for one in outcomes} == {deed: "timeout", "fine": "ok"}
    assert bystander.poll() is None, "it was killed"
    assert paths[0].exists()
    assert [lease.key for lease in held_leases(tmp_path)] == [f"{0:016x}"]


class Child:
    """A child process, as a pool has it."""

    def __init__(self, process):
        self.process, self.pid = process, process.pid

    @property
    def exitcode(self):
        return self.process.poll()


def test_only_ones_own_children_that_live_get_a_signal(monkeypatch, bystander):
    monkeypatch.setattr(timekeeper, "GRACE", 0.0)
    child = subprocess.Popen(["sleep", "600"])
    sent, late = [], []
    monkeypatch.setattr(timekeeper, "os", SimpleNamespace(kill=lambda *given: sent.append(given)))
    keeper = Timekeeper(0.0, late.append)
    for process in (child, bystander):
        keeper.pipe.send_bytes(f"{process.pid} key".encode())
    keeper.look({child.pid: Child(child)})
    assert (sent, late) == ([(child.pid, signal.SIGTERM)], ["key"])
    child.kill()
    child.wait()
    keeper.look({child.pid: Child(child)})
    assert len(sent) == 1


def test_a_job_that_ended_is_watched_no_more(monkeypatch):
    sent = []
    monkeypatch.setattr(timekeeper, "GRACE", 0.0)
    monkeypatch.setattr(timekeeper, "_announce", None)
    keeper = Timekeeper(0.0, lambda _: None)
    timekeeper.announce_to(to_pipe(keeper.pipe))
    child = subprocess.Popen(["sleep", "600"])
    as_child = SimpleNamespace(kill=lambda *given: sent.append(given), getpid=lambda: child.pid)
    monkeypatch.setattr(timekeeper, "os", as_child)
    try:
        with announced("key"):
            keeper.look({child.pid: Child(child)})
            assert len(sent) == 1
        keeper.look({child.pid: Child(child)})
        assert len(sent) == 1
    finally:
        child.kill()
        child.wait()


def test_the_watch_goes_on_whatever_happens_to_it(monkeypatch, caplog):
    monkeypatch.setattr(timekeeper, "LOOK", 0.01)
    looks = []

    def fail(*_):
        looks.append(1)
        raise TypeError("what nobody thought of")

    keeper = Timekeeper(1.0, lambda _: None)
    monkeypatch.setattr(keeper, "look", fail)
    with keeper.watching({}):
        until(lambda: len(looks) > 3)
    assert "time limits: TypeError: what nobody thought of" in caplog.text


@pytest.mark.parametrize(
    ("seconds", "timeout", "due"),
    [
        (1e9, None, None),
        (14.9, 0.0, None),
        (15.1, 0.0, signal.SIGTERM),
        (16.0, 2.0, None),
        (20.1, 0.0, signal.SIGKILL),
    ],
)
def test_what_a_worker_gets_when(seconds, timeout, due):
    assert due_signal(seconds, timeout) == due
