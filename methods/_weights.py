"""Normalisations of class weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import choice

__all__ = ["NORM", "normalise"]

NORM = choice("mean1", "sum_C")


def normalise(
    raw: NDArray[np.float64], counts: NDArray[np.float64], norm: str
) -> NDArray[np.float64]:
    """Scale class weights (K,) so that methods that use them can be compared.

    ``mean1`` makes the mean weight of the training examples 1, which keeps the effective step of
    SGD; ``sum_C`` makes the weights add up to K, as Cui et al. 2019 do, which at counts
    (10000, 50) leaves a step 50 times smaller than an unweighted loss.

    Examples
    --------
    >>> counts = np.array([90.0, 10.0])
    >>> normalise(1 / counts, counts, "mean1"), normalise(1 / counts, counts, "sum_C")
    (array([0.55555556, 5.        ]), array([0.2, 1.8]))
    """
    if norm == "mean1":
        return np.asarray(raw * counts.sum() / (counts * raw).sum())
    return np.asarray(raw * len(raw) / raw.sum())
