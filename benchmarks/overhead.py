"""Harness overhead: `Method.fit` against a bare loop over the same network, batches, optimiser.

Both augment with the same function, so what is measured is validation, normalisation, recipe,
hooks, schedule and the check for a loss that is not finite. A third side gets its batches
augmented in advance: what input costs. The bare loop must end with the weights of `Method.fit`,
bit for bit, or the comparison is refused. Times are processor seconds of one thread.
"""

from __future__ import annotations

from collections.abc import Iterable
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
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.seeds import stream, torch_seed
from imbench.training.augment import augment
from imbench.training.budget import Budget
from imbench.training.building import build_network
from imbench.training.device import fixed_threads
from imbench.training.forward import to_tensor
from imbench.training.loop import learning_rate
from imbench.training.method import Method

BATCH = 64
CPU = torch.device("cpu")


def batch_rows(n: int, steps: int) -> list[NDArray[np.int64]]:
    """Return the rows of each batch as the harness walks them: shuffled passes end to end."""
    rng = stream(0, "batch order")
    passes = [rng.permutation(n) for _ in range(-(-steps * BATCH // n))]
    return [*np.concatenate(passes)[: steps * BATCH].reshape(steps, BATCH)]


def batches(
    pixels: NDArray[np.uint8], labels: NDArray[np.int64], steps: int
) -> Iterable[tuple[Tensor, Tensor]]:
    """Yield augmented batches."""
    rng = stream(0, "augmentation")
    for rows in batch_rows(len(labels), steps):
        x = to_tensor(augment(pixels[rows], ("flip", "crop"), rng), CPU)
        yield x, torch.from_numpy(labels[rows])


def bare_loop(
    network: str, normalise: nn.Module, feed: Iterable[tuple[Tensor, Tensor]], budget: Budget
) -> nn.Module:
    """Train without the harness."""
    torch.manual_seed(torch_seed(0, "initial weights"))
    net = nn.Sequential(normalise, build_network(network, (3, 32, 32), 2))
    net = net.to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(
        net.parameters(), lr=0.1, momentum=0.9, weight_decay=2e-4, fused=True
    )
    net.train()
    for step, (x, y) in enumerate(feed):
        optimiser.param_groups[0]["lr"] = learning_rate(step, budget)
        # As the harness sums it, else the last bits differ.
        loss = nn.functional.cross_entropy(net(x), y, reduction="none").mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return net


def measure(network: str, steps: int, repeats: int, where: Path) -> None:
    """Time the three sides and print their ratios."""
    train = decode(where, 32)[0].train
    pixels, labels = np.array(train.pixels), np.array(train.labels)
    budget = Budget(steps, BATCH)
    method = Method(network=network, steps=steps, batch_size=BATCH, threads=1, device="cpu")
    short = Method(network=network, steps=2, batch_size=BATCH, threads=1, device="cpu")
    normalise = short.fit(pixels, labels).network_[0]
    kept = list(batches(pixels, labels, steps))
    nets: list[nn.Module] = []

    def bare() -> None:
        nets[:] = [bare_loop(network, normalise, batches(pixels, labels, steps), budget)]

    with fixed_threads(1):
        times = interleave(
            {
                f"{network}: Method.fit": lambda: processor_clock(
                    lambda: method.fit(pixels, labels)
                ),
                f"{network}: bare loop, same augmentation": lambda: processor_clock(bare),
                f"{network}: bare loop, batches made in advance": lambda: processor_clock(
                    lambda: bare_loop(network, normalise, kept, budget)
                ),
            },
            repeats,
        )
    if not same_weights(method.network_, nets[0]):
        raise SystemExit("the bare loop ended with other weights: not the same work")
    show_times(times)
    ours, bare_times, free = times.values()
    show_ratio(f"overhead {network}", ours, bare_times, at_most=1.03)
    show_ratio(f"input share {network}", bare_times, free)


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    """Whether two networks are equal bit for bit."""
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return all(torch.equal(left, right) for left, right in pairs)


def main() -> None:
    """Measure with ResNet-20, then with a network so cheap that the harness would show."""
    args = arguments(__doc__, repeats=5).parse_args()
    show_machine()
    with TemporaryDirectory() as folder:
        where = Path(folder)
        print(picture_folder(where, per_class=40 if args.tiny else 500))
        print(f"32 px, batches of {BATCH}, one thread, flip and crop")
        if args.tiny:
            measure("cnn", 3, 1, where)
        else:
            measure("resnet20", 20, args.repeats, where)
            measure("cnn", 100, args.repeats, where)


if __name__ == "__main__":
    main()
