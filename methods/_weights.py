"""Normalisations of class weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError

__all__ = ["normalise"]


def normalise(
    raw: NDArray[np.float64], counts: NDArray[np.float64], norm: str
) -> NDArray[np.float64]:
    """Scale class weights (K,) so that methods that use them can be compared.

    ``mean1`` makes the mean weight of the training examples 1, which keeps the effective step of
    SGD; ``sum_C`` makes the weights add up to K, as Cui et al. 2019 do, which at counts
    (10000, 50) leaves a step 50 times smaller than an unweighted loss.
    """
    if norm == "mean1":
        return np.asarray(raw * counts.sum() / (counts * raw).sum())
    if norm == "sum_C":
        return np.asarray(raw * len(raw) / raw.sum())
    raise UsageError(f"norm={norm!r}; write mean1 or sum_C")
