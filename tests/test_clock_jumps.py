"""Clocks that jump during a run, all of a machine's: the wall clock and the monotonic one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from bench_process import BENCH
from waiting import GATE, until

from imbench.records.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
RUN = ("run", "--datasets", "digits", "--minority", "20", "--methods", "parts.py:Gate,vanilla")
RUN += ("--seeds", "0", "--size", "8", "--network", "linear", "--steps", "3", "--jobs", "2")
RUN += ("--quiet", "--timeout", "10m")


@pytest.fixture
def faketime() -> Path:
    """Return the library that moves the clocks of a process and of those it starts."""
    places = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/lib")
    found = [lib for place in places for lib in Path(place).rglob("libfaketimeMT.so.1")]
    if not found:
        pytest.skip("libfaketime is not installed")
    return found[0]


@pytest.mark.parametrize("jump", ["+1d", "-1d"])
def test_row_27_a_run_whose_clocks_jump_by_a_day_ends_with_all_scores(tmp_path, faketime, jump):
    (tmp_path / "parts.py").write_text(GATE)
    offset = tmp_path / "offset"
    offset.write_text("+0")
    clocks = {"FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
    run = subprocess.Popen(
        [BENCH, *RUN],
        cwd=tmp_path,
        env={
            **os.environ,
            **clocks,
            "LD_PRELOAD": str(faketime),
            "IMBENCH_CACHE": str(tmp_path / "cache"),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(lambda: run.poll() is not None or list(tmp_path.glob("begun/*")))
        offset.write_text(jump)
        (tmp_path / "open").touch()
        said, _ = run.communicate(timeout=200)
    finally:
        run.kill()
        run.communicate()
    assert run.returncode == 0, said
    records = Store(tmp_path / "results").records()
    assert [record.status for record in records] == ["ok", "ok"]
