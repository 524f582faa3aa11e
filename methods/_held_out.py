"""Training images that a learned gamma is judged on instead of trained on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError

__all__ = ["check_enough", "hold_out"]

HELD = 0.2
"""Share of the smallest class that is held out, and as many images of every other class."""


def hold_out(
    y: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows to train on and balanced rows to judge on, at least 2 of each class.

    Raises
    ------
    UsageError
        If a class has too few images to hold any out.
    """
    counts = np.bincount(y)
    check_enough(counts)
    n = max(2, round(HELD * int(counts.min())))
    held = np.concatenate([rng.permutation(np.flatnonzero(y == c))[:n] for c in np.unique(y)])
    return np.setdiff1d(np.arange(len(y)), held), np.sort(held)


def check_enough(counts: NDArray[np.int64]) -> None:
    """Raise UsageError if a class has fewer than 4 images."""
    smallest = int(counts.min())
    if smallest < 4:
        raise UsageError(
            f"a learned gamma needs 4 images of each class, to hold out 2; one class has {smallest}"
        )
