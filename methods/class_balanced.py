"""Class-balanced loss (CBL): Cui et al. 2019, arXiv 1901.05555, equations 2 and 6."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.methods._weights import normalise
from imbench.training.part import Part

__all__ = ["ClassBalancedLoss", "effective_number"]


class ClassBalancedLoss(Part):
    """Weigh each class by the inverse of its effective number of images.

    Parameters
    ----------
    beta : float
        In [0, 1]: 0 weighs nothing, 1 is the inverse count (CS). Every beta is a method of its
        own, so there is no default.
    norm : {'mean1', 'sum_C'}
        Mean weight 1 over the examples, or weights that add up to the number of classes, as the
        authors' code does.
    """

    title: ClassVar[str] = "CBL"

    def __init__(self, beta: float, norm: str = "mean1") -> None:
        self.beta = beta
        self.norm = norm

    def class_weights(
        self, counts: NDArray[np.float64], original: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return weights (K,), largest for the rarest class."""
        return normalise(1 / effective_number(counts, self.beta), counts, self.norm)


def effective_number(counts: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    """Return (1 - beta**n) / (1 - beta) for each count n; n itself at beta = 1."""
    if not 0 <= beta <= 1:
        raise UsageError(f"cbl:beta={beta!r}; beta lies in [0, 1]")
    counts = np.asarray(counts, np.float64)
    if beta == 1:
        return counts
    return np.asarray((1 - beta**counts) / (1 - beta))
