"""The device that torch computes on, its threads and its random state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from imbench.errors import EnvironmentFault

__all__ = ["choose_device", "fixed_threads", "own_torch_rng"]


def choose_device(name: str) -> torch.device:
    """Return the device of a name; ``auto`` is CUDA if available.

    Raises
    ------
    EnvironmentFault
        If the device does not exist.
    RuntimeError
        If its memory is taken.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(1, device=torch.device(name)).device  # ``cuda`` becomes ``cuda:0``
    except (RuntimeError, AssertionError) as error:
        if "out of memory" in str(error):
            raise
        reason = str(error).splitlines()[0]
        raise EnvironmentFault(f"device {name!r} cannot be used: {reason}") from error


@contextmanager
def fixed_threads(threads: int) -> Iterator[None]:
    """Set torch's number of threads inside the block: float sums depend on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def own_torch_rng(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block, then restore the caller's random state.

    Only that of the CPU and of one device: reading the state of a card takes half a GB of it.
    """
    cards = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cards):
        torch.default_generator.manual_seed(seed)
        for card in cards:
            with torch.cuda.device(card):
                torch.cuda.manual_seed(seed)
        yield
