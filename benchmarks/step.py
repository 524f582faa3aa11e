"""Where a step of training goes: convolutions, norms, activations, pooling, input, Python.

The small CNN and ResNet-20 are trained by the harness at 32 px, batch 64, and torch's profiler adds
up what its operators take, forward and backward; `input` is drawing and augmenting a batch, and
`Python` what is left of a step: the loop, autograd, dispatch. A profiler makes short operators
longer, so the shares of a small network are too low for its convolutions.

The ratio is that of processor time of a step to the same with torch's layers in the order of their
description and torch's own optimiser: what the harness gains by passes that change no bit. A second
one is that of the outputs on as many images as a test set has, 256 at a time, to those of as many
at a time as the harness takes, in a process with the memory settings of a user's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import numpy as np
import torch
from _measure import (
    arguments,
    interleave,
    process,
    processor_clock,
    show_machine,
    show_ratio,
    show_times,
)
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.profiler import ProfilerActivity, profile, record_function

from imbench.runs.pool import MALLOC
from imbench.training import loop, networks
from imbench.training.forward import forward_all
from imbench.training.method import Method

SIZE, BATCH = 32, 64
INPUT, STEP = "imbench input", "imbench step"
KINDS = {
    "convolution": ("conv",),
    "norm": ("batch_norm",),
    "activation": ("relu", "threshold", "clamp_min"),
    "pooling": ("max_pool", "aten::mean"),
    "addition": ("aten::add", "aten::add_"),
    "optimiser": ("sgd",),
}
"""Kind to pieces of the names of its operators."""


def data(images: int) -> tuple[Any, Any]:
    """Return noise of two brightnesses and its labels."""
    rng = np.random.default_rng(0)
    labels = np.arange(images) % 2
    pixels = rng.integers(0, 128, (images, SIZE, SIZE, 3), dtype=np.uint8)
    return pixels + (labels * 100).astype(np.uint8)[:, None, None, None], labels


def train(network: str, steps: int, threads: int) -> None:
    """Train some steps with the harness."""
    method = Method(network=network, steps=steps, batch_size=BATCH, threads=threads, device="cpu")
    method.fit(*data(4 * BATCH))


@contextmanager
def marked() -> Iterator[None]:
    """Name the steps of the loop, and the input of each, for the profiler."""

    def named(name: str, function: Any) -> Any:
        def call(*given: Any) -> Any:
            with record_function(name):
                return function(*given)

        return call

    with (
        mock.patch.object(loop._Loop, "step", named(STEP, loop._Loop.step)),
        mock.patch.object(loop._Loop, "batch", named(INPUT, loop._Loop.batch)),
    ):
        yield


def shares(network: str, steps: int, threads: int) -> None:
    """Print what a step's time is made of."""
    train(network, 3, threads)
    with marked(), profile(activities=[ProfilerActivity.CPU]) as seen:
        train(network, steps, threads)
    spent: dict[str, float] = defaultdict(float)
    for event in seen.key_averages():
        if event.key in (INPUT, STEP):
            spent[event.key] = event.cpu_time_total
            continue
        names = (kind for kind, pieces in KINDS.items() if any(p in event.key for p in pieces))
        kind = next(names, "")
        if kind and "evaluate_function" not in event.key:
            spent[kind] += event.self_cpu_time_total
    whole, drawn = spent.pop(STEP), spent.pop(INPUT)
    parts = {**{kind: spent[kind] for kind in KINDS}, "input": drawn}
    parts["Python and the rest"] = max(0.0, whole - sum(parts.values()))
    said = ", ".join(f"{kind} {part / whole:.2f}" for kind, part in parts.items())
    print(f"  {network}, {threads} thread{'s' * (threads > 1)}: {said}")


def plain_cnn(net: Any, x: Tensor) -> Tensor:
    """Compute the small CNN layer by layer."""
    logits: Tensor = net.head(net.body(x).mean(dim=(2, 3)))
    return logits


def plain_shortcut(x: Tensor, stride: int, extra: int) -> Tensor:
    """Subsample and pad with torch's own gradients."""
    low = extra // 2
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, low, extra - low))


@contextmanager
def plain() -> Iterator[None]:
    """Train with torch's own passes and optimiser."""
    with (
        mock.patch.object(networks.SmallCNN, "forward", plain_cnn),
        mock.patch.object(networks, "thinned", plain_shortcut),
        mock.patch.object(networks, "mean_over_places", lambda x: x.mean(dim=(2, 3))),
        mock.patch.object(loop, "Descent", torch.optim.SGD),
    ):
        yield


def timed(network: str, steps: int, *, by_torch: bool) -> float:
    """Return the processor seconds of a step with one thread."""
    if not by_torch:
        return processor_clock(partial(train, network, steps, 1)) / steps
    with plain():
        return processor_clock(partial(train, network, steps, 1)) / steps


def outputs(network: str, images: int, repeats: int) -> None:
    """Print how much faster images pass in batches of the harness's size than in ones of 256."""
    x, y = data(images)
    method = Method(network=network, steps=1, batch_size=BATCH, threads=1, device="cpu").fit(x, y)
    device = next(method.network_.parameters()).device
    passes = {
        f"outputs {network}, {name}": partial(
            processor_clock, partial(forward_all, method.network_, x, device, size)
        )
        for name, size in (("256 at a time", 256), ("ours", None))
    }
    times = interleave(passes, repeats)
    show_ratio(f"outputs {network}, 256 at a time over ours, processor time", *times.values())


def measure(steps: dict[str, int], repeats: int) -> None:
    """Print shares and ratios of every network."""
    for network, count in steps.items():
        for threads in (1, 2):
            shares(network, count, threads)
        for by_torch in (True, False):
            timed(network, 2, by_torch=by_torch)
        times = interleave(
            {
                f"{network}, {name}": partial(timed, network, count, by_torch=by_torch)
                for name, by_torch in (("torch's passes", True), ("ours", False))
            },
            repeats,
        )
        show_times(times, "ms")
        show_ratio(f"step {network}, torch's passes over ours, processor time", *times.values())


def main() -> None:
    """Measure steps in a process with the memory settings of a worker, outputs in a plain one."""
    parser = arguments(__doc__, repeats=5)
    args = parser.parse_args()
    show_machine()
    repeats = 1 if args.tiny else args.repeats
    steps = {"cnn:width=2": 2} if args.tiny else {"cnn": 60, "resnet20": 12}
    with process(MALLOC) as pool:
        pool.submit(measure, steps, repeats).result()
    with process({}) as pool:
        for network, count in steps.items():
            pool.submit(outputs, network, 20 * count, repeats).result()


if __name__ == "__main__":
    main()
