"""The runner with real workers, whose work needs no torch: they die, fail, wait and stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from finished import done_keys
from waiting import until

from imbench.errors import EnvironmentFault
from imbench.files.atomic import write_atomic
from imbench.files.processes import alive, start_time
from imbench.records.cell import Cell
from imbench.records.record import Record
from imbench.records.store import Store
from imbench.runs.job import Job, JobReport, Outcome, RunContext
from imbench.runs.pool import MALLOC, Pool, _cause
from imbench.runs.runner import Runner, job_count
from imbench.runs.training_leases import held_leases, leased

try:  # joblib carried it with itself until 1.5
    from joblib.externals import cloudpickle
except ImportError:
    import cloudpickle


def work(job: Job) -> JobReport:
    """Do what the recipe says, in the order of `imbench.runs.worker.run_job`."""
    deed, store = job.training.recipe, Store(job.context.results)
    told = job.context.results / "told"
    if deed == "dies before":
        os._exit(7)
    with leased(job.context.results, job.key, run=job.context.run, cells=[job.key]) as mine:
        if not mine:
            return JobReport(job, busy=True)
        told.mkdir(exist_ok=True)
        times = len(list(told.glob(f"{job.key}-*")))
        held = len(list((job.context.results / ".imbench" / "claims").glob("*.json")))
        (told / f"{job.key}-{times}-{held}").touch()
        if deed == "once" and times == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        if deed == "segfault":
            write_atomic(store.log_path(job.training), "WARNING all is well\n")
            os.kill(os.getpid(), signal.SIGSEGV)
        if deed == "exits":
            os._exit(3)
        status = "failed" if deed == "fails" else "ok"
        if deed == "large" or (deed == "crowded" and times == 0):
            status = "memory"
        if deed == "half":  # one of its two cells has its record, then the worker dies
            store.put(Record(key=job.key, cell=job.training, status="ok"))
            os.kill(os.getpid(), signal.SIGKILL)
        reason = {"failed": "ValueError: no", "memory": "out of memory"}.get(status, "")
        record = Record(key=job.key, cell=job.training, status=status, reason=reason)
        store.put(record)
        return JobReport(job, (Outcome(job.training, status, reason),))


cloudpickle.register_pickle_by_value(sys.modules[__name__])  # workers cannot import a test


def context_of(folder, timeout=None):
    return RunContext(folder, run="r", commit="abc", timeout=timeout)


def jobs_of(folder, *deeds, timeout=None):
    """Return a job for each deed."""
    cells = [
        Cell(dataset="d", fingerprint="0", minority=9, recipe=deed, seed=seed)
        for seed, deed in enumerate(deeds)
    ]
    context = context_of(folder, timeout)
    return [Job(context, cell, (cell,), Path("data")) for cell in cells]


def run(folder, *deeds, workers=2, jobs=None, timeout=None, failures=None):
    """Run jobs with `work`; return the runner after checking that nothing is left behind."""
    told = []
    context = context_of(folder, timeout)
    runner = Runner(context, workers=workers, max_failures=failures, tell=told.append)
    runner.pool = Pool(workers, 1, work)
    try:
        result = runner.run(jobs or jobs_of(folder, *deeds, timeout=timeout))
        assert told == result.outcomes
    finally:
        assert held_leases(folder) == []
        assert list((folder / ".imbench" / "claims").glob("*.json")) == []
        assert children() == []
    return runner


def children():
    """Return the worker processes that live below this one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text("utf-8", "replace").rpartition(")")[2].split()
            command = stat.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z" and b"popen_" + b"loky" in command:
            found.append(int(stat.parent.name))
    return found


def ended(runner):
    """Return the status of each deed, and the reasons of those without a score."""
    outcomes = runner.result.outcomes
    return (
        {(one.cell.recipe, one.cell.seed): one.status for one in outcomes},
        {one.cell.recipe: one.reason for one in outcomes if one.reason},
    )


def test_every_job_is_done_once_and_told(tmp_path):
    runner = run(tmp_path, *["fine"] * 8)
    statuses, reasons = ended(runner)
    assert list(statuses.values()) == ["ok"] * 8
    assert reasons == {}
    assert (runner.result.stopped, runner.result.bad, runner.running) == ("", [], 0)
    assert len(done_keys(tmp_path)) == 8
    assert len(list((tmp_path / "told").iterdir())) == 8


def test_no_jobs_are_done_at_once(tmp_path):
    assert run(tmp_path, jobs=[]).result.outcomes == []


