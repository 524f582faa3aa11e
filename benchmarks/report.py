"""Time and memory of `bench report` on 10,000 records: at most 5 s, memory linear.

Seconds and MB for each number of records (2,500, 5,000 and 10,000 if none is given), each in fresh
processes, start-up included, in turn. The ratio is to the limit of 5 s; memory is linear if a
record more costs the same among many as among few.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from _measure import Told, arguments, show_machine, show_ratio, show_times, told
from _records import outputs, put_all, records

from imbench.records.cell import Cell

RECIPES = (
    *("vanilla", "ts", "cs", "us", "os", "us+cs", "os+cs", "smote"),
    *("cbl:beta=0.9", "cbl:beta=0.99", "cbl:beta=0.999", "cbl:beta=0.9999"),
)
COUNTS = (25, 50, 75, 100, 150, 200)
SEEDS = 10
TEST = (120, 140)
LIMIT = 5.0


def main() -> None:
    """Print a line for each number of records, and the ratios."""
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("sizes", type=int, nargs="*", metavar="records", default=[])
    args = parser.parse_args()
    sizes = sorted(args.sizes) or ([60, 120, 240] if args.tiny else [2500, 5000, 10000])
    taken: dict[int, list[Told]] = {size: [] for size in sizes}
    show_machine()
    with TemporaryDirectory() as name:
        for size in sizes:
            made = records(cells(size), outputs(TEST), majority=1000, test=TEST)
            put_all(Path(name) / str(size), made)
        for _ in range(1 if args.tiny else args.repeats):
            for size in sizes:
                words = ("report", str(size), "--bold", "not-worse")
                taken[size].append(told(words, Path(name)))
    show_times({f"{size} records": [one.seconds for one in taken[size]] for size in sizes})
    memory = {size: median(one.megabytes for one in taken[size]) for size in sizes}
    print("  peak memory, MB:", ", ".join(f"{memory[size]:.0f}" for size in sizes))
    most = sizes[-1]
    limit = [LIMIT] * len(taken[most])
    wall, spent = ([one[i] for one in taken[most]] for i in (0, 1))
    show_ratio(f"report {most} records, share of {LIMIT:g} s", wall, limit, at_most=1)
    show_ratio(f"report {most} records, processor time, share of {LIMIT:g} s", spent, limit)
    if len(sizes) > 2 and not args.tiny:
        slopes = [(memory[b] - memory[a]) / (b - a) for a, b in pairwise(sizes)]
        show_ratio("report memory of a record, last step over first", slopes[-1:], slopes[:1])


def cells(size: int) -> Iterator[Cell]:
    """Yield cells of as many data sets as it takes."""
    for index in range(size):
        rest, seed = divmod(index, SEEDS)
        rest, recipe = divmod(rest, len(RECIPES))
        number, count = divmod(rest, len(COUNTS))
        yield Cell(
            dataset=f"folder:data{number}",
            fingerprint=f"{number:016x}",
            minority=COUNTS[count],
            recipe=RECIPES[recipe],
            seed=seed,
        )


if __name__ == "__main__":
    main()
