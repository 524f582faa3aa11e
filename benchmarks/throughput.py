"""Training throughput, end to end: the harness against the straightforward script, 32 px.

Both have the same cores and two torch threads: the script in one process (its two loader workers
come on top, as anybody would run it), the harness once as one training of two threads, and once
as it runs a grid, two trainings of one thread side by side, in processes with its own malloc
settings. Decoding once is not in the ratio; its time is printed. The compute share says how far a
faster input alone could have gone.

A machine that does other things meanwhile slows two threads that wait for each other most. So both
are measured with one thread too, in processor seconds, loader workers included: what the ratio
would be if the script used both cores without a pause, which it does not.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
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

BATCH, SIZE = 64, 32
NETWORKS = {"resnet20": 1, "cnn": 3}
"""Epochs of one run: the cheaper network gets more, so that a run is seconds."""
TARGETS = {"resnet20": (2.6, 2.4, 2.0), "cnn": (2.0, 2.0, 5.0)}
"""Of two trainings side by side, of one with two threads, and of one thread in processor time."""


def train_ours(entry: Path, network: str, steps: int, threads: int) -> int:
    """Train with the harness, as a worker does: open the memory map, fit."""
    from imbench.images.cache_reader import open_decoded
    from imbench.training.method import Method

    train = open_decoded(entry).train
    method = Method(network=network, steps=steps, batch_size=BATCH, threads=threads, device="cpu")
    method.fit(train.pixels, train.labels)
    return steps * BATCH


def train_theirs(where: Path, network: str, steps: int, threads: int) -> int:
    """Train with the straightforward script."""
    from _script import folder_of, train_script

    data = folder_of(where, SIZE)
    return train_script(data, network, size=SIZE, batch_size=BATCH, steps=steps, threads=threads)[1]


def processor_seconds(train: Callable[..., int], *given: object) -> float:
    """Train in this process, and return the processor seconds of an image."""
    images: list[int] = []
    seconds = processor_clock(lambda: images.append(train(*given)))
    return seconds / images[0]


def train_from_memory(network: str, steps: int) -> int:
    """Train the script's network on one batch that is there already: compute without input."""
    import torch
    from torch import nn

    from imbench.training.building import build_network

    torch.set_num_threads(2)
    net = build_network(network, (3, SIZE, SIZE), 2)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-4)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(BATCH, 3, SIZE, SIZE))).float()
    y = torch.zeros(BATCH, dtype=torch.long)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return steps * BATCH


def measure(
    network: str,
    pools: Mapping[str, ProcessPoolExecutor],
    where: Path,
    entry: Path,
    steps: int,
    repeats: int,
) -> None:
    """Print images a second and the ratios."""
    plain, one, two = pools["plain"], pools["one"], pools["two"]

    def each(*jobs: tuple[object, ...]) -> float:
        start = time.perf_counter()
        waiting = [pool.submit(*job) for pool, *job in jobs]  # type: ignore[attr-defined]
        images = sum(future.result() for future in waiting)
        return (time.perf_counter() - start) / images

    sides = {
        "script": lambda: each((plain, train_theirs, where, network, steps, 2)),
        "harness, one training of two threads": lambda: each(
            (one, train_ours, entry, network, steps, 2)
        ),
        "harness, two trainings of one thread": lambda: each(
            (one, train_ours, entry, network, steps, 1), (two, train_ours, entry, network, steps, 1)
        ),
        "script without its input": lambda: each((plain, train_from_memory, network, steps)),
    }
    times = interleave(sides, repeats)
    show_times({f"{network}: {name}, an image": values for name, values in times.items()}, "ms")
    script, single, pair, compute = times.values()
    rates = ", ".join(f"{1 / median(values):.0f}" for values in times.values())
    print(f"  {network}: images a second, in that order: {rates}")
    beside, one, _ = TARGETS[network]
    show_ratio(f"throughput {network}, two trainings side by side", script, pair, at_least=beside)
    show_ratio(f"throughput {network}, one training", script, single, at_least=one)
    show_ratio(f"compute share of the script {network}", compute, script)


def measure_alone(
    network: str,
    pools: Mapping[str, ProcessPoolExecutor],
    where: Path,
    entry: Path,
    steps: int,
    repeats: int,
) -> None:
    """Print processor seconds of one thread and their ratio."""
    plain, one = pools["plain"], pools["one"]
    alone = {
        "script": lambda: plain.submit(
            processor_seconds, train_theirs, where, network, steps, 1
        ).result(),
        "harness": lambda: one.submit(
            processor_seconds, train_ours, entry, network, steps, 1
        ).result(),
    }
    spent = interleave(alone, repeats)
    show_times(
        {f"{network}: {name}, one thread, processor time": them for name, them in spent.items()},
        "ms",
    )
    show_ratio(
        f"throughput {network}, one thread, processor time",
        *spent.values(),
        at_least=TARGETS[network][2],
    )


def main() -> None:
    """Measure with ResNet-20 and with the small CNN."""
    parser = arguments(__doc__, repeats=3)
    parser.add_argument("--one-thread", action="store_true", help="processor time alone")
    args = parser.parse_args()
    show_machine()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        where = Path(folder)
        print(picture_folder(where, per_class=40 if args.tiny else 1000))
        print(f"{SIZE} px, batches of {BATCH}, flip and crop")
        decoded, seconds = decode(where, SIZE)
        n = len(decoded.train)
        environments = {"plain": {}, "one": MALLOC, "two": MALLOC}
        pools = {name: stack.enter_context(process(env)) for name, env in environments.items()}
        for pool in pools.values():  # imports and the first step of a process are not training
            pool.submit(train_ours, decoded.folder, "cnn", 2, 1).result()
            pool.submit(train_from_memory, "resnet20", 1).result()
        for network, epochs in ({"cnn": 1} if args.tiny else NETWORKS).items():
            repeats = 1 if args.tiny else args.repeats
            work = (network, pools, where, decoded.folder, max(1, epochs * n // BATCH), repeats)
            measure_alone(*work)
            if not args.one_thread:
                measure(*work)
        print(f"  decoding {n} images once: {seconds:.1f} s, not in the ratios")


if __name__ == "__main__":
    main()
