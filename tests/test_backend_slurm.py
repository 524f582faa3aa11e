"""`bench run` through submitit: its local executor, and a stand-in for a site's commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from finished import done_keys
from waiting import until

from imbench.errors import EnvironmentFault
from imbench.files.processes import alive, start_time
from imbench.images.cache import prepare
from imbench.records.store import Store
from imbench.runs.backend_slurm import SlurmBackend, sbatch_options
from imbench.runs.job import Job, RunContext
from imbench.runs.training_leases import held_leases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # a busy machine needs minutes
BENCH = Path(sys.executable).with_name("bench")
PARTS = """
import os, signal, time
from pathlib import Path
from imbench import Part

HERE = Path(__file__).parent


class Once(Part):
    def before_step(self, state):
        if not (HERE / "killed").exists():
            (HERE / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Waits(Part):
    def before_step(self, state):
        (HERE / f"begun-{os.getpid()}").touch()
        time.sleep(600)
"""
SBATCH = """#!{python}
import os, re, subprocess, sys
from pathlib import Path

text = Path(sys.argv[-1]).read_text()
with open("sbatch.txt", "a") as file:
    file.write(text)
number = str(1000 + text.count("#SBATCH") + os.getpid())
command = text.split("srun ", 1)[1].split("\\n")[0]
words = command[command.index("{python}"):]
environment = {{**os.environ, "SLURM_JOB_ID": number, "SLURM_NTASKS": "1", "SLURM_PROCID": "0"}}
environment |= {{"SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_JOB_NUM_NODES": "1"}}
environment |= {{"SUBMITIT_EXECUTOR": "slurm", "SLURM_JOB_NODELIST": "here"}}
subprocess.Popen(["bash", "-c", words], env=environment, stdout=subprocess.DEVNULL,
                 stderr=subprocess.DEVNULL, start_new_session=True)
print(f"Submitted batch job {{number}}")
"""
RUN = ("run", "--datasets", "digits", "--minority", "20", "--size", "8", "--network", "linear")
RUN += ("--steps", "3", "--quiet", "--backend", "slurm", "--slurm")


def start(folder, *options, path=""):
    """Start `bench run` in a folder, in a process group of its own."""
    environment = {**os.environ, "IMBENCH_CACHE": str(folder / "cache")}
    environment["PATH"] = f"{path}{os.pathsep}{environment['PATH']}"
    return subprocess.Popen(
        [str(word) for word in (BENCH, *RUN, *options)],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "parts.py").write_text(PARTS)
    return tmp_path


def assert_clean(results):
    assert held_leases(results) == []
    for name in ("runs", "submitit"):
        assert list((results / ".imbench" / name).iterdir()) == []


def test_cells_are_done_as_jobs_and_score_as_in_a_plain_run(folder, monkeypatch):
    from imbench.runs.worker import run_job

    methods = ("cluster=local", "--methods", "vanilla,parts.py:Once", "--seeds", "0", "--jobs", "2")
    process = start(folder, *methods)
    out, said = process.communicate(timeout=400)
    assert (process.returncode, out, said) == (0, "", "")
    assert (folder / "killed").exists()
    found = Store(folder / "results").records()
    assert [record.status for record in found] == ["ok", "ok"]
    assert_clean(folder / "results")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("IMBENCH_CACHE", str(folder / "cache"))
    data, whole = prepare("digits", root=folder, size=8).folder, Store(Path("whole"))
    for record in found:
        run_job(Job(RunContext(whole.folder, device="cpu"), record.cell, (record.cell,), data))
        same = whole.get(record.cell)
        assert (same.scores, same.metrics) == (record.scores, record.metrics)


def test_row_04_ctrl_c_is_heard_by_the_run_alone_and_the_second_ends_all(folder):
    process = start(folder, "cluster=local", "--methods", "parts.py:Waits", "--seeds", "0-2")
    until(lambda: list(folder.glob("begun-*")) or process.poll() is not None)
    assert process.poll() is None
    begun = list(folder.glob("begun-*"))
    born = {int(path.name[6:]): start_time(int(path.name[6:])) for path in begun}
    os.killpg(process.pid, signal.SIGINT)
    assert "stopping: cells that run are finished" in process.stderr.readline()
    assert all(alive(pid, when) for pid, when in born.items())
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=240)
    assert (process.returncode, len(said.splitlines())) == (130, 1)
    until(lambda: not any(alive(pid, when) for pid, when in born.items()))
    assert_clean(folder / "results")


def test_a_site_gets_the_options_as_they_are_and_its_jobs_write_records(folder):
    commands = folder / "bin"
    commands.mkdir()
    scripts = {
        "sbatch": SBATCH.format(python=sys.executable),
        "srun": "#!/bin/sh\nexit 1\n",
        "sacct": "#!/bin/sh\necho 'JobID|State|NodeList'\n",
        "scancel": "#!/bin/sh\n",
    }
    for name, text in scripts.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    options = ("partition=gpu", "--slurm", "time=1:30:00", "--slurm", "gpus=1")
    process = start(folder, *options, "--methods", "vanilla", "--seeds", "0-1", path=commands)
    out, said = process.communicate(timeout=400)
    assert (process.returncode, out, said) == (0, "", "")
    assert len(done_keys(folder / "results")) == 2
    asked = (folder / "sbatch.txt").read_text()
    for option in ("partition=gpu", "time=1:30:00", "gpus=1", "job-name=imbench"):
        assert asked.count(f"#SBATCH --{option}\n") == 2
    assert_clean(folder / "results")


def test_without_slurm_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFault, match=r"SLURM is not here: .*; --slurm cluster=local"):
        SlurmBackend({}, tmp_path, workers=1, threads=1)


def test_options_are_pairs():
    assert sbatch_options(("partition = gpu", "--gres=gpu:a100=1")) == {
        "partition": "gpu",
        "gres": "gpu:a100=1",
    }
