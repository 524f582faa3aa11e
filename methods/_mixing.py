"""What parts that mix images share: soft labels, and the box that CutMix and CMO paste."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor
from torch.nn import functional

from imbench.errors import UsageError

__all__ = ["box", "check_images", "soft"]


def soft(y: Tensor, classes: int, x: Tensor) -> Tensor:
    """Return labels as shares of the classes, shape (m, classes), in the type of `x`."""
    if y.ndim == 2:
        return y
    return functional.one_hot(y, classes).to(x.dtype)


def box(
    height: int, width: int, kept: float, rng: np.random.Generator
) -> tuple[slice, slice, float]:
    """Return rows and columns of a box at a random place, and the share of the image outside it.

    Its sides are sqrt(1 - kept) of the image's, cut off where it crosses the border: so more than
    `kept` may stay outside.
    """
    side = math.sqrt(1 - kept)
    spans = []
    for length in (height, width):
        half, middle = int(length * side) // 2, int(rng.integers(length))
        spans.append(slice(max(0, middle - half), min(length, middle + half)))
    rows, columns = spans
    area = (rows.stop - rows.start) * (columns.stop - columns.start)
    return rows, columns, 1 - area / (height * width)


def check_images(x: Tensor, part: str) -> None:
    """Refuse rows of features, which have no place for a box."""
    if x.ndim != 4:
        raise UsageError(f"{part} takes images, not rows of features")
