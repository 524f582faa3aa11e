"""Time and memory of `bench data verify`, `stats` and the plan of a run, on 10,000 images.

Drawn animals of 64 pixels as JPEG in class folders, one in a hundred an exact copy of another. Each
command in a fresh process, first with an empty cache, then again. Memory is linear if an image more
costs the same among many as among few.
"""

from __future__ import annotations

import os
import shutil
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
from _measure import Told, arguments, show_machine, show_ratio, told
from PIL import Image

SIDE, COPIES = 64, 100
LIMIT = 60.0
"""Seconds of `verify` on the most images."""
DATA = "folder:pictures"
COMMANDS = {
    "verify": ("data", "verify", DATA),
    "verify again": ("data", "verify", DATA),
    "stats": ("data", "stats", DATA),
    "dry run": ("run", "--datasets", DATA, "--minority", "10", "--dry-run", "--methods", "vanilla"),
}


def main() -> None:
    """Draw so many images, and time what is done with them."""
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("sizes", type=int, nargs="*", metavar="images", default=[])
    args = parser.parse_args()
    sizes = sorted(args.sizes) or ([200, 300, 400] if args.tiny else [2500, 5000, 10_000])
    show_machine()
    taken: dict[tuple[str, int], list[Told]] = {}
    for size in sizes:
        with TemporaryDirectory() as name:
            where = Path(name)
            os.environ["IMBENCH_CACHE"] = str(where / "cache")
            draw(where / "pictures", size)
            for _ in range(args.repeats):
                shutil.rmtree(where / "cache", ignore_errors=True)
                for what, words in COMMANDS.items():
                    one = told((*words, "--data", name), where, fine=(0, 1))
                    taken.setdefault((what, size), []).append(one)
    for (what, size), ones in taken.items():
        seconds, processor, memory = (median(column) for column in zip(*ones, strict=True))
        print(f"  {what} {size}: {seconds:.2f} s, processor {processor:.2f} s, {memory:.0f} MB")
    most = sizes[-1]
    ones = taken["verify", most]
    limit = [LIMIT] * len(ones)
    wall, spent = ([one[place] for one in ones] for place in (0, 1))
    show_ratio(f"verify {most} images, share of {LIMIT:g} s", wall, limit, at_most=1)
    show_ratio(f"verify {most} images, processor time, share of {LIMIT:g} s", spent, limit)
    if len(sizes) > 2:
        peaks = {size: median(one.megabytes for one in taken["verify", size]) for size in sizes}
        slopes = [(peaks[b] - peaks[a]) / (b - a) for a, b in pairwise(sizes)]
        if slopes[0] > 0:
            show_ratio("verify memory of an image, last step over first", slopes[-1:], slopes[:1])


def draw(folder: Path, size: int) -> None:
    """Write images of two classes in training and test folders, some of them twice."""
    rng = np.random.default_rng(0)
    image = Image.new("RGB", (SIDE, SIDE))
    for number in range(size):
        part = "test" if number % 5 == 0 else "train"
        place = folder / part / f"class{number % 3 % 2}"
        place.mkdir(parents=True, exist_ok=True)
        if number % COPIES:
            coarse = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
        image.save(place / f"{number}.jpg", quality=90)


if __name__ == "__main__":
    main()
