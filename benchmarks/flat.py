"""Memory and open files of a run and of its workers over 2,000 tiny cells: flat, or growing.

A run of Vanilla on `digits` at 8 pixels, one step a cell, two workers. Every half second the
resident memory and the open file descriptors of the run and of each of its workers are read from
/proc. Compared are the medians of the last fifth of the cells and of the second one: by then all
is loaded. Linux only.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from _measure import arguments, show_machine, show_ratio

CELLS, COUNTS = 2000, 5
LOOK = 0.5
AT_MOST = {"memory": 1.05, "descriptors": 1.2}
"""Descriptors are few: that of a file which a worker just reads or writes is a twelfth of them."""
RUN = "from imbench.commands.cli import main; main()"


def main() -> None:
    """Run the cells, and print what the processes held in the meantime."""
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("cells", type=int, nargs="?", default=0)
    args = parser.parse_args()
    cells = args.cells or (60 if args.tiny else CELLS)
    show_machine()
    with TemporaryDirectory() as name:
        looks = watched(Path(name), cells, LOOK / 10 if args.tiny else LOOK)
    workers = {pid for _, held in looks for pid in held} - {0}
    print(f"  {cells} cells, {len(looks)} looks, {len(workers)} workers")
    for what, place, unit in (("memory", 0, 1e6), ("descriptors", 1, 1)):
        for who, chosen in (("run", {0}), ("largest worker", workers)):
            early, late = (
                median(
                    max(held[pid][place] for pid in held.keys() & chosen)
                    for done, held in looks
                    if low * cells <= done < high * cells and held.keys() & chosen
                )
                for low, high in ((0.2, 0.4), (0.8, 1.0))  # workers end with the last cell
            )
            print(f"  {what} of the {who}: {early / unit:.0f} early, {late / unit:.0f} late")
            show_ratio(
                f"{what} of the {who}, late over early", [late], [early], at_most=AT_MOST[what]
            )


def watched(
    where: Path, cells: int, pause: float
) -> list[tuple[int, dict[int, tuple[float, int]]]]:
    """Return for each look the records there are, and memory and descriptors by process.

    The run itself has the number 0. Between two looks there are `pause` seconds.
    """
    words = ("--datasets", "digits", "--minority", "10,20,30,40,50", "--methods", "vanilla")
    seeds = f"0-{max(1, cells // COUNTS) - 1}"
    tiny = ("--size", "8", "--network", "linear", "--steps", "1", "--jobs", "2", "--quiet")
    run = subprocess.Popen(
        [sys.executable, "-P", "-c", RUN, "run", *words, "--seeds", seeds, *tiny],
        cwd=where,
        env={**os.environ, "IMBENCH_CACHE": str(where / "cache")},
        stdout=subprocess.DEVNULL,
    )
    looks = []
    while run.poll() is None:
        held = {0: look(run.pid)} | {pid: look(pid) for pid in workers_of(run.pid)}
        done = sum(1 for _ in (where / "results").glob("digits/*/vanilla/*.json"))
        looks.append((done, {pid: one for pid, one in held.items() if one[0]}))
        time.sleep(pause)
    if run.returncode:
        raise SystemExit(f"the run ended with {run.returncode}")
    return looks


def look(pid: int) -> tuple[float, int]:
    """Return the resident bytes and the open descriptors of a process; zeros if it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
        return float(pages * os.sysconf("SC_PAGE_SIZE")), len(
            list(Path(f"/proc/{pid}/fd").iterdir())
        )
    except (OSError, IndexError):
        return 0.0, 0


def workers_of(parent: int) -> list[int]:
    """Return the numbers of a run's workers."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            of = int(stat.read_text("utf-8", "replace").rpartition(")")[2].split()[1])
            command = stat.with_name("cmdline").read_bytes()
        except (OSError, IndexError):
            continue
        if of == parent and b"popen_loky" in command:
            found.append(int(stat.parent.name))
    return found


if __name__ == "__main__":
    main()
