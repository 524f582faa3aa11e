"""The paper's own networks on a CUDA card: a pair of generators at 128 px, mixed precision.

Times steps in full and in mixed precision, then trains one pair of 100 zebras and all horses within
the minutes given and writes a picture of its translations. Without a card only --tiny runs, on the
processor and on drawn animals. IMBENCH_DATA names the folder with horse2zebra.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from _measure import arguments, interleave, show_machine, show_ratio, show_times
from numpy.typing import NDArray

from imbench.datasets.savanna import backgrounds, draw
from imbench.images.cache import prepare
from imbench.images.subsets import subset
from imbench.methods._gan_settings import GanSettings
from imbench.methods._pair import GeneratorPair
from imbench.methods._pictures import sample_grid
from imbench.training.part import Context

Pixels = NDArray[np.uint8]
PAPER = GanSettings(steps=1_000_000, batch=4, width=64, blocks=9, layers=3, patch_width=64)
SMALL = GanSettings(steps=1_000_000, batch=1, width=4, blocks=1, layers=1, patch_width=4)


def images(side: int, zebras: int) -> tuple[Pixels, Pixels]:
    """Return images of the majority and of the minority."""
    root = Path(os.environ.get("IMBENCH_DATA", "/nowhere"))
    if side >= 128:
        train = prepare("horse2zebra", root=root, size=side).train
        rows = subset(train.labels, minority=zebras, majority=None, replicate=0)
        pixels, labels = train.pixels[rows], train.labels[rows]
        return pixels[labels == 0], pixels[labels == 1]
    streams = [np.random.default_rng((0, i)) for i in range(12)]
    pixels, _ = draw(streams, True, backgrounds(12, 0.0, 1), side)
    return pixels[:8], pixels[8:]


@contextmanager
def precision(device: str, *, mixed: bool) -> Iterator[None]:
    """Compute convolutions in bfloat16, or in float32."""
    with torch.autocast(device, torch.bfloat16, enabled=mixed):
        yield


def seconds(pair: GeneratorPair, steps: int, *, mixed: bool) -> float:
    """Return the wall time of a step; a card's work is waited for."""
    start = time.perf_counter()
    with precision(pair.device.type, mixed=mixed):
        pair.run(pair.done + steps)
    if pair.device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / steps


def train(pair: GeneratorPair, minutes: float, steps: int) -> None:
    """Train in mixed precision until the time is over, and say how fast that was."""
    start, first = time.perf_counter(), pair.done
    while time.perf_counter() - start < 60 * minutes and pair.done - first < steps:
        seconds(pair, min(20, steps), mixed=True)
    took = time.perf_counter() - start
    done = pair.done - first
    rate = 2 * pair.settings.batch * done / took
    print(f"  {done} steps in {took:.0f} s: {rate:.1f} images a second, both classes together")
    if pair.device.type == "cuda":
        print(f"  peak memory of the card {torch.cuda.max_memory_allocated() / 1e9:.1f} GB")


def main() -> None:
    """Time both precisions, train, and draw."""
    parser = arguments(__doc__, repeats=5)
    parser.add_argument("--minutes", type=float, default=4.0, help="time to train")
    parser.add_argument("--zebras", type=int, default=100, help="training images of the minority")
    parser.add_argument("--out", type=Path, default=Path("card.png"), help="picture to write")
    args = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu" and not args.tiny:
        raise SystemExit("no CUDA card here; --tiny shows that the script runs")
    show_machine()
    a, b = images(16 if args.tiny else 128, args.zebras)
    settings = SMALL if args.tiny else PAPER
    pair = GeneratorPair(a, b, settings, Context(device=device, augment="flip+crop"))
    steps = 1 if args.tiny else 10
    for mixed in (False, True):
        seconds(pair, steps, mixed=mixed)
    sides = {
        name: lambda mixed=mixed: seconds(pair, steps, mixed=mixed)
        for name, mixed in (("full precision", False), ("mixed precision", True))
    }
    times = interleave(sides, args.repeats)
    show_times(times, "ms")
    show_ratio("card step, full over mixed precision", *times.values())
    train(pair, args.minutes, 2 if args.tiny else settings.steps)
    if not args.tiny:
        args.out.write_bytes(sample_grid(pair, side=128))
        print(f"  {args.out}: images, translations and back")


if __name__ == "__main__":
    main()