@pytest.mark.parametrize(
    ("deed", "reason"),
    [
        ("segfault", "worker killed twice (SIGSEGV)"),
        ("exits", "worker killed twice (exit code 3)"),
    ],
)
def test_row_03_what_kills_its_worker_twice_has_crashed_and_the_rest_is_done(
    tmp_path, deed, reason
):
    runner = run(tmp_path, "fine", deed, "fine", "fine")
    statuses, reasons = ended(runner)
    assert [statuses["fine", seed] for seed in (0, 2, 3)] == ["ok"] * 3
    assert (statuses[deed, 1], reasons) == ("crashed", {deed: reason})
    (record,) = [one for one in Store(tmp_path).records() if one.cell.recipe == deed]
    assert (record.status, record.reason, record.commit) == ("crashed", reason, "abc")
    assert record.intact
    if deed == "segfault":
        said = (tmp_path / record.log).read_text()
        assert said == f"crashed: {reason}\n\nWARNING all is well\n"
    assert record.key not in done_keys(tmp_path)
    tries = sorted((tmp_path / "told").glob(f"{record.key}-*"))
    assert len(tries) == 2
    assert tries[1].name.endswith("-1-1"), "alone: no other claim was held"


def test_row_03_what_kills_its_worker_once_is_done_on_the_second_try(tmp_path):
    runner = run(tmp_path, "fine", "once", "fine", workers=1)
    statuses, reasons = ended(runner)
    assert list(statuses.values()) == ["ok"] * 3
    assert reasons == {}


def test_row_03_a_cell_that_was_finished_before_its_worker_died_is_kept(tmp_path):
    (job,) = jobs_of(tmp_path, "half")
    other = job.training.model_copy(update={"recipe": "half+ts"})
    runner = run(tmp_path, jobs=[replace(job, cells=(job.training, other))])
    assert ended(runner)[0] == {("half", 0): "ok", ("half+ts", 0): "crashed"}
    assert done_keys(tmp_path) == {job.training.key}


def test_workers_that_end_before_they_begin_are_no_endless_loop(tmp_path):
    with pytest.raises(EnvironmentFault, match=r"exit code 7.*`bench doctor` may show why"):
        run(tmp_path, "dies before")
    assert Store(tmp_path).records() == []


@pytest.mark.parametrize(("workers", "failures"), [(1, 2), (2, 1)])
def test_after_so_many_failures_no_cell_is_begun(tmp_path, workers, failures):
    runner = run(tmp_path, *["fails"] * 12, workers=workers, failures=failures)
    result = runner.result
    assert result.stopped == "failures"
    # What the other workers had begun is finished.
    assert failures <= len(result.bad) < failures + workers
    assert len(Store(tmp_path).records()) == len(result.outcomes)


HOLDS = """
import sys
from pathlib import Path
from imbench.runs.training_leases import leased

with leased(Path(sys.argv[1]), sys.argv[2], run="theirs", cells=[]) as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


def test_row_13_a_cell_of_another_run_is_waited_for_and_done_if_that_dies(tmp_path):
    jobs = jobs_of(tmp_path, "fine", "fine")
    other = subprocess.Popen(
        [sys.executable, "-P", "-c", HOLDS, tmp_path, jobs[0].key],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "True\n"
    told = []

    def tell(outcome):
        told.append(outcome.cell.seed)
        other.kill()  # as soon as the free cell is done

    runner = Runner(context_of(tmp_path), workers=2, tell=tell)
    runner.pool = Pool(2, 1, work)
    result = runner.run(jobs)
    other.communicate()
    assert told == [1, 0]
    assert [outcome.status for outcome in result.outcomes] == ["ok", "ok"]


IDLES = """
import os, signal, sys, time
from pathlib import Path
import imbench.runs.pool
from imbench.records.cell import Cell
from imbench.runs.job import Job, JobReport, RunContext

def children():
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            command = stat.with_name("cmdline").read_bytes()
        except OSError:
            continue
        # Not as one word: joblib's other processes have this command until they have begun.
        if parent == os.getpid() and b"popen_" + b"loky" in command:
            yield stat.parent.name

imbench.runs.pool.IDLE = 3600
cell = Cell(dataset="d", fingerprint="0", minority=9, recipe="vanilla", seed=0)
pool = imbench.runs.pool.Pool(1, 1, lambda job: JobReport(job))
if sys.argv[1] == "idle":
    list(pool.run([Job(RunContext(Path()), cell, (cell,), Path("data"))]))
else:
    pool._started(1).submit(pool.work, Job(RunContext(Path()), cell, (cell,), Path("data")))
if sys.argv[1] == "beside others" and not os.fork():
    time.sleep(2)
    os._exit(0)
found = []
while not found:
    found = list(children())
