"""Random streams: one per replicate and purpose, so that methods share what they must share."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["stream", "torch_seed"]


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator of a replicate for one purpose.

    Streams of different purposes are independent: a method that draws more subsets than another
    still sees the same initial weights, batch order and augmentation.
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def torch_seed(seed: int, purpose: str) -> int:
    """Return a seed for torch's own generators, below 2**63."""
    return int(stream(seed, purpose).integers(2**63))
