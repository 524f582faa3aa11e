"""Cells over a list of devices: none has more at a time than its share."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imbench.errors import UsageError
from imbench.records.cell import Cell
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.runs.devices import Devices, devices_of
from imbench.runs.job import Job, JobReport, Outcome, RunContext
from imbench.runs.pool import Pool
from imbench.runs.runner import Runner, job_count

try:  # joblib carried it with itself until 1.5
    from joblib.externals import cloudpickle
except ImportError:
    import cloudpickle

BENCH = Path(sys.executable).with_name("bench")


def work(job: Job) -> JobReport:
    """Note which other jobs are on the same device, then wait for more of them to come."""
    here = job.context.results / "busy" / job.device.replace(":", "-")
    here.mkdir(parents=True, exist_ok=True)
    (here / job.key).touch()
    beside = 0
    for _ in range(15):
        beside = max(beside, len(list(here.iterdir())))
        time.sleep(0.02)
    (here / job.key).unlink()
    notes = [job.device, str(beside)]
    Store(job.context.results).put(Record(key=job.key, cell=job.training, status="ok", notes=notes))
    return JobReport(job, (Outcome(job.training, "ok"),))


cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test


@pytest.mark.parametrize(
    ("text", "share", "expected"),
    [
        ("auto", None, Devices(("auto",), None)),
        ("cuda:1", None, Devices(("cuda:1",), None)),
        ("cuda:1", 3, Devices(("cuda:1",), 3)),
        ("cuda:0, cuda:1,", None, Devices(("cuda:0", "cuda:1"), 1)),
        ("cuda:0,cuda:1,cuda:0", 2, Devices(("cuda:0", "cuda:1"), 2)),
    ],
)
def test_a_list_of_devices_is_read(text, share, expected):
    assert devices_of(text, share) == expected


@pytest.mark.parametrize("text", ["", ",", "auto,cpu"])
def test_what_is_no_list_of_devices_is_refused(text):
    with pytest.raises(UsageError, match="--device"):
        devices_of(text)


def test_the_next_job_goes_where_the_fewest_are():
    devices = Devices(("a", "b", "c"), 2)
    assert [devices.next(busy) for busy in ([], ["a"], ["a", "b", "c"], ["a", "c", "c"])] == [
        "a",
        "b",
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    ("wanted", "jobs", "most", "workers"), [("8", 9, 4, 4), ("2", 9, 4, 2), ("8", 3, 4, 3)]
)
def test_workers_are_no_more_than_the_devices_take(wanted, jobs, most, workers):
    assert job_count(wanted, 1, jobs, most) == workers


@pytest.mark.slow
@pytest.mark.parametrize("share", [1, 2])
def test_every_device_works_and_none_has_more_than_its_share(tmp_path, share):
    devices = devices_of("cpu:0,cpu:1", share)
    cells = [
        Cell(dataset="d", fingerprint="0", minority=9, recipe="vanilla", seed=seed)
        for seed in range(4 * devices.most)
    ]
    jobs = [Job(RunContext(tmp_path), cell, (cell,), Path("data")) for cell in cells]
    runner = Runner(
        RunContext(tmp_path),
        workers=devices.most,
        devices=devices,
        backend=Pool(devices.most, 1, work),
    )
    result = runner.run(jobs)
    assert [one.status for one in result.outcomes] == ["ok"] * len(cells)
    notes = [record.notes for record in Store(tmp_path).records()]
    used = [device for device, _ in notes]
    assert set(used) == {"cpu:0", "cpu:1"}
    most = max(int(beside) for _, beside in notes)
    assert most <= share
    if share == 1:
        # Each is free again before it gets the next, so both get many.
        assert min(used.count(name) for name in set(used)) >= 2


@pytest.mark.slow
def test_bench_run_spreads_its_cells(tmp_path):
    command = [BENCH, "run", "--datasets", "digits", "--minority", "20", "--size", "8"]
    command += ["--network", "linear", "--steps", "2", "--seeds", "0-3", "--methods", "vanilla"]
    command += ["--device", "cpu,cpu:0", "--jobs", "9"]
    done = subprocess.run(
        command, cwd=tmp_path, env=dict(os.environ), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "on 2 workers" in done.stdout
    records = Store(tmp_path / "results").records()
    assert [record.status for record in records] == ["ok"] * 4


def test_bench_run_refuses_a_list_of_devices_elsewhere(tmp_path):
    command = [BENCH, "run", "--device", "cuda:0,cuda:1", "--backend", "slurm"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "CUDA_VISIBLE_DEVICES" in done.stderr
