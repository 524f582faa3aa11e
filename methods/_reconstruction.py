"""How well a network gives an image back, beside what averages over blocks of pixels would."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from imbench.methods._pixels import to_signed

__all__ = ["BLOCKS", "block_average", "error", "learn_to_copy"]

BLOCKS = (8, 4, 2)
"""Sides of the blocks that errors are held against, coarse to fine."""
Pixels = NDArray[np.uint8]


def error(x: NDArray[np.generic], y: NDArray[np.generic]) -> float:
    """Return the mean absolute difference of images in 0..255, on the scale of [-1, 1]."""
    apart = np.abs(np.asarray(x, np.float64) - np.asarray(y, np.float64)).mean()
    return float(apart / 127.5)


def block_average(x: Pixels, side: int) -> NDArray[np.float64]:
    """Return images (n, height, width, channels) averaged over blocks of a side in pixels.

    A generator whose error is not below that of blocks of 4 px shows no detail that small.
    """
    out = np.array(x, np.float64)
    for top in range(0, x.shape[1], side):
        for left in range(0, x.shape[2], side):
            block = out[:, top : top + side, left : left + side]
            block[...] = block.mean(axis=(1, 2), keepdims=True)
    return out


def learn_to_copy(
    net: nn.Module,
    pixels: Pixels,
    *,
    lr: float,
    steps: int = 400,
    batch: int = 8,
) -> None:
    """Train a generator to give images back, by Adam as in `CycleGAN`, without discriminators.

    Parameters
    ----------
    net : Module
        The generator.
    pixels : uint8 array (n, height, width, channels)
        Images, of which `batch` are drawn for each step.
    lr, steps, batch
        Constant rate, steps and images a step.
    """
    rng = np.random.default_rng(0)
    optimiser = torch.optim.Adam(net.parameters(), lr, betas=(0.5, 0.999), fused=True)
    for _ in range(steps):
        x = to_signed(pixels[rng.integers(0, len(pixels), batch)], torch.device("cpu"))
        loss: Tensor = (net(x) - x).abs().mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
