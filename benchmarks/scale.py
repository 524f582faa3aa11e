"""Time and memory of 1,000, 10,000 and 100,000 records: resumed, counted and reported.

A grid on a folder of small pictures, all of it done: `bench run` plans, finds nothing to do and
prints its table; `bench status` counts; `bench report` makes the tables. The records are made up
(no training) but real in form: outputs on 120 test images, written by the store. Each command in a
fresh process, start-up included. Memory is linear if a record more costs the same among many as
among few. Targets: a second run of 1,000 cells in 3 s, `bench report` on 10,000 records in 5 s.
"""

from __future__ import annotations

import os
import time
from itertools import cycle, islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from _measure import Told, arguments, show_machine, show_ratio, told
from _records import outputs, put_all, records
from PIL import Image

from imbench.runs.feasible import checked_cells
from imbench.runs.plan import recipes_of
from imbench.runs.settling import GridOptions, settle_grid
from imbench.runs.sources import find_sources

METHODS = "vanilla,ts,cs,us,os,us+cs,os+cs,smote,cbl:beta=0.99,cbl:beta=0.999"
COUNTS = "10,20,30,40,50"
A_SEED = 50
"""Cells of one seed: ten methods, five counts."""
TEST = 60
DATA = "folder:pictures"
LIMITS = {"resume": (1000, 3.0), "report": (10_000, 5.0)}
"""Command to the most records for which a target is set, and its seconds."""


def main() -> None:
    """Fill a results folder of each size, and time what is done with it."""
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("sizes", type=int, nargs="*", metavar="records", default=[])
    args = parser.parse_args()
    sizes = sorted(args.sizes) or ([50, 100, 150] if args.tiny else [1000, 10_000, 100_000])
    show_machine()
    with TemporaryDirectory() as name:
        where = Path(name)
        os.environ["IMBENCH_CACHE"] = str(where / "cache")
        draw(where / "data" / "pictures")
        taken = {size: measured(where, size, args.repeats) for size in sizes}
    for what in ("resume", "status", "report"):
        show(what, {size: one[what] for size, one in taken.items()}, tiny=args.tiny)


def draw(folder: Path) -> None:
    """Write pictures of two classes, to train on and to test with."""
    rng = np.random.default_rng(0)
    for part, counts in (("train", (100, 60)), ("test", (TEST, TEST))):
        for label, count in enumerate(counts):
            place = folder / part / f"class{label}"
            place.mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(place / f"{number}.png")


def measured(where: Path, size: int, repeats: int) -> dict[str, list[Told]]:
    """Fill a results folder and run the commands on it."""
    seeds, results = f"0-{max(1, size // A_SEED) - 1}", where / f"results{size}"
    start = time.perf_counter()
    cells = fill(where, results, seeds)
    print(f"  {cells} records written in {time.perf_counter() - start:.0f} s", flush=True)
    wanted = ("--datasets", DATA, "--minority", COUNTS, "--methods", METHODS, "--seeds", seeds)
    settings = ("--size", "8", "--network", "cnn", "--steps", "100")
    commands = {
        "resume": ("run", *wanted, *settings, "--data", "data", "--out", results.name),
        "status": ("status", results.name),
        "report": ("report", results.name),
    }
    taken: dict[str, list[Told]] = {what: [] for what in commands}
    for _ in range(repeats):
        for what, command in commands.items():
            taken[what].append(told(command, where))
    return taken


def fill(where: Path, results: Path, seeds: str) -> int:
    """Write a record for every cell of the grid, as runs leave them; return how many."""
    given = GridOptions(
        datasets=[DATA],
        minority=[COUNTS],
        methods=[METHODS],
        seeds=[seeds],
        settings={"network": "cnn", "steps": "100", "size": "8"},
    )
    grid = settle_grid(None, given)
    cells = checked_cells(
        grid, find_sources(grid, root=where / "data"), recipes_of(grid.methods)[0]
    )
    made = cycle(islice(outputs((TEST, TEST)), 100))
    return put_all(results, records(cells, made, majority=100, test=(TEST, TEST)))


def show(what: str, taken: dict[int, list[Told]], *, tiny: bool) -> None:
    """Print the figures of a command at each size, and its ratios."""
    for size, ones in taken.items():
        seconds, processor, megabytes = (min(column) for column in zip(*ones, strict=True))
        print(
            f"  {what} {size}: {seconds:.2f} s, processor {processor:.2f} s, "
            f"peak {megabytes:.0f} MB"
        )
        most_records, limit = LIMITS.get(what, (0, 0.0))
        if size <= most_records:
            for name, column in (("", 0), (", processor time", 1)):
                times = [one[column] for one in ones]
                most = {} if name else {"at_most": 1}
                share = f"{what} {size} records{name}, share of {limit:g} s"
                show_ratio(share, times, [limit] * len(times), **most)
    peaks = [(size, min(one.megabytes for one in ones)) for size, ones in taken.items()]
    if len(peaks) > 2:
        first, *_, last = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairwise(peaks)]
        if first > 0 and not tiny:
            show_ratio(f"{what} memory of a record, last step over first", [last], [first])
    most = max(taken)
    share = [one.seconds / one.processor for one in taken[most]]
    show_ratio(f"{what} {most} records, wall over processor time", share, [1.0] * len(share))


if __name__ == "__main__":
    main()
