"""Share of the machine's convolution ceiling that training reaches: ResNet-20, 32 px.

The ceiling is the rate of one 3x3 convolution of 256 channels, measured in the same interleaved
run. A training step counts the floating-point operations of its convolutions alone, forward and
backward: 2 x kernel height x kernel width x input channels x output channels x output height x
output width an image going forward, the same again for the gradient of the weights, and once more
for that of the input, which the first layer does not need. Batch norm, ReLU, additions, loss and
optimiser are time without operations. Convolutions alone, in the shapes and number of the
network's, show what of the rest is lost between them. torch.compile and bfloat16 are tried beside:
what they would gain.

First wall time with two threads. A core that another process holds stops both, so on a busy
machine that share comes out too low; then one thread in processor time, which is moved less.
Everything runs in a process with the malloc settings that workers have.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import torch
from _measure import (
    arguments,
    clock,
    interleave,
    process,
    processor_clock,
    show_machine,
    show_ratio,
    show_times,
)
from torch import Tensor, nn

from imbench.runs.pool import MALLOC
from imbench.training.building import build_network
from imbench.training.networks import Normalise

Step = Callable[[], object]
SIZE, CHANNELS = 32, 256
EAGER, BF16 = "eager, channels_last", "eager, channels_last, bfloat16"


def convolutions(network: str) -> list[tuple[nn.Conv2d, tuple[int, ...], tuple[int, ...]]]:
    """Return the convolutions of a network with the shapes that go in and come out, an image."""
    found = []

    def seen(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found.append((module, tuple(inputs[0].shape[1:]), tuple(output.shape[1:])))

    net = build_network(network, (3, SIZE, SIZE), 2)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(seen)
    net.eval()
    net(torch.zeros(1, 3, SIZE, SIZE))
    return found  # type: ignore[return-value]


def operations(network: str) -> int:
    """Return the floating-point operations of the convolutions, an image of a training step."""
    total = 0
    for place, (layer, _, (channels, height, width)) in enumerate(convolutions(network)):
        forward = 2 * layer.weight[0].numel() * channels * height * width
        total += forward * (2 if place == 0 else 3)
    return total


def ceiling_step(batch: int) -> tuple[Step, float]:
    """Return a convolution of 256 channels and its operations."""
    layer = nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
    layer = layer.to(memory_format=torch.channels_last)
    x = torch.randn(batch, CHANNELS, SIZE, SIZE).contiguous(memory_format=torch.channels_last)

    def step() -> None:
        with torch.no_grad():
            layer(x)

    return step, 2 * layer.weight.numel() * batch * SIZE * SIZE


def alone_step(network: str, batch: int) -> Step:
    """Return the network's convolutions, each forward and backward on an input of its own."""
    pairs = []
    for place, (layer, shape, out) in enumerate(convolutions(network)):
        last = torch.channels_last
        x = torch.randn(batch, *shape).contiguous(memory_format=last).requires_grad_(place > 0)
        gradient = torch.randn(batch, *out).contiguous(memory_format=last)
        pairs.append((layer.to(memory_format=last), x, gradient))

    def step() -> None:
        for layer, x, gradient in pairs:
            wanted = [layer.weight, x] if x.requires_grad else [layer.weight]
            torch.autograd.grad(layer(x), wanted, gradient)

    return step


def training_step(
    network: str, batch: int, *, last: bool = True, compiled: bool = False, half: bool = False
) -> Step:
    """Return a training step as the harness does it, on one batch that is there already.

    With `half` its convolutions take bfloat16, which the harness does not do.
    """
    layout = torch.channels_last if last else torch.contiguous_format
    torch.manual_seed(0)
    net = nn.Sequential(
        Normalise(torch.zeros(3), torch.ones(3)), build_network(network, (3, SIZE, SIZE), 2)
    ).to(memory_format=layout)
    optimiser = torch.optim.SGD(
        net.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-4, fused=True
    )
    x = torch.randn(batch, 3, SIZE, SIZE).contiguous(memory_format=layout)
    y = torch.arange(batch) % 2
    net.train()
    run: Callable[[Tensor], Tensor] = torch.compile(net) if compiled else net

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            logits = run(x)
        loss = nn.functional.cross_entropy(logits.float(), y, reduction="none").mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    return step


