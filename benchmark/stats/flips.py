"""A sign-flip test of many methods at once, which replicates share: the max-T procedure.

If nothing changed, the old and the new run of a replicate could swap their names, for all methods
at the same time: two runs of a replicate share the subset, and methods of one run share its initial
weights and batch order. So the signs of all differences of a replicate are flipped together, and a
difference counts as real only where it is larger than the largest of all methods in nearly all
flips. The chance that any is called real while none is stays below alpha, however many there are,
however they depend on each other, and whatever their distributions. With n replicates the least
p value is 1 / 2^n for all methods together, where Holm's correction would multiply it by their
number. (P. H. Westfall, S. S. Young, Resampling-Based Multiple Testing, 1993.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["fewest", "max_t"]

EXACT = 13
"""Replicates up to which all flips are counted: 8,192 of them."""
DRAWN = 9_999
SEED = 19930
"""Of the flips that are drawn beyond that, so that the same scores give the same p."""

Floats = NDArray[np.float64]


def max_t(differences: Floats, scales: Sequence[float]) -> tuple[Floats, Floats]:
    """Return one-sided p values of a mean above 0, and of one below 0, each of shape (cases,).

    Adjusted for all cases: p <= alpha in any of them has a chance of at most alpha if nothing
    changed.

    Parameters
    ----------
    differences : array of shape (cases, replicates)
        0 where a case lacks a replicate.
    scales : sequence of (cases,) numbers
        Sizes below which differences do not matter: keeps a case whose few differences happen to
        be tiny and alike from being the largest of all.
    """
    cases, replicates = differences.shape
    if cases == 0:
        return np.ones(0), np.ones(0)
    squares = (differences**2).sum(1) + replicates * np.square(np.asarray(scales, np.float64))
    # The sum over its root mean square: t without its ties at infinity, and in the same order.
    unit = differences / np.sqrt(np.where(squares > 0, squares, 1.0))[:, None]
    largest = np.sort((_flips(replicates) @ unit.T).max(1))
    seen = unit.sum(1)
    # What was seen is one of all flips; beside flips that are drawn it counts as one more.
    more = 0 if replicates <= EXACT else 1
    return _share(largest, seen, more), _share(largest, -seen, more)


def fewest(alpha: float) -> int:
    """Return the replicates from which on any difference can be real: 1 / 2^n <= alpha."""
    return max(1, math.ceil(-math.log2(alpha) - 1e-12))


def _flips(replicates: int) -> Floats:
    if replicates <= EXACT:
        bits = np.arange(2**replicates)[:, None] >> np.arange(replicates) & 1
    else:
        bits = np.random.default_rng(SEED).integers(2, size=(DRAWN, replicates))
    return np.asarray(1 - 2 * bits, dtype=np.float64)


def _share(largest: Floats, seen: Floats, more: int) -> Floats:
    # Sums that are equal but for rounding are ties, and ties count.
    below = np.searchsorted(largest, seen - 1e-9, "left")
    return np.asarray((more + len(largest) - below) / (more + len(largest)), dtype=np.float64)
