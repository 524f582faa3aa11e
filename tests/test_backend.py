"""A job in a supervised subprocess, as on clusters: it dies, ignores its alarm, is ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from finished import done_keys
from pydantic import TypeAdapter
from waiting import until

from imbench.errors import EnvironmentFault, UsageError
from imbench.records.store import Store
from imbench.runs import supervised, timekeeper
from imbench.runs.backend import BackendChoice
from imbench.runs.job import JobReport, RunContext
from imbench.runs.plan import make_plan
from imbench.runs.remote import LostOrder, RemoteBackend
from imbench.runs.runner import Runner
from imbench.runs.settling import GridOptions, settle_grid
from imbench.runs.sources import find_sources
from imbench.runs.supervised import Order, marker_folder, run_supervised
from imbench.runs.training_leases import drop_dead, held_leases

PARTS = """
import os, signal, sys, time
from pathlib import Path
from imbench import Part

HERE = Path(__file__).parent


class Says(Part):
    def before_step(self, state):
        print("this must not come between the reports", flush=True)
        (HERE / "env").write_text(" ".join([os.environ["OMP_NUM_THREADS"], str(os.getpid())]))


class Once(Part):
    def before_step(self, state):
        if not (HERE / "killed").exists():
            (HERE / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Kills(Part):
    def before_step(self, state):
        os.kill(os.getpid(), signal.SIGKILL)


class IgnoresAlarm(Part):
    def before_step(self, state):
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        (HERE / "begun").touch()
        time.sleep(600)
"""
REPORT = TypeAdapter(JobReport)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder of ``parts.py``, in which the test runs; end what it has started."""
    (tmp_path / "parts.py").write_text(PARTS)
    monkeypatch.chdir(tmp_path)
    before = list(supervised._IDLE)
    yield tmp_path
    for worker in [worker for worker in supervised._IDLE if worker not in before]:
        supervised._IDLE.remove(worker)
        supervised._close(worker)


def context(**given):
    return RunContext(Path("results").absolute(), run="r", device="cpu", **given)


def jobs_of(*recipes, timeout=None):
    """Return jobs on the digits at 8 px, ready for a worker."""
    options = GridOptions(
        datasets=["digits"],
        minority=["20"],
        methods=[",".join(recipes)],
        seeds=["0"],
        settings={"size": "8", "network": "linear", "steps": "2"},
    )
    grid = settle_grid(None, options)
    sources = find_sources(grid, root=Path())
    plan = make_plan(grid, Store(Path("results")), sources, context=context(timeout=timeout))
    return list(plan.jobs)


def order(job, attempt="1"):
    marker_folder(job).mkdir(parents=True, exist_ok=True)
    return Order(job, 1, str(Path.cwd()), attempt).text()


def report_of(job, attempt="1"):
    return REPORT.validate_json(run_supervised(order(job, attempt)))


def test_an_order_reads_back_as_it_was(folder):
    (job,) = jobs_of("vanilla", timeout=3.0)
    job = replace(job, outputs=Path("/x/y.json"), stale={"a": "b"}, skipped=2)
    text = Order(job, 2, "/somewhere", "7").text()
    assert json.loads(text)["folder"] == "/somewhere"
    assert Order.of(text) == Order(job, 2, "/somewhere", "7")


def test_one_process_does_one_job_after_the_other(folder):
    first, second = jobs_of("parts.py:Says", "vanilla")
    report = report_of(first)
    assert (report.job, report.died, report.stop) == (first, "", "")
    assert [one.status for one in report.outcomes] == ["ok"]
    threads, pid = (folder / "env").read_text().split()
    assert threads == "1"
    assert int(pid) != os.getpid()
    assert [one.status for one in report_of(second, "2").outcomes] == ["ok"]
    assert [worker.process.pid for worker in supervised._IDLE][-1:] == [int(pid)]
    assert len(done_keys(first.context.results)) == 2
    assert held_leases(first.context.results) == []


def test_a_process_that_dies_is_told_and_leaves_its_claim(folder):
    (job,) = jobs_of("parts.py:Kills")
    report = report_of(job)
    assert (report.died, report.late, report.outcomes) == ("SIGKILL", False, ())
    assert [claim.key for claim in drop_dead(job.context.results)] == [job.key]
    assert Store(job.context.results).records() == []


def test_what_a_cluster_does_again_by_itself_is_refused(folder):
    (job,) = jobs_of("vanilla")
    (marker_folder(job) / "1").mkdir(parents=True)
    assert report_of(job).died == "its worker was lost"
    assert Store(job.context.results).records() == []


def test_a_worker_that_does_not_see_the_results_stops_the_run(folder):
    (job,) = jobs_of("vanilla")
    text = order(job)
    marker_folder(job).rmdir()
    report = REPORT.validate_json(run_supervised(text))
    assert f"a worker does not see the results folder {job.context.results}" in report.stop


@pytest.mark.slow
def test_a_process_that_ignores_its_time_limit_is_ended(folder, monkeypatch):
    monkeypatch.setattr(timekeeper, "GRACE", 0.1)
    monkeypatch.setattr(timekeeper, "KILL", 600.0)  # asked to end, however late this process looks
    (job,) = jobs_of("parts.py:IgnoresAlarm", timeout=4.0)  # it starts late on a busy machine
    report = report_of(job)
    assert (report.died, report.late) == ("SIGTERM", True)


def test_work_ends_when_the_run_does(folder):
    (job,) = jobs_of("parts.py:IgnoresAlarm")
    told = []
    thread = threading.Thread(target=lambda: told.append(report_of(job)))
    thread.start()
    until((folder / "begun").exists)
    (marker_folder(job) / "1").unlink()
    marker_folder(job).rmdir()
    thread.join()
    assert told[0].died == "SIGKILL"
    assert drop_dead(job.context.results) != []


class Here(RemoteBackend):
    """Does orders in threads of this process; the worker of the first is lost if that is asked."""

    def __init__(self, workers, loses=0, breaks=False):
        super().__init__(workers, 1)
        self.loses, self.breaks, self.under_way, self.most = loses, breaks, {}, 0
        self.ended = threading.Semaphore(0)

    def submit(self, attempt, order):
        def do():
            self.under_way[attempt] = run_supervised(order)
            self.ended.release()

        self.under_way[attempt] = None
        self.most = max(self.most, len(self.under_way))
        if self.loses or self.breaks:
            self.loses -= 1
            self.under_way[attempt] = LostOrder(
                "it cannot work" if self.breaks else "gone", self.breaks
            )
            self.ended.release()
        else:
            threading.Thread(target=do).start()

    def answers(self):
        self.ended.acquire()
        attempt = next(key for key, answer in self.under_way.items() if answer is not None)
        return {attempt: self.under_way.pop(attempt)}


def run(backend, *recipes, timeout=None, failures=None):
    """Run a grid on a backend; return the status and reason of each recipe."""
    runner = Runner(
        context(timeout=timeout), workers=backend.workers, backend=backend, max_failures=failures
    )
    outcomes = runner.run(jobs_of(*recipes, timeout=timeout)).outcomes
    assert held_leases(Path("results")) == []
    assert list(Path("results/.imbench/runs").iterdir()) == []
    return {one.cell.recipe: (one.status, one.reason) for one in outcomes}


@pytest.mark.slow
def test_what_dies_once_is_done_and_what_dies_twice_has_crashed(folder):
    backend = Here(2)
    assert run(backend, "vanilla", "parts.py:Once", "parts.py:Kills") == {
        "vanilla": ("ok", ""),
        "parts.py:Once": ("ok", ""),
        "parts.py:Kills": ("crashed", "worker killed twice (SIGKILL, out of memory?)"),
    }
    assert backend.most == 2


@pytest.mark.slow
def test_a_job_whose_worker_was_lost_before_it_began_waits_again(folder):
    assert run(Here(1, loses=2), "vanilla") == {"vanilla": ("ok", "")}


def test_workers_that_are_lost_again_and_again_stop_the_run(folder):
    with pytest.raises(EnvironmentFault, match=r"workers end \(gone\) before they begin a cell"):
        run(Here(2, loses=9), "vanilla", "os", "us")


def test_a_backend_that_cannot_work_stops_the_run(folder):
    with pytest.raises(EnvironmentFault, match="it cannot work"):
        run(Here(1, breaks=True), "vanilla", "os")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (BackendChoice("dask"), "--scheduler"),
        (BackendChoice("local", "tcp://127.0.0.1:1"), "--scheduler"),
        (BackendChoice("dask", "x", ("partition=gpu",)), "--slurm is for"),
        (BackendChoice("slurm", None, ("partition",)), "KEY=VALUE"),
        (BackendChoice("slurm", None, ("=gpu",)), "KEY=VALUE"),
        (BackendChoice("slurm", None, ("cluster=moon",)), "slurm or local"),
    ],
)
def test_options_that_do_not_go_together_are_refused(wanted, said):
    with pytest.raises(UsageError, match=said):
        wanted.check()


def test_here_is_no_backend_of_its_own(tmp_path):
    BackendChoice("local").check()
    assert BackendChoice("local").open(tmp_path, 1, 9) is None


def test_clusters_are_imported_by_those_who_ask_for_them_alone():
    code = (
        "import sys, imbench.runs.runner, imbench.commands.run, imbench.runs.backend; "
        "sys.exit(bool({'dask', 'distributed', 'submitit', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-P", "-c", code], check=False).returncode == 0
