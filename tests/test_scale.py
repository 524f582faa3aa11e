"""Many records: a run that finds all of them done, counts them and makes their tables."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "scale.py"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_memory_grows_no_faster_than_the_number_of_records(tmp_path):
    # With a safe path the script would not find what the scripts share.
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONSAFEPATH"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "1000", "3000", "10000"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = dict(re.findall(r"^ratio (\w+) memory of a record, .*?: ([0-9.]+)", done.stdout, re.M))
    # 1.0 is linear. A quadratic growth would give 13000 / 4000 = 3; buffers that double, up to 1.5.
    assert told.keys() == {"resume", "status", "report"}
    assert all(float(growth) < 2 for growth in told.values()), told