print(*found, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("when", ["idle", "starting", "beside others"])
def test_row_01_a_worker_without_work_does_not_outlive_its_run(when):
    run = subprocess.run([sys.executable, "-P", "-c", IDLES, when], capture_output=True, text=True)
    assert run.returncode == -signal.SIGKILL, run.stderr
    (worker,) = map(int, run.stdout.split())
    born = start_time(worker)
    until(lambda: not (born and alive(worker, born)))


@pytest.mark.parametrize(
    ("wanted", "threads", "jobs", "workers"),
    [("3", 1, 9, 3), ("3", 1, 2, 2), ("1", 4, 9, 1), ("auto", 1, 1, 1), ("auto", 10**6, 9, 1)],
)
def test_workers_are_as_many_as_there_is_work_for(wanted, threads, jobs, workers):
    assert job_count(wanted, threads, jobs) == workers


def test_auto_fills_the_cores(monkeypatch):
    monkeypatch.setattr("imbench.records.environment.cores", lambda: 8)
    assert [job_count("auto", threads, 100) for threads in (1, 2, 3, 4, 9)] == [8, 4, 2, 2, 1]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("The exit codes of the workers are {SIGKILL(-9)}", "SIGKILL"),
        ("The exit codes of the workers are {SIGTERM(-15), SIGSEGV(-11)}", "SIGSEGV"),
        ("The exit codes of the workers are {SIGTERM(-15)}", "SIGTERM"),
        ("The exit codes of the workers are {EXIT(3)}", "exit code 3"),
        ("A task has failed to un-serialize.", "for an unknown reason"),
    ],
)
def test_the_cause_of_a_death_in_joblibs_words(text, cause):
    assert _cause(RuntimeError(text)) == cause


def test_workers_inherit_the_memory_settings_that_the_user_has_not_made(tmp_path, monkeypatch):
    first, *rest = MALLOC
    for name in rest:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(first, "123")

    def tells(job):
        settings = {name: os.environ[name] for name in MALLOC}
        threads = os.environ["OMP_NUM_THREADS"]
        ignored = signal.getsignal(signal.SIGINT) == signal.SIG_IGN
        return JobReport(job, stop=json.dumps([settings, threads, ignored]))

    pool = Pool(1, 1, tells)
    (report,) = pool.run(iter(jobs_of(tmp_path, "fine")))
    pool.close()
    settings, threads, ignored = json.loads(report.stop)
    assert settings == {**MALLOC, first: "123"}
    assert (threads, ignored) == ("1", True)
    assert os.environ[first] == "123"
    assert not [name for name in rest if name in os.environ]


def test_a_worker_that_joblib_ends_as_it_has_grown_holds_nothing_up(tmp_path):
    pytest.importorskip("psutil", reason="joblib looks at the memory of workers with it alone")

    def grows(job):
        kept = vars(sys).setdefault("kept", [])
        time.sleep(1.1)  # joblib looks once a second
        kept.append(bytearray(b"x") * (400 << 20) if len(kept) == 1 else None)
        return JobReport(job, stop=str(os.getpid()))

    # Warnings are errors here: that of joblib's thread would end it, and the run would not.
    pool = Pool(1, 1, grows)
    reports = list(pool.run(iter(jobs_of(tmp_path, *["fine"] * 4))))
    pool.close()
    first, second, *rest = [report.stop for report in reports]
    assert first == second
    assert second not in rest


def test_row_08_what_lacked_memory_beside_others_is_tried_once_more_alone(tmp_path):
    runner = run(tmp_path, "fine", "crowded", "large", "fine", "fine")
    statuses, reasons = ended(runner)
    assert statuses == {
        **{("fine", seed): "ok" for seed in (0, 3, 4)},
        ("crowded", 1): "ok",
        ("large", 2): "memory",
    }
    assert reasons == {"large": "out of memory"}
    assert len(runner.result.outcomes) == 5, "none is told of twice"
    for deed in ("crowded", "large"):
        (record,) = [one for one in Store(tmp_path).records() if one.cell.recipe == deed]
        assert record.status == statuses[deed, record.cell.seed]
        tries = sorted((tmp_path / "told").glob(f"{record.key}-*"))
        assert len(tries) == 2
        assert tries[1].name.endswith("-1-1"), "alone: no other claim was held"


def test_row_08_what_lacked_memory_alone_is_not_tried_again(tmp_path):
    runner = run(tmp_path, "large", "fine", workers=1)
    assert ended(runner)[0] == {("large", 0): "memory", ("fine", 1): "ok"}
    assert len(list((tmp_path / "told").iterdir())) == 2


def test_row_08_what_lacked_memory_counts_when_a_run_stops(tmp_path):
    runner = run(tmp_path, "fails", "large", "fails", "fails", failures=1)
    assert runner.result.stopped == "failures"
    assert all(one.status in ("failed", "memory") for one in runner.result.outcomes)


@pytest.mark.parametrize("started", [True, False])
def test_what_joblib_removes_after_a_stop_is_not_told_on_the_terminal(started):
    lines = [
        "import os",
        "from joblib.externals.loky.backend import resource_tracker",
        "from imbench.runs import pool",
        "pool._start_tracker()" if started else "",
        "assert 'PYTHONWARNINGS' not in os.environ",
        "resource_tracker.register('/loky-gone', 'semlock')",
    ]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONWARNINGS"}
    command = [sys.executable, "-P", "-c", "\n".join(lines)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert ("leaked" in done.stderr) is not started  # else the filter is not needed
