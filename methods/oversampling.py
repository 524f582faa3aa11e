"""Random oversampling (OS): Buda et al. 2018, arXiv 1710.05381, section 2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.methods._rho import settle_rho, target_counts
from imbench.training.examples import Examples
from imbench.training.part import Part

__all__ = ["Oversampling"]


class Oversampling(Part):
    """Repeat the images of every class that is smaller than the most frequent.

    Each image stands floor(target / n) times, and the remainder is drawn without replacement, so
    that no image is favoured by more than one copy.

    Parameters
    ----------
    rho : float, optional
        How far to go, in [0, 1]: the ratio IR of the largest class to a class becomes
        IR**(1 - rho). Left out it is 1, or 0.5 beside a part that weighs classes.
    """

    title: ClassVar[str] = "OS"

    def __init__(self, rho: float | None = None) -> None:
        self.rho = rho

    def beside(self, others: Sequence[Part]) -> Self:
        """Settle rho."""
        return type(self)(settle_rho(self.rho, others))

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return the examples followed by their copies, as row numbers."""
        counts = np.bincount(y)
        added = []
        for label, wanted in enumerate(target_counts(counts, self.rho, up=True)):
            own = np.flatnonzero(y == label)
            times, rest = divmod(int(wanted), len(own))
            added += [np.tile(own, times - 1), rng.permutation(own)[:rest]]
        rows = np.concatenate([np.arange(len(y)), *added])
        return x[rows], y[rows]
