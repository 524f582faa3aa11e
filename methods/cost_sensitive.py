"""Cost-sensitive learning (CS): Elkan 2001; the weights n / (K n_c) are King and Zeng's 2001."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.methods._weights import normalise
from imbench.training.part import Part

__all__ = ["CostSensitive"]


class CostSensitive(Part):
    """Weigh each class by its inverse count.

    Parameters
    ----------
    norm : {'mean1', 'sum_C'}
        Mean weight 1 over the examples, or weights that add up to the number of classes.
    counts : {'sampled', 'original'}
        Counts after resampling, so that beside US or OS only the residual imbalance is weighted;
        or those of the training set as it came, which beside full resampling corrects twice.
    ratio : float, optional
        Cost of an error on the rarest class over one on the most frequent, instead of their
        count ratio; classes in between are weighted along the same power of their counts.
    """

    title: ClassVar[str] = "CS"

    def __init__(
        self, norm: str = "mean1", counts: str = "sampled", ratio: float | None = None
    ) -> None:
        self.norm = norm
        self.counts = counts
        self.ratio = ratio

    def class_weights(
        self, counts: NDArray[np.float64], original: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return weights (K,), largest for the rarest class."""
        if self.counts not in ("sampled", "original"):
            raise UsageError(f"cs:counts={self.counts!r}; write sampled or original")
        basis = counts if self.counts == "sampled" else original
        raw = 1 / basis
        if self.ratio is not None:
            if self.ratio <= 0:
                raise UsageError(f"cs:ratio={self.ratio!r}; a cost ratio is above 0")
            spread = np.log(basis.max() / basis.min())
            if spread == 0:
                raise UsageError("cs:ratio needs classes of different size")
            raw = raw ** (np.log(self.ratio) / spread)
        return normalise(raw, counts, self.norm)
