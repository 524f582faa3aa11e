"""A whole small grid: `bench run` against the straightforward script, run once for each cell.

Both train the same network for the same steps on the same pictures and score the test pictures;
`bench run` also decodes (in the first round), plans, keeps records and prints its table. The script
trains as `vanilla` in every cell: resampling, SMOTE among it, costs it nothing. Its runs follow
each other, each a process with two torch threads and two loader workers.

A round is one seed. In each, some runs of the script are measured, as many of every minority
count, and stand for all of its cells; how many is printed, and `--whole` measures all. Start-up
weighs more in few steps than in many, so a second ratio leaves it out of the script's time, though
not out of ours.

With `--joint` ALT and AUG are in the grid, with as many generator steps as they have by default.
The script then trains a textbook CycleGAN first, from the beginning in every cell of theirs; for
ALT that is less than its work, since its classifier judges every other generator step.
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

from imbench.training.recipe import PAPER_METHODS

BATCH, SIZE = 64, 32
JOINT = ("alt", "aug")
METHODS = tuple(name for name in PAPER_METHODS if name not in JOINT)
GENERATOR_STEPS = 2
"""For each step of the classifier, as the joint methods have by default."""


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

    @property
    def kinds(self) -> dict[bool, int]:
        """How many methods of a round are joint ones (True), and how many are not."""
        joint = sum(name in JOINT for name in self.methods)
        return {kind: n for kind, n in ((False, len(self.methods) - joint), (True, joint)) if n}


def script(
    where: Path, network: str, minority: int, seed: int, steps: int, threads: int, joint: int
) -> None:
    """Train and score one cell in this process, and print how long it took without start-up."""
    import numpy as np
    import torch
    from _script import folder_of, score_script, train_script, with_fakes
    from torch.utils.data import Dataset, Subset

    start = time.perf_counter()
    torch.manual_seed(seed)
    folder = folder_of(where, SIZE)
    targets = np.array(folder.targets)
    few = np.random.default_rng(seed).choice(np.flatnonzero(targets == 1), minority, replace=False)
    horses = np.flatnonzero(targets == 0)
    data: Dataset[tuple[torch.Tensor, int]] = Subset(folder, [*horses, *few])
    if joint:
        pair = Subset(folder, [*horses]), Subset(folder, [*few])
        data = with_fakes(*pair, size=SIZE, steps=GENERATOR_STEPS * steps, threads=threads)
    net, images = train_script(
        data, network, size=SIZE, batch_size=BATCH, steps=steps, threads=threads
    )
    accuracy = score_script(net, where, SIZE, BATCH)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "images": images, "accuracy": accuracy}))


def run_script(work: Work, minority: int, seed: int, *, joint: bool) -> tuple[float, float]:
    """Run the script for one cell; return its wall time, with and without start-up."""
    numbers = (minority, seed, work.steps, work.threads, int(joint))
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


def by_script(work: Work, seed: int, runs: int) -> tuple[float, float, float]:
    """Return seconds of all cells of a round: wall, without start-up, of the processor.

    `runs` of every count and kind of method are measured and stand for the others of it.
    """
    whole = inner = processor = 0.0
    for joint, methods in work.kinds.items():
        told: list[tuple[float, float]] = []
        measured = min(runs, methods)

        def some(
            told: list[tuple[float, float]] = told, joint: bool = joint, measured: int = measured
        ) -> None:
            for count in work.counts:
                told += [run_script(work, count, seed, joint=joint) for _ in range(measured)]

        processor += methods / measured * processor_clock(some)
        cells = methods * len(work.counts)
        whole += cells * mean(seconds for seconds, _ in told)
        inner += cells * mean(seconds for _, seconds in told)
    return whole, inner, processor


def measure(work: Work, seeds: int, runs: int) -> None:
    """Take turns, a seed a round, and print the ratios."""
    ours: list[float] = []
    spent: list[float] = []
    theirs: list[float] = []
    training: list[float] = []
    theirs_spent: list[float] = []
    for seed in range(seeds):

        def bench(seed: int = seed) -> None:
            spent.append(processor_clock(lambda: run_bench(work, seed)))

        ours.append(clock(bench))
        whole, inner, processor = by_script(work, seed, runs)
        theirs.append(whole)
        training.append(inner)
        theirs_spent.append(processor)
        print(f"  round {seed + 1} of {seeds} done", flush=True)
    measured = len(work.counts) * sum(min(runs, methods) for methods in work.kinds.values())
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
    show_ratio("grid", theirs, ours, at_least=3 if True in work.kinds else 2)
    show_ratio("grid, script without start-up", training, ours)
    show_ratio("grid, processor time", theirs_spent, spent)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("--steps", type=int, default=60, help="steps of each training")
    parser.add_argument("--runs", type=int, default=1, help="script runs a count and round")
    parser.add_argument("--whole", action="store_true", help="run the script for every cell")
    parser.add_argument("--joint", action="store_true", help="with ALT and AUG")
    parser.add_argument("--threads", type=int, default=2, help="torch threads of the script")
    parser.add_argument("--script", nargs=7, help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Measure a grid of the paper's methods, two counts and as many seeds as repeats."""
    args = options()
    if args.script:
        where, network, *numbers = args.script
        minority, seed, steps, threads, joint = map(int, numbers)
        script(Path(where), network, minority, seed, steps, threads, joint)
        return
    show_machine()
    with TemporaryDirectory() as folder:
        where = Path(folder) / "pictures"
        if args.tiny:
            print(picture_folder(where, per_class=30, test=4))
            methods = ("vanilla", "ts", "us", *(JOINT if args.joint else ()))
            work = Work(where, "cnn", 2, methods, (10,), args.threads)
        else:
            print(picture_folder(where, per_class=1000, test=120))
            methods = PAPER_METHODS if args.joint else METHODS
            work = Work(where, "resnet20", args.steps, methods, (25, 50), args.threads)
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
