"""Cells on a CUDA card: a step eager, in bfloat16, as a CUDA graph; a grid by 1 to 4 workers.

Untried: no card was at hand when it was written. First a step of ResNet-20 at 32 px, batch 64, on a
batch that lies on the card: as a textbook script has it, by the harness, in bfloat16, and replayed
as one CUDA graph, which spares the launch of each kernel. Then a training with its input: the
script with ImageFolder and a DataLoader of two workers against the harness. Last `bench run` of the
cheap methods on horse2zebra, or on drawn animals, with one, two and four cells at a time on the
card. It stops taking up new parts after eight minutes. Without a card only --tiny runs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from _images import decode, picture_folder
from _measure import arguments, clock, interleave, show_machine, show_ratio, show_times, told
from _script import folder_of
from torch import Tensor, nn
from torch.utils.data import DataLoader

from imbench.training.budget import Budget
from imbench.training.building import build_network
from imbench.training.loop import new_optimiser
from imbench.training.method import Method

SIZE, BATCH = 32, 64
LIMIT = 480
"""Seconds after which no part is begun."""


def waited(device: str, work: Callable[[], object]) -> float:
    """Return the wall time of a call, the card's work included."""

    def whole() -> None:
        work()
        if device == "cuda":
            torch.cuda.synchronize()

    return clock(whole)


def step_of(network: str, device: str, *, ours: bool, half: bool = False) -> Callable[[], None]:
    """Return a training step on a batch that lies on the device."""
    layout = torch.channels_last if ours else torch.contiguous_format
    net = build_network(network, (3, SIZE, SIZE), 2).to(device).to(memory_format=layout)
    optimiser = (
        new_optimiser(net, Budget())
        if ours
        else torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-4)
    )
    x = torch.randn(BATCH, 3, SIZE, SIZE, device=device).contiguous(memory_format=layout)
    y = torch.arange(BATCH, device=device) % 2

    def step() -> None:
        with torch.autocast(device, torch.bfloat16, enabled=half, cache_enabled=False):
            logits: Tensor = net(x)
        loss = nn.functional.cross_entropy(logits.float(), y)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()

    net.train()
    return step


def captured(step: Callable[[], None]) -> Callable[[], None]:
    """Return a step that replays the kernels of another; its learning rate stays what it was."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def steps(network: str, device: str, count: int, repeats: int) -> None:
    """Time the forms of a step."""
    made = {
        "textbook": step_of(network, device, ours=False),
        "harness": step_of(network, device, ours=True),
        "harness, bfloat16": step_of(network, device, ours=True, half=True),
    }
    if device == "cuda":
        made["harness, CUDA graph"] = captured(step_of(network, device, ours=True))
        made["harness, CUDA graph, bfloat16"] = captured(
            step_of(network, device, ours=True, half=True)
        )

    def several(step: Callable[[], None]) -> float:
        return waited(device, lambda: [step() for _ in range(count)]) / count

    for step in made.values():
        several(step)
    times = interleave({name: partial(several, step) for name, step in made.items()}, repeats)
    show_times(times, "ms")
    for name in list(times)[1:]:
        show_ratio(f"card {network} step, textbook over {name}", times["textbook"], times[name])


def by_script(where: Path, network: str, device: str, count: int) -> None:
    """Train on the card as the tutorials do."""
    data = folder_of(where, SIZE)
    loader = DataLoader(
        data, BATCH, shuffle=True, num_workers=2, pin_memory=device == "cuda", drop_last=False
    )
    net = build_network(network, (3, SIZE, SIZE), 2).to(device)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9, weight_decay=2e-4)
    endless = (batch for _ in range(count) for batch in loader)
    for x, y in islice(endless, count):
        loss = nn.functional.cross_entropy(net(x.to(device)), y.to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def trainings(network: str, device: str, count: int, repeats: int, tiny: bool) -> None:
    """Time a training with its input."""
    with TemporaryDirectory() as folder:
        where = Path(folder)
        print(picture_folder(where, per_class=8 if tiny else 1000))
        train = decode(where, SIZE)[0].train
        method = Method(network=network, steps=count, batch_size=BATCH, device=device)
        sides = {
            "script": lambda: waited(device, lambda: by_script(where, network, device, count)),
            "harness": lambda: waited(device, lambda: method.fit(train.pixels, train.labels)),
        }
        times = interleave(sides, repeats)
    show_times(times)
    show_ratio(f"card {network} training, script over harness", *times.values())


def grid(device: str, tiny: bool, begun: float) -> None:
    """Time a grid with several cells at a time on the card."""
    real = (Path(os.environ.get("IMBENCH_DATA", "/nowhere")) / "horse2zebra").is_dir()
    data, methods = ("digits", "us") if tiny else ("horse2zebra" if real else "savanna", "")
    network, count = ("linear", 1) if tiny else ("resnet20", 1000)
    words = ["run", "--datasets", data, "--minority", "50", "--network", network]
    words += ["--methods", methods or "paper-cheap", "--seeds", "0", "--steps", str(count)]
    words += ["--device", device, "--floor", "none", "--quiet"]
    taken: dict[int, float] = {}
    for workers in (1,) if tiny else (1, 2, 4):
        if time.monotonic() - begun > LIMIT:
            print(f"  eight minutes are over: {workers} cells at a time are left out")
            break
        with TemporaryDirectory() as folder:
            often = ["--jobs", str(workers), "--per-device", str(workers), "--out", "results"]
            taken[workers] = told([*words, *often], Path(folder)).seconds
        print(f"  {workers} cells at a time: {taken[workers]:.0f} s")
    for workers, seconds in list(taken.items())[1:]:
        show_ratio(f"card grid, one cell at a time over {workers}", [taken[1]], [seconds])


def main() -> None:
    """Time steps, trainings and a grid."""
    parser = arguments(__doc__, repeats=5)
    args = parser.parse_args()
    device, begun = "cuda" if torch.cuda.is_available() else "cpu", time.monotonic()
    if device == "cpu" and not args.tiny:
        raise SystemExit("no CUDA card here; --tiny shows that the script runs")
    show_machine()
    network, repeats = ("cnn:width=2", 1) if args.tiny else ("resnet20", args.repeats)
    steps(network, device, 1 if args.tiny else 100, repeats)
    trainings(network, device, 2 if args.tiny else 300, min(2, repeats), args.tiny)
    grid(device, args.tiny, begun)


if __name__ == "__main__":
    main()