def compiler() -> str:
    """Return the C++ compiler that torch.compile would use; empty if there is none."""
    return next(filter(None, map(shutil.which, (os.environ.get("CXX", "g++"), "clang++"))), "")


def measure(network: str, batch: int, threads: int, repeats: int, compiled: bool) -> None:
    """Time every side in turn and print the shares of the ceiling."""
    torch.set_num_threads(threads)
    by = clock if threads > 1 else processor_clock
    convolution, ceiling_operations = ceiling_step(max(1, batch // 8))
    work: dict[str, tuple[Step, float]] = {
        f"convolution of {CHANNELS} channels": (convolution, ceiling_operations)
    }
    steps = {
        "its convolutions alone": alone_step(network, batch),
        "eager, default format": training_step(network, batch, last=False),
        EAGER: training_step(network, batch),
        BF16: training_step(network, batch, half=True),
    }
    if compiled:
        steps["compiled, channels_last"] = training_step(network, batch, compiled=True)
    work |= {name: (step, operations(network) * batch) for name, step in steps.items()}
    for name, (step, _) in work.items():
        cold = clock(step)
        if name.startswith("compiled"):
            print(f"  compiling took {cold:.0f} s, or what its cache left of it")
        step()
    times = interleave(
        {name: (lambda step=step: by(step)) for name, (step, _) in work.items()}, repeats
    )
    report(network, threads, times, {name: count for name, (_, count) in work.items()}, batch)


def report(
    network: str,
    threads: int,
    times: Mapping[str, Sequence[float]],
    counts: Mapping[str, float],
    batch: int,
) -> None:
    """Print rates and ratios."""
    said = "two threads" if threads == 2 else "one thread, processor time"
    show_times({f"{network}, {said}: {name}": values for name, values in times.items()}, "ms")
    for name, values in times.items():
        rate = counts[name] / median(values) / 1e9
        images = "" if name.startswith("conv") else f", {batch / median(values):.0f} images/s"
        print(f"  {name}: {rate:.0f} GFLOP/s{images}")
    (top, *rest) = times
    # Seconds an operation: their ratio is that of the rates, the other way round.
    each = {name: [one / counts[name] for one in values] for name, values in times.items()}
    for name in rest:
        if name != BF16:  # the ceiling is that of float32
            target = 0.8 if name == EAGER and threads == 1 else None
            show_ratio(f"ceiling share, {said}, {name}", each[top], each[name], at_least=target)
    for name in rest[2:]:
        if name != EAGER:
            show_ratio(f"speed, {said}, {name}, over {EAGER}", times[EAGER], times[name])


def both(network: str, batch: int, repeats: int, compiled: bool) -> None:
    """Measure with two threads, then with one."""
    for threads in (2, 1):
        measure(network, batch, threads, repeats, compiled)
    sys.stdout.flush()


def main() -> None:
    """Measure ResNet-20; with `--tiny` the small CNN, not compiled."""
    parser = arguments(__doc__, repeats=15)
    parser.add_argument("--batch", type=int, default=128, help="images a step")
    args = parser.parse_args()
    network = "cnn" if args.tiny else "resnet20"
    batch, repeats = (8, 1) if args.tiny else (args.batch, args.repeats)
    show_machine()
    found = compiler()
    if args.tiny:
        print("torch.compile is left out: it compiles for a minute")
    elif not found:
        print("torch.compile is left out: there is no C++ compiler (g++, clang++, or CXX)")
    each = operations(network) / 1e6
    print(
        f"{network}, {SIZE} px, batches of {batch}: {each:.1f} million operations an image and step"
    )
    sys.stdout.flush()
    with process(MALLOC) as pool:
        pool.submit(both, network, batch, repeats, bool(found) and not args.tiny).result()


if __name__ == "__main__":
    main()
