"""The format of a training's numbers: float32, or bfloat16 where the machine gains by it.

bfloat16 has the range of float32 and 8 of its 24 bits. Convolutions and matrix products take it,
and what lies between them is half as large; weights, their updates, losses and all scoring stay
float32.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from imbench.errors import ImbenchError
from imbench.files.atomic import write_atomic
from imbench.files.processor import instructions
from imbench.files.reading import SMALL, read_bytes
from imbench.images.cache import cache_folder

if TYPE_CHECKING:
    from torch import Tensor, nn

__all__ = ["has_instructions", "resolved"]

FLAGS = ("amx_bf16", "avx512_bf16", "bf16")
"""What processors call their instructions for bfloat16: Intel and AMD, and Arm."""
GAIN = 1.15
"""The least gain that is one: timings of a shared machine differ by this much."""
ROUNDS = 5


def resolved(precision: str) -> str:
    """Return ``float32`` or ``bfloat16``; ``auto`` is what is faster on this machine.

    The answer to ``auto`` is kept in the cache folder, for the same torch and processor: a second
    run asks for the cells of the first, and loads no torch to find out.
    """
    if precision != "auto":
        return precision
    kept = cache_folder() / f"precision-{_machine()}.json"
    with suppress(OSError, ValueError, AttributeError):
        if (known := json.loads(read_bytes(kept, SMALL)).get("precision")) in _FORMATS:
            return str(known)
    gain = measured_gain()
    found = "bfloat16" if gain >= GAIN else "float32"
    with suppress(OSError, ImbenchError):  # measured again next time
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(kept, json.dumps({"precision": found, "gain": round(gain, 3)}) + "\n")
    return found


_FORMATS = ("float32", "bfloat16")


def has_instructions() -> bool:
    """Whether the processor multiplies bfloat16 by itself; elsewhere it is emulated, and slow."""
    return not instructions().isdisjoint(FLAGS)


def measured_gain() -> float:
    """Return how many times as fast a small convolution is in bfloat16: .1 s on one core.

    0 where neither the processor nor a card has the instructions.
    """
    import torch

    if torch.cuda.is_available():
        fits = torch.cuda.is_bf16_supported(including_emulation=False)
        return _probe("cuda") if fits else 0.0
    return _probe("cpu") if has_instructions() else 0.0


def _probe(device: str) -> float:
    import torch
    from torch import nn

    from imbench.training.device import fixed_threads

    with fixed_threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        x = torch.randn(64, 16, 32, 32, device=device).to(memory_format=torch.channels_last)
        layers = [nn.Conv2d(16, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3)]
        net = nn.Sequential(*layers).to(device).to(memory_format=torch.channels_last)
        sides = [partial(_step, net, x, half) for half in (False, True)]
        for side in sides:
            side()
        rounds = [[_seconds(side, device) for side in sides] for _ in range(ROUNDS)]
    return median(single / half for single, half in rounds)


def _step(net: nn.Module, x: Tensor, half: bool) -> None:
    import torch

    with torch.autocast(x.device.type, torch.bfloat16, enabled=half):
        out = net(x)
    out.float().square().mean().backward()


def _seconds(work: Callable[[], None], device: str) -> float:
    """Return the time of a step: on a processor its own, which other programs move less."""
    import torch

    if device == "cpu":
        begun = time.thread_time()
        work()
        return time.thread_time() - begun
    torch.cuda.synchronize()
    begun = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - begun


def _machine() -> str:
    """Return a hash of what the answer depends on."""
    cards = sorted(path.name for path in Path("/proc/driver/nvidia/gpus").glob("*"))
    seen = [version("torch"), *sorted(instructions()), *cards]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()[:12]
