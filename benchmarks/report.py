"""Time and memory of `bench report` on 10,000 records: at most 5 s, memory linear.

Seconds and MB for each number of records (2,500, 5,000 and 10,000 if none is given), each in fresh
processes, start-up included, in turn. The ratio is to the limit of 5 s; memory is linear if a
record more costs the same among many as among few.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from _measure import arguments, show_machine, show_ratio, show_times

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
LIMIT = 5.0


class Told(NamedTuple):
    """What one run of the command took."""

    seconds: float
    processor: float
    megabytes: float


def main() -> None:
    """Print a line for each number of records, and the ratios."""
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("sizes", type=int, nargs="*", metavar="records", default=[])
    args = parser.parse_args()
    sizes = sorted(args.sizes) or ([60, 120, 240] if args.tiny else [2500, 5000, 10000])
    told: dict[int, list[Told]] = {size: [] for size in sizes}
    show_machine()
    with TemporaryDirectory() as name:
        for size in sizes:
            fill(Path(name) / str(size), size)
        for _ in range(1 if args.tiny else args.repeats):
            for size in sizes:
                told[size].append(measure(Path(name) / str(size)))
    show_times({f"{size} records": [one.seconds for one in told[size]] for size in sizes})
    memory = {size: median(one.megabytes for one in told[size]) for size in sizes}
    print("  peak memory, MB:", ", ".join(f"{memory[size]:.0f}" for size in sizes))
    most = sizes[-1]
    limit = [LIMIT] * len(told[most])
    wall, spent = ([one[i] for one in told[most]] for i in (0, 1))
    show_ratio(f"report {most} records, share of {LIMIT:g} s", wall, limit, at_most=1)
    show_ratio(f"report {most} records, processor time, share of {LIMIT:g} s", spent, limit)
    if len(sizes) > 2 and not args.tiny:
        slopes = [(memory[b] - memory[a]) / (b - a) for a, b in pairwise(sizes)]
        show_ratio("report memory of a record, last step over first", slopes[-1:], slopes[:1])


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


def measure(folder: Path) -> Told:
    """Run the command on a results folder."""
    start = time.perf_counter()
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        command = [sys.executable, "-c", "from imbench.cli import main; main()", "report"]
        os.execv(command[0], [*command, str(folder), "--bold", "not-worse"])
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"bench report ended with {os.waitstatus_to_exitcode(status)}")
    seconds = time.perf_counter() - start
    return Told(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


if __name__ == "__main__":
    main()
