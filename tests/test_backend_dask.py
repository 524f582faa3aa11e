"""`bench run` on a Dask cluster of real processes: a worker is killed, the run is stopped."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import GATE, until

from imbench.errors import EnvironmentFault
from imbench.files.processes import alive, start_time
from imbench.images.cache import prepare
from imbench.records.store import Store
from imbench.runs.backend_dask import connect
from imbench.runs.job import Job, RunContext
from imbench.runs.training_leases import held_leases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a busy machine needs minutes
BENCH = Path(sys.executable).with_name("bench")
DASK = Path(sys.executable).with_name("dask")
RUN = ("run", "--datasets", "digits", "--minority", "20", "--size", "8", "--network", "linear")
RUN += ("--steps", "3", "--methods", "parts.py:Gate", "--seeds", "0-3", "--quiet")
RUN += ("--backend", "dask", "--scheduler", "scheduler.json")
QUIET = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "15s"}


class Cluster:
    """A scheduler and two workers on this machine, and runs on them."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        (folder / "parts.py").write_text(GATE)
        local = ("--scheduler-file", "scheduler.json", "--no-dashboard")
        self.scheduler = self.start(DASK, "scheduler", *local, "--host", "127.0.0.1", "--port", "0")
        until((folder / "scheduler.json").exists)
        alone = ("--nthreads", "1", "--no-nanny", "--memory-limit", "0")
        self.workers = [
            self.start(DASK, "worker", *local, *alone, "--local-directory", folder / "scratch")
            for _ in range(2)
        ]
        client = connect(str(folder / "scheduler.json"))
        until(lambda: len(client.nthreads()) == 2)
        client.close()

    def start(self, *command):
        process = subprocess.Popen(
            [str(word) for word in command],
            cwd=self.folder,
            env={**os.environ, **QUIET, "IMBENCH_CACHE": str(self.folder / "cache")},
            stdout=subprocess.DEVNULL if command[0] == DASK else subprocess.PIPE,
            stderr=subprocess.DEVNULL if command[0] == DASK else subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def begin(self):
        """Start a run whose cells wait at the gate; return it and what is under way."""
        for path in [*self.folder.glob("begun/*"), *self.folder.glob("open")]:
            path.unlink()
        run = self.start(BENCH, *RUN)
        until(lambda: len(self.begun()) == 2)
        return run, self.begun()

    def begun(self):
        """Return seed, process and worker of each try of a cell."""
        names = [path.name.split("-") for path in self.folder.glob("begun/*")]
        return [tuple(map(int, name)) for name in names]

    @property
    def results(self):
        return self.folder / "results"

    def end(self):
        for process in self.started:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    one = Cluster(tmp_path_factory.mktemp("cluster"))
    yield one
    one.end()


def test_after_a_second_ctrl_c_nothing_of_the_run_is_left(cluster):
    run, under_way = cluster.begin()
    born = {pid: start_time(pid) for _, pid, _ in under_way}
    run.send_signal(signal.SIGINT)
    assert "stopping: cells that run are finished" in run.stderr.readline()
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=240)
    assert run.returncode == 130
    assert re.fullmatch(r"bench: interrupted with 4 cells to go; .*\n", said)
    until(lambda: not any(alive(pid, when) for pid, when in born.items()))
    assert held_leases(cluster.results) == []
    assert Store(cluster.results).records() == []


def test_row_03_the_cell_of_a_killed_worker_is_done_by_another(cluster, monkeypatch):
    from imbench.runs.worker import run_job

    run, under_way = cluster.begin()
    victim = cluster.workers.pop()
    ((seed, process, _),) = [one for one in under_way if one[2] == victim.pid]
    born = start_time(process)
    victim.kill()
    victim.communicate()
    until(lambda: not alive(process, born))
    (cluster.folder / "open").touch()
    out, said = run.communicate(timeout=400)
    assert (run.returncode, out, said) == (0, "", "")
    assert sorted(one for one, *_ in cluster.begun()) == sorted([0, 1, 2, 3, seed])
    found = Store(cluster.results).records()
    assert [record.status for record in found] == ["ok"] * 4
    assert held_leases(cluster.results) == []
    assert list((cluster.results / ".imbench" / "runs").iterdir()) == []
    # And they are the scores of a plain run.
    monkeypatch.chdir(cluster.folder)
    monkeypatch.setenv("IMBENCH_CACHE", str(cluster.folder / "cache"))
    data, whole = prepare("digits", root=cluster.folder, size=8).folder, Store(Path("whole"))
    for record in found:
        run_job(Job(RunContext(whole.folder, device="cpu"), record.cell, (record.cell,), data))
        same = whole.get(record.cell)
        assert (same.scores, same.metrics) == (record.scores, record.metrics)


def test_a_scheduler_that_is_lost_ends_the_run_in_a_sentence(cluster):
    for path in cluster.results.glob("*/*/*/*.json"):
        path.unlink()
    for path in [*cluster.folder.glob("begun/*"), *cluster.folder.glob("open")]:
        path.unlink()
    run = cluster.start(BENCH, *RUN)
    until(lambda: len(cluster.begun()) == 1)
    cluster.scheduler.kill()
    _, said = run.communicate(timeout=240)
    assert run.returncode == 4, said
    assert said.splitlines()[-1].startswith("bench: the Dask scheduler is gone; what is done is")
    assert "Traceback" not in said
    with pytest.raises(EnvironmentFault, match="no Dask scheduler answers at "):
        connect("tcp://127.0.0.1:9")


def test_a_file_that_no_scheduler_wrote_is_said(tmp_path):
    with pytest.raises(EnvironmentFault, match=r"there is no file '/.*/none.json'"):
        connect(str(tmp_path / "none.json"))
