"""Augment batches: the same random flips and crops for every method."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.spec import shown

__all__ = ["STEPS", "augment", "parse_augment"]

STEPS = ("flip", "crop")


def parse_augment(text: str) -> tuple[str, ...]:
    """Parse ``flip+crop``, ``flip``, ``crop`` or ``none`` into its steps."""
    steps = () if text in ("", "none") else tuple(text.split("+"))
    if not set(steps) <= set(STEPS) or len(set(steps)) < len(steps):
        raise UsageError(f"augment={shown(text)!r}; write flip, crop, flip+crop or none")
    return steps


def augment(x: NDArray[Any], steps: tuple[str, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Flip each image with probability 1/2; pad it by 1/8 of its side and crop at random.

    The random numbers depend on the batch size alone, so they are the same for every method.

    Parameters
    ----------
    x : array (m, height, width, channels)
        uint8 or float; not changed.
    steps : tuple of str
        From `parse_augment`.
    rng : Generator
        The augmentation stream.

    Returns
    -------
    array (m, height, width, channels)
        Contiguous, of the same dtype.
    """
    x = _crop(x, rng) if "crop" in steps else np.array(x)
    if "flip" in steps:
        flipped = rng.random(len(x)) < 0.5
        x[flipped] = x[flipped, :, ::-1]
    return x


def _crop(x: NDArray[Any], rng: np.random.Generator) -> NDArray[Any]:
    height, width = x.shape[1:3]
    border = max(1, height // 8)
    # Reflected, not black: no test image has black edges.
    padded = np.pad(x, ((0, 0), (border, border), (border, border), (0, 0)), "reflect")
    windows = sliding_window_view(padded, (height, width), axis=(1, 2))
    down, right = rng.integers(0, 2 * border + 1, size=(2, len(x)))
    cropped = windows[np.arange(len(x)), down, right]
    return np.ascontiguousarray(cropped.transpose(0, 2, 3, 1))
