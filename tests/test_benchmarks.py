"""Every script under benchmarks/ runs and prints ratios; how large they are is not tested."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[1] / "benchmarks"
RATIO = re.compile(
    r"ratio (?P<what>.+): (?P<ratio>\d+\.\d+) \((?P<low>\d+\.\d+)\.\.(?P<high>\d+\.\d+)\)"
    r"(?:, target (?P<kind>>=|<=) (?P<target>[\d.]+): (?P<verdict>met|missed))?"
)
RATIOS = {
    "ceiling": ("ceiling share, one thread, processor time, eager, channels_last", ">= 0.8"),
    "card_cells": ("card cnn:width=2 step, textbook over harness", "none"),
    "card": ("card step, full over mixed precision", "none"),
    "cell": ("cell beside its training, share of 50 ms", "<= 1"),
    "copying": ("copying small, 16 px, error over that of blocks of 4 px", "<= 1"),
    "coverage": ("width of t, cut over t, n = 3", "<= 1"),
    "cyclegan": ("cyclegan step, paper, width 4, 16 px, batch 1", ">= 1"),
    "explain": ("Grad-CAM, processor time over a pass forward and back", "<= 1.5"),
    "input": ("input flip+crop", ">= 40"),
    "overhead": ("overhead cnn", "<= 1.03"),
    "parts": ("step of la", "<= 1.03"),
    "peers": ("peers cnn:width=2, harness again over harness, processor time", "none"),
    "precision": ("precision digits, float32 over bfloat16, processor time", "none"),
    "predict": ("predict cnn, speed of decoding and network", ">= 0.8"),
    "resume": ("resume 36 cells, share of 3 s", "<= 1"),
    "smote": ("smote time", ">= 3"),
    "features": ("embedding, share of the backbone's own speed", ">= 0.95"),
    "flat": ("memory of the largest worker, late over early", "<= 1.05"),
    "grid": ("grid", ">= 2"),
    "report": ("report 240 records, share of 5 s", "<= 1"),
    "scale": ("resume 150 records, share of 3 s", "<= 1"),
    "startup": ("start-up bench --help, share of 0.3 s", "<= 1"),
    "step": ("step cnn:width=2, torch's passes over ours, processor time", "none"),
    "throughput": ("throughput cnn, two trainings side by side", ">= 2"),
    "verify": ("verify 400 images, share of 60 s", "<= 1"),
    "workers": ("throughput, 2 workers over one", "none"),
}
"""Script to one of the ratios it prints, and the target beside it."""


def run(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run a script as its README says, with the pictures that need no data.

    A safe path, which these tests run under, hides what the scripts share in their own folder.
    """
    hidden = {"IMBENCH_DATA", "PYTHONSAFEPATH"}
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    return subprocess.run(
        [sys.executable, str(SCRIPTS / f"{name}.py"), *options],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", RATIOS)
def test_a_script_prints_its_ratios_with_the_target_beside(name: str) -> None:
    done = run(name, "--tiny")
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stdout.splitlines() if line.startswith("ratio ")]
    found = {match["what"]: match for match in map(RATIO.fullmatch, told) if match}
    assert len(found) == len(told) > 0, told
    what, target = RATIOS[name]
    beside = f"{found[what]['kind']} {found[what]['target']}" if found[what]["kind"] else "none"
    assert beside == target
    for match in found.values():
        low, ratio, high = (float(match[key]) for key in ("low", "ratio", "high"))
        assert 0 <= low <= ratio <= high
        if match["verdict"]:
            kind, limit = match["kind"], float(match["target"])
            # Printed with three digits: at the limit itself they do not say which side it is.
            if abs(ratio - limit) > 1e-3:
                assert (match["verdict"] == "met") == (
                    ratio > limit if kind == ">=" else ratio < limit
                )


@pytest.mark.slow
def test_a_grid_with_the_joint_methods_has_a_target_of_its_own() -> None:
    done = run("grid", "--tiny", "--joint")
    assert done.returncode == 0, done.stderr
    assert "bench run, 5 cells" in done.stdout
    (ratio,) = re.findall(r"^ratio grid: .+$", done.stdout, flags=re.MULTILINE)
    assert RATIO.fullmatch(ratio)["target"] == "3"


def test_every_script_is_run_here_and_has_its_line_in_the_readme() -> None:
    scripts = {file.stem for file in SCRIPTS.glob("*.py") if not file.stem.startswith("_")}
    assert scripts == {*RATIOS}
    page = (SCRIPTS / "README.md").read_text("utf-8")
    for name in scripts:
        assert f"`{name}.py`" in page


def test_a_script_says_what_is_wrong_with_an_option() -> None:
    done = run("resume", "--tiniest")
    assert done.returncode == 2
    assert "--tiniest" in done.stderr


def test_peak_memory_is_that_of_the_command_not_of_the_script_that_asks() -> None:
    # Linux: a process that is forked counts what its parent holds, up to the next program.
    asks = (
        "import sys; sys.path.insert(0, sys.argv[1]); from _measure import told;"
        "from pathlib import Path; held = bytearray(500_000_000); held[::4096] = held[::4096];"
        "print(told(['--version'], Path.cwd()).megabytes)"
    )
    command = [sys.executable, "-c", asks, str(SCRIPTS)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 5 < float(done.stdout) < 200
