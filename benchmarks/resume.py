"""A second run of a finished grid of about 1,000 cells: `bench run` has nothing to do but say so.

The records are made up (no training) but real: the cells of a grid on the digits, with outputs on
all its test images, written by the store. Whole commands, beside the import of torch.
The ratio is to the limit of 3 s, so it carries over to machines about as fast as this one only;
the ratio of processor times to `import torch` carries further. Most of it is scikit-learn's import.
One more run, not timed, shows that nothing was trained and torch was not imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from _measure import (
    arguments,
    clock,
    interleave,
    processor_clock,
    show_machine,
    show_ratio,
    show_times,
)
from _records import outputs, put_all, records

from imbench.runs.feasible import checked_cells
from imbench.runs.plan import recipes_of
from imbench.runs.settling import GridOptions, settle_grid
from imbench.runs.sources import find_sources
from imbench.training.recipe import PAPER_METHODS

LIMIT = 3.0
METHODS = ",".join(name for name in PAPER_METHODS if name not in ("alt", "aug"))
CHECKED = """
import atexit, sys
atexit.register(lambda: print("torch" in sys.modules, file=sys.stderr))
from imbench.commands.cli import main
main()
"""


def options(seeds: str) -> list[str]:
    """Return the options of `bench run` that name the grid."""
    return [
        *("--datasets", "digits", "--minority", "20", "--methods", METHODS, "--seeds", seeds),
        *("--network", "cnn", "--steps", "100", "--size", "8"),
    ]


def fill(results: Path, seeds: str) -> int:
    """Write a record for every cell of the grid, as a run leaves them; return how many."""
    given = GridOptions(
        datasets=["digits"],
        minority=["20"],
        methods=[METHODS],
        seeds=[seeds],
        settings={"network": "cnn", "steps": "100", "size": "8"},
    )
    grid = settle_grid(None, given)
    sources = find_sources(grid, root=results)
    cells = checked_cells(grid, sources, recipes_of(grid.methods)[0])
    source = sources["digits"]
    test = source.test_counts
    made = records(cells, outputs(test), majority=source.train_counts[0], test=test)
    return put_all(results, made)


def start(command: Sequence[str], where: Path) -> str:
    """Run a command to its end and return what it printed, errors after the rest."""
    environment = {**os.environ, "IMBENCH_CACHE": str(where / "cache")}
    done = subprocess.run(
        [*command], cwd=where, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout + done.stderr


def main() -> None:
    """Fill a results folder, check what a second run does, and time it."""
    args = arguments(__doc__, repeats=7).parse_args()
    seeds = "0-2" if args.tiny else "0-83"
    show_machine()
    with TemporaryDirectory() as folder:
        where = Path(folder)
        os.environ["IMBENCH_CACHE"] = str(where / "cache")
        cells = fill(where / "results", seeds)
        print(f"digits, {cells} cells, all done")
        bench = [str(Path(sys.executable).parent / "bench"), "run", *options(seeds)]
        before = tree(where / "results")
        said = start([sys.executable, "-c", CHECKED, *bench[1:]], where)
        if f"{cells} done, 0 to run" not in said or said.split()[-1] != "False":
            raise SystemExit(f"the second run trained, or imported torch:\n{said}")
        print("  nothing to run, torch not imported")
        python = [sys.executable, "-c"]
        commands = {
            "bench run, everything done": bench,
            "python -c pass": [*python, "pass"],
            "import sklearn.base": [*python, "import sklearn.base"],
            "import torch": [*python, "import torch"],
        }
        spent: dict[str, list[float]] = {name: [] for name in commands}

        def side(name: str) -> float:
            def run() -> None:
                spent[name].append(processor_clock(lambda: start(commands[name], where)))

            return clock(run)

        times = interleave(
            {name: (lambda name=name: side(name)) for name in commands},
            1 if args.tiny else args.repeats,
        )
        if tree(where / "results") != before:
            raise SystemExit("a second run changed records")
    show_times(times)
    show_times({f"{name}: processor time": values for name, values in spent.items()})
    ours, bare, *_ = times.values()
    limit = [LIMIT] * len(ours)
    show_ratio(f"resume {cells} cells, share of {LIMIT:g} s", ours, limit, at_most=1)
    show_ratio(f"resume {cells} cells, in bare Python starts", ours, bare)
    ours, _, imports, torch = spent.values()
    show_ratio(f"resume {cells} cells, processor time, share of {LIMIT:g} s", ours, limit)
    show_ratio(f"resume {cells} cells, processor time, over import torch", ours, torch)
    show_ratio("resume, share of scikit-learn's import", imports, ours)


def tree(results: Path) -> dict[Path, int]:
    """Return when each record was written."""
    return {path: path.stat().st_mtime_ns for path in results.glob("*/*/*/*.json")}


if __name__ == "__main__":
    main()
