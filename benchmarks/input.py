"""Input alone: memory map, augmentation and tensor against ImageFolder without workers, 32 px.

One thread on both sides, in processor seconds, and batches of 64, collated by torch's own function.
Like for like: once with flips only, once with padded crops too.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from _images import decode, picture_folder
from _measure import (
    arguments,
    interleave,
    processor_clock,
    show_machine,
    show_ratio,
    show_times,
)
from _script import folder_of
from torch import Tensor
from torch.utils.data import DataLoader

from imbench.images.dataset import Images
from imbench.training.augment import augment
from imbench.training.device import fixed_threads
from imbench.training.examples import Examples
from imbench.training.forward import to_tensor

BATCH, SIZE = 64, 32


def ours(train: Images, steps: tuple[str, ...]) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the batches of one shuffled pass as the training loop makes them."""
    rng = np.random.default_rng(0)
    examples, order = Examples(train.pixels), rng.permutation(len(train))
    for start in range(0, len(order), BATCH):
        rows = order[start : start + BATCH]
        x = to_tensor(augment(examples.take(rows), steps, rng), torch.device("cpu"))
        yield x, torch.from_numpy(train.labels[rows])


def one_pass(batches: Iterator[tuple[Tensor, Tensor]] | DataLoader[object], n: int) -> None:
    """Take every batch, and check that all images came."""
    came = sum(len(y) for _, y in batches)  # type: ignore[misc, has-type, arg-type]
    if came != n:
        raise SystemExit(f"{came} images came instead of {n}")


def measure(where: Path, train: Images, steps: tuple[str, ...], repeats: int) -> None:
    """Time a pass of both sides and print the ratio."""
    crop = "crop" in steps
    theirs = DataLoader(
        folder_of(where, SIZE, crop=crop, normalise=False), batch_size=BATCH, shuffle=True
    )
    name, n = "+".join(steps), len(train)

    def several() -> float:  # one pass is milliseconds
        return processor_clock(lambda: [one_pass(ours(train, steps), n) for _ in range(10)]) / 10

    sides = {
        f"{name}: ImageFolder, DataLoader without workers": lambda: processor_clock(
            lambda: one_pass(theirs, n)
        ),
        f"{name}: decoded once, memory-mapped": several,
    }
    times = interleave(sides, repeats)
    show_times(times, "ms")
    slow, fast = times.values()
    show_ratio(f"input {name}", slow, fast, at_least=40)


def main() -> None:
    """Measure with flips, and with flips and crops."""
    args = arguments(__doc__, repeats=7).parse_args()
    show_machine()
    with TemporaryDirectory() as folder, fixed_threads(1):
        where = Path(folder)
        print(picture_folder(where, per_class=40 if args.tiny else 1000))
        train = decode(where, SIZE)[0].train
        print(f"one pass of {len(train)} images, {SIZE} px, batches of {BATCH}, one thread")
        for steps in (("flip",), ("flip", "crop")):
            measure(where, train, steps, 1 if args.tiny else args.repeats)


if __name__ == "__main__":
    main()
