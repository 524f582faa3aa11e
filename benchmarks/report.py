"""Time and memory of `bench report` on 10,000 records: at most 5 s, memory linear.

Usage: python benchmarks/report.py [records ...]; prints seconds and MB for each count (2,500,
5,000 and 10,000 if none is given), each in a fresh process, start-up included.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from imbench.grid import Cell
from imbench.metrics import score_all
from imbench.record import Record, Scores
from imbench.store import Store

RECIPES = (
    *("vanilla", "ts", "cs", "us", "os", "us+cs", "os+cs", "smote"),
    *("cbl:beta=0.9", "cbl:beta=0.99", "cbl:beta=0.999", "cbl:beta=0.9999"),
)
COUNTS = (25, 50, 75, 100, 150, 200)
SEEDS = 10
TEST = (120, 140)


def main(sizes: list[int]) -> None:
    """Print one line for each number of records."""
    print("records      s     MB   kB a record beyond the first size")
    first = None
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            fill(Path(name), size)
            seconds, megabytes = measure(Path(name))
        first = first or (size, megabytes)
        slope = (megabytes - first[1]) * 1000 / (size - first[0]) if size > first[0] else 0
        print(f"{size:7d} {seconds:6.2f} {megabytes:6.0f} {slope:8.1f}")


def fill(folder: Path, size: int) -> None:
    """Write `size` records with outputs on 260 test images, as runs leave them."""
    os.fsync = lambda _: None  # writing is not what is measured
    store = Store(folder)
    for record in records(size):
        store.put(record)


def records(size: int) -> Iterator[Record]:
    """Make records of as many data sets as it takes."""
    labels = np.repeat([0, 1], TEST)
    rng = np.random.default_rng(0)
    for index in range(size):
        rest, seed = divmod(index, SEEDS)
        rest, recipe = divmod(rest, len(RECIPES))
        number, count = divmod(rest, len(COUNTS))
        logits = rng.normal(size=(len(labels), 2)) + np.eye(2)[labels]
        proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        cell = Cell(
            dataset=f"folder:data{number}",
            fingerprint=f"{number:016x}",
            minority=COUNTS[count],
            recipe=RECIPES[recipe],
            seed=seed,
        )
        yield Record(
            key=cell.key,
            cell=cell,
            status="ok",
            metrics=score_all(labels, proba),
            scores=Scores.of(labels, logits, proba),
            train_counts=[1000, COUNTS[count]],
            test_counts=list(TEST),
            environment={"device": "cpu", "torch": "2.4"},
        )


def measure(folder: Path) -> tuple[float, float]:
    """Run the command; return its wall time in seconds and its peak memory in MB."""
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        command = [sys.executable, "-c", "from imbench.cli import main; main()", "report"]
        os.execv(command[0], [*command, str(folder), "--bold", "not-worse"])
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"bench report ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1000


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [2500, 5000, 10000])
