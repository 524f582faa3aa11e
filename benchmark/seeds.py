"""Random streams: one per replicate and purpose, so that methods share what they must share."""

from __future__ import annotations

import zlib

import numpy as np

__all__ = ["stream", "torch_seed"]


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the generator of a replicate for one purpose.

    Streams of different purposes are independent: a method that draws more subsets than another
    still sees the same initial weights, batch order and augmentation.

    Parameters
    ----------
    seed : int
        The replicate's seed.
    purpose : str
        Any words; the same give the same stream.

    Examples
    --------
    >>> first, again = (stream(3, "noise").integers(100, size=4) for _ in range(2))
    >>> (first == again).all(), (first == stream(3, "order").integers(100, size=4)).all()
    (np.True_, np.False_)
    """
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def torch_seed(seed: int, purpose: str) -> int:
    """Return a seed for torch's own generators, below 2**63: the first number of a `stream`.

    Parameters
    ----------
    seed : int
        The replicate's seed.
    purpose : str
        Any words; the same give the same seed.
    """
    return int(stream(seed, purpose).integers(2**63))
