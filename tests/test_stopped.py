"""A machine that sleeps for longer than its leases last, while another one does its work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from waiting import GATE, until

from imbench.records.store import Store
from imbench.runs.training_leases import held_leases

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
# A lease of another machine is free after 3 s, by the clock of the run that waits for it.
BENCH = """
from imbench.files import leases
leases.STALE_SECONDS = 3.0
from imbench.commands.cli import main
main()
"""
RUN = ("run", "--datasets", "digits", "--minority", "20", "--methods", "parts.py:Gate", "--seeds")
RUN += ("0", "--size", "8", "--network", "linear", "--steps", "3", "--jobs", "1", "--quiet")
ELSEWHERE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
"""Process numbers of its own: another machine, as far as leases go."""


def start(folder, *before):
    return subprocess.Popen(
        [*before, sys.executable, "-P", "-c", BENCH, *RUN],
        cwd=folder,
        env={**os.environ, "IMBENCH_CACHE": str(folder / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def ended(process):
    said, _ = process.communicate(timeout=200)
    assert process.returncode == 0, said
    return said


def test_row_13_a_machine_that_slept_for_longer_than_its_lease_writes_over_nothing(tmp_path):
    if subprocess.run([*ELSEWHERE, "true"], capture_output=True).returncode:
        pytest.skip("process numbers of one's own need root")
    (tmp_path / "parts.py").write_text(GATE)
    begun = tmp_path / "begun"

    def trainings(number):
        running = all(process.poll() is None for process in processes)
        assert running, [process.communicate() for process in processes]
        return begun.is_dir() and len(list(begun.iterdir())) == number

    processes = [start(tmp_path, *ELSEWHERE)]
    try:
        until(lambda: trainings(1))
        os.killpg(processes[0].pid, signal.SIGSTOP)
        (lease,) = held_leases(tmp_path / "results")
        assert not lease.here
        processes.append(start(tmp_path))
        until(lambda: trainings(2))
        (tmp_path / "open").touch()
        ended(processes[1])
        (record,) = Store(tmp_path / "results").records()
        path = Store(tmp_path / "results").path(record.cell)
        before = path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()
        os.killpg(processes[0].pid, signal.SIGCONT)
        ended(processes[0])
    finally:
        for process in processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
    assert (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) == before
    assert record.status == "ok"
    assert held_leases(tmp_path / "results") == []
    assert list((tmp_path / "results" / ".imbench" / "claims").iterdir()) == []
