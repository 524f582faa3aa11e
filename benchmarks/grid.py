"""A whole small grid: `bench run` against the straightforward script, run once for each cell.

Both train the same network for the same steps on the same pictures and score the test pictures;
`bench run` also decodes (in the first round), plans, keeps records and prints its table. The script
trains as `vanilla` in every cell: resampling, SMOTE among it, costs it nothing. Its runs follow
each other, each a process with two torch threads and two loader workers.

A round is one seed. In each, some runs of the script are measured, as many of every minority
count, and stand for all of its cells; how many is printed, and `--whole` measures all. Start-up
weighs more in few steps than in many, so a second ratio leaves it out of the script's time, though
not out of ours. The joint methods are not in this grid.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

from _images import picture_folder
from _measure import arguments, clock, processor_clock, show_machine, show_ratio, show_times

from imbench.recipe import PAPER

BATCH, SIZE = 64, 32
METHODS = tuple(name for name in PAPER if name not in ("alt", "aug"))


@dataclass(frozen=True)
class Work:
    """The grid of one round."""

    where: Path
    network: str
    steps: int
    methods: Sequence[str]
    counts: Sequence[int]
    threads: int
    """Of the script."""

    @property
    def cells(self) -> int:
        """Cells of a round."""
        return len(self.methods) * len(self.counts)


def script(where: Path, network: str, minority: int, seed: int, steps: int, threads: int) -> None:
    """Train and score one cell in this process, and print how long it took without start-up."""
    import numpy as np
    import torch
    from _script import folder_of, score_script, train_script
    from torch.utils.data import Subset

    start = time.perf_counter()
    torch.manual_seed(seed)
    folder = folder_of(where, SIZE)
    targets = np.array(folder.targets)
    few = np.random.default_rng(seed).choice(np.flatnonzero(targets == 1), minority, replace=False)
    data = Subset(folder, [*np.flatnonzero(targets == 0), *few])
    net, images = train_script(
        data, network, size=SIZE, batch_size=BATCH, steps=steps, threads=threads
    )
    accuracy = score_script(net, where, SIZE, BATCH)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "images": images, "accuracy": accuracy}))


def run_script(work: Work, minority: int, seed: int) -> tuple[float, float]:
    """Run the script for one cell; return its wall time, with and without start-up."""
    numbers = (minority, seed, work.steps, work.threads)
    command = [sys.executable, __file__, "--script", str(work.where), work.network]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, *map(str, numbers)], capture_output=True, text=True, check=False
    )
    whole = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(done.stderr)
    return whole, float(json.loads(done.stdout)["seconds"])


def run_bench(work: Work, seed: int) -> None:
    """Run the grid of one seed with the command."""
    options = {
        "--datasets": f"folder:{work.where},majority=horse,minority=zebra",
        "--minority": ",".join(map(str, work.counts)),
        "--methods": ",".join(work.methods),
        "--seeds": str(seed),
        "--network": work.network,
        "--steps": str(work.steps),
        "--size": str(SIZE),
        "--set": f"batch_size={BATCH}",
        "--out": str(work.where.parent / "results"),
        "--device": "cpu",
    }
    bench = str(Path(sys.executable).parent / "bench")
    done = subprocess.run(
        [bench, "run", *(word for pair in options.items() for word in pair)],
        env={**os.environ, "IMBENCH_CACHE": str(work.where.parent / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or f"{work.cells} of {work.cells} cells ok" not in done.stdout:
        raise SystemExit(done.stdout + done.stderr)


def measure(work: Work, seeds: int, runs: int) -> None:
    """Take turns, a seed a round, and print the ratios."""
    ours: list[float] = []
    spent: list[float] = []
    theirs: list[float] = []
    training: list[float] = []
    theirs_spent: list[float] = []
    for seed in range(seeds):
        told: list[tuple[float, float]] = []

        def both(seed: int = seed) -> None:
            spent.append(processor_clock(lambda: run_bench(work, seed)))

        def scripts(seed: int = seed, told: list[tuple[float, float]] = told) -> None:
            told += [run_script(work, n, seed) for n in work.counts for _ in range(runs)]

        ours.append(clock(both))
        share = work.cells / (runs * len(work.counts))
        theirs_spent.append(share * processor_clock(scripts))
        theirs.append(work.cells * mean(whole for whole, _ in told))
        training.append(work.cells * mean(inner for _, inner in told))
        print(f"  round {seed + 1} of {seeds} done", flush=True)
    measured = runs * len(work.counts)
    said = "all measured" if measured == work.cells else f"{measured} measured, the rest by them"
    show_times(
        {
            f"bench run, {work.cells} cells": ours,
            f"{work.cells} runs of the script ({said})": theirs,
            "the same without their start-up": training,
            "bench run: processor time": spent,
            "runs of the script: processor time": theirs_spent,
        }
    )
    show_ratio("grid", theirs, ours, at_least=2)
    show_ratio("grid, script without start-up", training, ours)
    show_ratio("grid, processor time", theirs_spent, spent)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("--steps", type=int, default=60, help="steps of each training")
    parser.add_argument("--runs", type=int, default=1, help="script runs a count and round")
    parser.add_argument("--whole", action="store_true", help="run the script for every cell")
    parser.add_argument("--threads", type=int, default=2, help="torch threads of the script")
    parser.add_argument("--script", nargs=6, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure a grid of twelve methods, two counts and as many seeds as repeats."""
    args = options()
    if args.script:
        where, network, *numbers = args.script
        minority, seed, steps, threads = map(int, numbers)
        script(Path(where), network, minority, seed, steps, threads)
        return
    show_machine()
    with TemporaryDirectory() as folder:
        where = Path(folder) / "pictures"
        if args.tiny:
            print(picture_folder(where, per_class=30, test=4))
            work = Work(where, "cnn", 2, ("vanilla", "ts", "us"), (10,), args.threads)
        else:
            print(picture_folder(where, per_class=1000, test=120))
            work = Work(where, "resnet20", args.steps, METHODS, (25, 50), args.threads)
        seeds = 1 if args.tiny else args.repeats
        print(
            f"{work.network}, {SIZE} px, {work.steps} steps of {BATCH}; "
            f"{len(work.methods)} methods x {len(work.counts)} counts, {seeds} rounds of one seed; "
            f"script: {work.threads} torch threads, 2 loader workers",
            flush=True,
        )
        measure(work, seeds, len(work.methods) if args.whole else args.runs)


if __name__ == "__main__":
    main()
