"""The same training by PyTorch Lightning, as its users write it: time, memory, lines of code.

Network, pictures, batch size and steps are those of the harness; the peer reads JPEG by ImageFolder
and a DataLoader with two workers, as its tutorials do, and its trainer does the rest. Each side has
a process of its own with one torch thread; start-up and import are in its peak memory, not in its
time, which is processor time with loader workers included. Lines are those that a user writes.

Lightning is no dependency: without `pytorch_lightning` this says so, and measures the harness
beside itself. imbalanced-DL, whose trainer would be the nearer peer, was not to be had from PyPI.
"""

from __future__ import annotations

import inspect
import resource
from contextlib import ExitStack
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from _images import decode, picture_folder
from _measure import (
    arguments,
    interleave,
    process,
    processor_clock,
    show_machine,
    show_ratio,
    show_times,
)

from imbench.runs.pool import MALLOC

SIZE, BATCH = 32, 64


def by_harness(entry: Path, network: str, steps: int) -> None:
    """Train with the harness."""
    from imbench.images.cache_reader import open_decoded
    from imbench.training.method import Method

    train = open_decoded(entry).train
    method = Method(network=network, steps=steps, batch_size=BATCH, device="cpu")
    method.fit(train.pixels, train.labels)


def by_lightning(where: Path, network: str, steps: int) -> None:
    """Train with Lightning."""
    import pytorch_lightning as lightning
    import torch
    from _script import folder_of
    from torch import nn
    from torch.utils.data import DataLoader

    from imbench.training.building import build_network

    class Classifier(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = build_network(network, (3, SIZE, SIZE), 2)

        def training_step(self, batch: list[torch.Tensor], _index: int) -> torch.Tensor:
            x, y = batch
            return nn.functional.cross_entropy(self.net(x), y)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-4)

    loader = DataLoader(
        folder_of(where, SIZE),
        BATCH,
        shuffle=True,
        num_workers=2,
        multiprocessing_context="fork",
        persistent_workers=True,
    )
    trainer = lightning.Trainer(
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(Classifier(), loader)


def measured(way: str, where: Path, network: str, steps: int) -> tuple[float, float]:
    """Return the processor seconds of a training in this process, and its peak memory in MB."""
    import logging
    import warnings

    import torch

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    train = {"harness": by_harness, "lightning": by_lightning}[way]
    seconds = processor_clock(partial(train, where, network, steps))
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def lines(function: object) -> int:
    """Return how many lines of code a user writes: without blanks and texts."""
    body = inspect.getsource(function).splitlines()  # type: ignore[arg-type]
    return sum(1 for line in body if line.strip() and not line.strip().startswith('"""'))


def main() -> None:
    """Compare both on the small CNN and on ResNet-20."""
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("--networks", nargs="+", default=["cnn", "resnet20"])
    parser.add_argument("--steps", type=int, default=60)
    args = parser.parse_args()
    show_machine()
    there = find_spec("pytorch_lightning") is not None
    ways = ["harness", "lightning"] if there else ["harness"]
    if not there:
        print("pytorch_lightning is not installed: the harness is measured beside itself")
        ways = ["harness", "harness again"]
    steps = 2 if args.tiny else args.steps
    with TemporaryDirectory() as folder, ExitStack() as stack:
        where = Path(folder)
        print(picture_folder(where, per_class=70 if args.tiny else 1000))
        decoded, _ = decode(where, SIZE)
        pools = {
            way: stack.enter_context(process({} if way == "lightning" else MALLOC)) for way in ways
        }
        peaks: dict[str, float] = {}

        def run(way: str, network: str, steps: int) -> float:
            place = where if way == "lightning" else decoded.folder
            work = pools[way].submit(measured, way.split()[0], place, network, steps)
            seconds, peaks[way] = work.result()
            return seconds / steps

        for network in ["cnn:width=2"] if args.tiny else args.networks:
            for way in ways:
                run(way, network, 2)
            sides = {way: partial(run, way, network, steps) for way in ways}
            times = interleave(sides, 1 if args.tiny else args.repeats)
            show_times({f"{network}, {way}, a step": them for way, them in times.items()}, "ms")
            ratio = f"peers {network}, {ways[1]} over harness"
            show_ratio(f"{ratio}, processor time", times[ways[1]], times[ways[0]])
            show_ratio(f"{ratio}, peak memory", [peaks[ways[1]]], [peaks[ways[0]]])
    print(f"  lines of code: harness {lines(by_harness)}, Lightning {lines(by_lightning)}")


if __name__ == "__main__":
    main()
