"""How a grid's throughput grows with its workers: the same cells, one at a time and several.

Each side is a whole `bench run` of the same trainings into a folder of its own, start-up, scores
and records included. On CPU a worker has one thread. On a CUDA card (`--device cuda`) several
workers share it; networks for small images leave most of it idle.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from _images import picture_folder
from _measure import arguments, clock, interleave, show_machine, show_ratio, show_times

SIZE = 32


def run(where: Path, out: Path, options: dict[str, str]) -> None:
    """Run the grid with the command, into a results folder that is not there yet."""
    given = {
        "--datasets": f"folder:{where},majority=horse,minority=zebra",
        "--minority": "50",
        "--methods": "vanilla",
        "--size": str(SIZE),
        "--out": str(out),
    }
    words = [word for pair in (given | options).items() for word in pair]
    bench = str(Path(sys.executable).parent / "bench")
    done = subprocess.run(
        [bench, "run", *words],
        env={**os.environ, "IMBENCH_CACHE": str(where.parent / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def main() -> None:
    """Take turns with so many workers, and print the ratios to one."""
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--network", default="resnet20")
    args = parser.parse_args()
    if args.tiny:
        args.cells, args.steps, args.network, args.repeats = 2, 2, "cnn", 1
    show_machine()
    with TemporaryDirectory() as folder:
        where = Path(folder) / "pictures"
        pictures = 30 if args.tiny else 1000
        print(picture_folder(where, per_class=pictures, test=4 if args.tiny else 120))
        print(f"{args.cells} cells of {args.network}, {args.steps} steps, {SIZE} px, {args.device}")
        options = {"--network": args.network, "--steps": str(args.steps), "--device": args.device}
        options |= {"--minority": "10"} if args.tiny else {}
        count = iter(range(1_000_000))

        def side(workers: int, seeds: str) -> float:
            given = options | {"--jobs": str(workers), "--seeds": seeds}
            return clock(lambda: run(where, Path(folder) / f"results{next(count)}", given))

        side(1, "0")  # decodes the pictures
        seeds = f"0-{args.cells - 1}"
        numbers = sorted({1, *args.workers})
        times = interleave({str(n): lambda n=n: side(n, seeds) for n in numbers}, args.repeats)
    show_times({f"workers: {name}": values for name, values in times.items()})
    rates = ", ".join(f"{60 * args.cells / median(values):.0f}" for values in times.values())
    print(f"  cells a minute, in that order: {rates}")
    for n in numbers[1:]:
        show_ratio(f"throughput, {n} workers over one", times["1"], times[str(n)])


if __name__ == "__main__":
    main()
