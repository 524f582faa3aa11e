"""The same training by PyTorch Lightning and imbalanced-DL, as users write it: time, memory, lines.

Network, pictures, batch size and steps are those of the harness; a peer reads JPEG by ImageFolder
and a DataLoader with two workers, as its tutorials do, and its trainer does the rest. Each side has
a process of its own with one torch thread; start-up and import are in its peak memory, not in its
time, which is processor time with loader workers included. Lines are those that a user writes.

The peers are no dependencies: what is not installed is left out, and without any the harness is
measured beside itself. imbalanced-DL needs what `_imbalanced_dl.py` says to run without a card.
"""

from __future__ import annotations

import inspect
import resource
from contextlib import ExitStack, redirect_stdout
from functools import partial
from importlib.util import find_spec
from io import StringIO
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


def by_imbalanced_dl(where: Path, network: str, steps: int) -> None:
    """Train with the trainer of imbalanced-DL, for one of its epochs of so many steps."""
    from types import SimpleNamespace

    from _imbalanced_dl import Paired, without_a_card
    from _script import folder_of
    from torch.utils.data import Subset

    from imbench.training.building import build_network

    folder = folder_of(where, SIZE)
    rows = [row % len(folder) for row in range(steps * BATCH)]
    with TemporaryDirectory() as logs, without_a_card(), redirect_stdout(StringIO()):
        from imbalanceddl.strategy._erm import ERMTrainer

        settings = SimpleNamespace(
            dataset="cifar10",
            strategy="ERM",
            cls_num_list=[1000, 1000],
            num_classes=2,
            gpu=0,
            epochs=200,
            batch_size=BATCH,
            workers=2,
            optimizer="sgd",
            learning_rate=0.05,
            momentum=0.9,
            weight_decay=2e-4,
            print_freq=10,
            root_log=logs,
            store_name="",
            best_model=None,
        )
        trainer = ERMTrainer(
            settings,
            SimpleNamespace(train_val_sets=(Subset(folder, rows), folder)),
            model=Paired(build_network(network, (3, SIZE, SIZE), 2)),
            strategy="ERM",
        )
        trainer.epoch = 5
        trainer.adjust_learning_rate()
        trainer.get_criterion()
        trainer.train_one_epoch()
        trainer.tf_writer.close()


WAYS = {"harness": by_harness, "lightning": by_lightning, "imbalanced-DL": by_imbalanced_dl}
PACKAGES = {"lightning": "pytorch_lightning", "imbalanced-DL": "imbalanceddl"}


def measured(way: str, where: Path, network: str, steps: int) -> tuple[float, float]:
    """Return the processor seconds of a training in this process, and its peak memory in MB."""
    import logging
    import multiprocessing
    import warnings

    import torch

    torch.set_num_threads(1)
    # As in a script of a user's: this process was spawned, and its loaders would spawn theirs too.
    multiprocessing.set_start_method("fork", force=True)
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    seconds = processor_clock(partial(WAYS[way], where, network, steps))
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def lines(function: object) -> int:
    """Return how many lines of code a user writes: without blanks and texts."""
    body = inspect.getsource(function).splitlines()  # type: ignore[arg-type]
    return sum(1 for line in body if line.strip() and not line.strip().startswith('"""'))


def main() -> None:
    """Compare them on the small CNN and on ResNet-20."""
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("--networks", nargs="+", default=["cnn", "resnet20"])
    parser.add_argument("--steps", type=int, default=60)
    args = parser.parse_args()
    show_machine()
    peers = [way for way, package in PACKAGES.items() if find_spec(package) is not None]
    if not peers:
        print("no peer is installed: the harness is measured beside itself")
        peers = ["harness again"]
    ways = ["harness", *peers]
    steps = 2 if args.tiny else args.steps
    with TemporaryDirectory() as folder, ExitStack() as stack:
        where = Path(folder)
        print(picture_folder(where, per_class=70 if args.tiny else 1000))
        decoded, _ = decode(where, SIZE)
        pools = {
            way: stack.enter_context(process({} if way in PACKAGES else MALLOC)) for way in ways
        }
        peaks: dict[str, float] = {}

        def run(way: str, network: str, steps: int) -> float:
            place = where if way in PACKAGES else decoded.folder
            work = pools[way].submit(measured, way.split()[0], place, network, steps)
            seconds, peaks[way] = work.result()
            return seconds / steps

        for network in ["cnn:width=2"] if args.tiny else args.networks:
            for way in ways:
                run(way, network, 2)
            sides = {way: partial(run, way, network, steps) for way in ways}
            times = interleave(sides, 1 if args.tiny else args.repeats)
            show_times({f"{network}, {way}, a step": them for way, them in times.items()}, "ms")
            for way in peers:
                ratio = f"peers {network}, {way} over harness"
                show_ratio(f"{ratio}, processor time", times[way], times["harness"])
                show_ratio(f"{ratio}, peak memory", [peaks[way]], [peaks["harness"]])
    print("  lines of code:", ", ".join(f"{way} {lines(work)}" for way, work in WAYS.items()))


if __name__ == "__main__":
    main()
