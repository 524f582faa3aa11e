"""Random undersampling (US): Buda et al. 2018, arXiv 1710.05381, section 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.methods._rho import settle_rho, target_counts
from imbench.training.examples import Examples
from imbench.training.part import Part

__all__ = ["Undersampling"]


class Undersampling(Part):
    """Keep a random part of every class that is larger than the rarest.

    Parameters
    ----------
    rho : float, optional
        How far to go, in [0, 1]: the ratio IR of a class to the rarest becomes IR**(1 - rho).
        Left out it is 1, or 0.5 beside a part that weighs classes: after full balancing its
        weights would all be 1.
    """

    title: ClassVar[str] = "US"

    def __init__(self, rho: float | None = None) -> None:
        self.rho = rho

    def beside(self, others: Sequence[Part]) -> Self:
        """Settle rho."""
        return type(self)(settle_rho(self.rho, others))

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return fewer examples, in their order."""
        counts = np.bincount(y)
        kept = [
            rng.permutation(np.flatnonzero(y == label))[:wanted]
            for label, wanted in enumerate(target_counts(counts, self.rho, up=False))
        ]
        rows = np.sort(np.concatenate(kept))
        return x[rows], y[rows]
