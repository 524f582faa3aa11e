"""The names of the tests: the same in every process, whenever it starts and however it hashes.

Parallel workers each collect the tests and compare; where one name differs no test runs at all.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CHANCE = """
import gzip
import pytest

@pytest.mark.parametrize("text", {str})
def test_one(text):
    pass
"""


def collected(folder, *options):
    """Return the names that two processes give the tests, begun in two different seconds."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", "--assert=plain"]
    command += ["-p", "no:cacheprovider", *options]
    processes = []
    for seed in ("1", "2"):
        processes.append(
            subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONHASHSEED": seed},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        time.sleep(1.1)
    found = []
    said = [process.communicate()[0] for process in processes]
    for process, out in zip(processes, said, strict=True):
        assert process.returncode == 0, out[-2000:]
        found.append([line for line in out.splitlines() if "::" in line])
    return found


@pytest.mark.slow
@pytest.mark.timeout(900)  # imports torch twice: minutes where others need the machine
def test_two_processes_collect_the_same_tests():
    first, second = collected(ROOT, "-m", "slow or not slow")
    assert len(first) > 2000
    assert first == second


def test_names_made_of_times_or_in_the_order_of_hashes_would_be_found(tmp_path):
    for number, values in enumerate(("[repr(gzip.compress(b'1'))]", "set('abcdefgh')")):
        place = tmp_path / str(number)
        place.mkdir()
        (place / "test_chance.py").write_text(CHANCE.replace("{str}", values))
        first, second = collected(place)
        assert len(first) == len(second) > 0
        assert first != second
