"""AUG and ALT through `bench run`: three classes of real images, generators trained once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(sys.executable).with_name("bench")
DATASET = "folder:clothing,majority=t-shirt,minority=skirt/hat"
SMALL = "batch=2,width=4,blocks=1,patch_width=4"


@pytest.mark.slow
def test_three_classes_of_clothing(tmp_path, data_real):
    if not (data_real / "clothing").is_dir():
        pytest.skip("IMBENCH_DATA holds no clothing")
    recipes = (f"aug:{SMALL}", f"alt:{SMALL}", f"aug:{SMALL}+cs", f"aug:{SMALL}+ts")
    command = [BENCH, "run", "--network", "cnn", "--size", "16", "--steps", "20", "--jobs", "2"]
    command += ["--datasets", DATASET, "--minority", "20", "--majority", "100", "--seeds", "0"]
    done = subprocess.run(
        [*command, "--methods", ",".join(recipes), "--out", "results"],
        cwd=tmp_path,
        env={**os.environ, "IMBENCH_DATA": str(data_real), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 of 4 cells ok" in done.stdout
    results = tmp_path / "results"
    records = [json.loads(path.read_text()) for path in results.glob("folder*/20/*/*.json")]
    assert len(records) == 4
    assert all(record["train_counts"] == [100, 20, 20] for record in records)
    # One pair a minority, each trained once: to its end for AUG, on to an end of its own for ALT.
    generators = results / "generators"
    assert len(list(generators.glob("*-40.pt"))) == len(list(generators.glob("*-20.pt"))) == 2
    reused = {r["cell"]["recipe"]: r["cost"]["generator_reused"] for r in records}
    # Whichever of the two came first trained a pair to its end; the other found it there.
    assert reused[f"aug:{SMALL}"] + reused[f"aug:{SMALL}+cs"] == 2
    assert [bool(record["shared_with"]) for record in records].count(True) == 1
    for record in records:
        assert record["cost"]["generator_steps"] == 80
        assert {"generator-1", "generator-2", "samples-1.png", "losses-2.png"} <= set(
            record["files"]
        )
        assert all((results / file).is_file() for file in record["files"].values())
