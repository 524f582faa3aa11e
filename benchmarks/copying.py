"""Which generator can copy an image: each choice of a design left out, one at a time.

A generator that cannot reproduce its input cannot translate it either. Each learns to copy 8 images
a step and is scored by its mean absolute error in [-1, 1] on images that it has not seen, beside
that of averages over blocks of pixels. Cats and dogs of CIFAR-10, which no table reports, where
IMBENCH_DATA has them, else drawn animals. Processor seconds of one thread.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from _measure import arguments, show_machine, show_ratio
from numpy.typing import NDArray

from imbench.datasets.savanna import backgrounds, draw
from imbench.images.cache import prepare
from imbench.methods._gan_design import Design, design_for
from imbench.methods._gan_networks import generator_of, initialise
from imbench.methods._pixels import to_pixels, to_signed
from imbench.methods._reconstruction import BLOCKS, block_average, error, learn_to_copy
from imbench.training.device import fixed_threads

Pixels = NDArray[np.uint8]
OF_GENERATOR = ("width", "blocks", "down", "norm", "kernel", "up", "padding", "init", "lr")
TARGETS = {"small": 1.0}
BESIDE = {"init": ("he",), "blocks": (2, 4), "width": (24,), "lr": (2e-4, 5e-4, 2e-3)}
"""Further values that are put into the small design. Copying alone bears a rate of 1e-3."""


def variants(side: int) -> dict[str, Design]:
    """Return the designs, and each with one choice of the other in it."""
    small, paper = design_for("small", side), design_for("paper", side)
    small, paper = (replace(design, lr=1e-3) for design in (small, paper))
    found = {"small": small, "paper": paper}
    for lr in (2e-4, 3e-3):
        found[f"paper, lr {lr}"] = replace(paper, lr=lr)
    for name in OF_GENERATOR:
        a, b = asdict(small)[name], asdict(paper)[name]
        values = dict.fromkeys([*([b] if a != b else []), *BESIDE.get(name, ())])
        found |= {f"small, {name} {v}": replace(small, **{name: v}) for v in values if v != a}
        if a != b:
            found[f"paper, {name} {a}"] = replace(paper, **{name: a})
    return found


def images(side: int) -> tuple[Pixels, Pixels, str]:
    """Return training and test images, and what they are."""
    root = Path(os.environ.get("IMBENCH_DATA", "/nowhere"))
    if (root / "cifar10-cat-dog").is_dir():
        spec = "folder:cifar10-cat-dog,majority=cat,minority=dog"
        data = prepare(spec, root=root, size=side)
        rng = np.random.default_rng(0)
        train, test = (
            part.pixels[np.sort(rng.permutation(len(part))[:n])]
            for part, n in ((data.train, 2000), (data.test, 200))
        )
        return train, test, "cats and dogs of CIFAR-10"
    streams = [np.random.default_rng((0, i)) for i in range(400)]
    pixels, _ = draw(streams, True, backgrounds(400, 0.0, 1), side)
    return pixels[:300], pixels[300:], "drawn animals"


def copied(design: Design, train: Pixels, test: Pixels, steps: int) -> tuple[float, float]:
    """Return the error of a generator that learned to copy, and processor seconds a step."""
    net = generator_of(design, train.shape[-1])
    initialise(net, torch.Generator().manual_seed(0), design.init)
    start = time.process_time()
    learn_to_copy(net, train, lr=design.lr, steps=steps)
    took = (time.process_time() - start) / steps
    with torch.no_grad():
        out = to_pixels(net(to_signed(test, torch.device("cpu"))))
    return error(test, out), took


def main() -> None:
    """Print the errors of every design."""
    parser = arguments(__doc__, repeats=1)
    parser.add_argument("--side", type=int, default=32, help="pixels of an image")
    parser.add_argument("--only", default="", help="beginning of the names to be tried")
    args = parser.parse_args()
    side, steps = (16, 2) if args.tiny else (args.side, 400)
    show_machine()
    train, test, what = images(side)
    print(f"{what}, {side} px, {steps} steps; mean absolute error in [-1, 1] on {len(test)} images")
    blocks = error(test, block_average(test, 4))
    for block in BLOCKS:
        name = f"averages over blocks of {block} px"
        print(f"  {name:<36} {error(test, block_average(test, block)):.3f}")
    with fixed_threads(1):
        for name, design in variants(side).items():
            if name.startswith(args.only):
                found, took = copied(design, train, test, steps)
                print(f"  {name:<36} {found:.3f}  {1e3 * took:6.1f} ms a step", flush=True)
                if name in TARGETS:
                    what = f"copying {name}, {side} px, error over that of blocks of 4 px"
                    show_ratio(what, [found], [blocks], at_most=TARGETS[name])


if __name__ == "__main__":
    main()
