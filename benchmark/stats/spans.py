"""How far the best and the worst of several methods are truly apart, whichever they are.

Methods that are all alike differ in their means by chance, and the best of many from the worst by
most. Tukey's studentised range says by how much at most, for all pairs of methods at once, hence
also for the pair that is picked by the same scores. Methods share replicates, so differences
between replicates are taken out first, as in a design of blocks.

References
----------
Tukey 1953, "The problem of multiple comparisons"; Hsu 1996, "Multiple comparisons", chapter 5.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["span_of"]

DRAWS = 100_000
SEED = 19530
"""Of the draws, so that the same scores give the same span."""


def span_of(scores: NDArray[np.float64], level: float = 0.95) -> tuple[float, float]:
    """Return best - worst of the means, and how far that of the true means may be from it.

    Parameters
    ----------
    scores : float array (methods, replicates)
        At least two of each, without holes.
    level : float
        How often the true span is to lie within that distance.
    """
    methods, replicates = scores.shape
    if methods < 2 or replicates < 2:
        raise ValueError("a span needs two methods and two replicates")
    means = scores.mean(axis=1)
    left = scores - means[:, None] - scores.mean(axis=0) + scores.mean()
    degrees = (methods - 1) * (replicates - 1)
    error = math.sqrt(float((left**2).sum()) / degrees / replicates)
    return float(means.max() - means.min()), _quantile(level, methods, degrees) * error


@cache
def _quantile(level: float, methods: int, degrees: int) -> float:
    """Return a quantile of the studentised range, from draws: within 1 % of scipy's.

    `scipy.stats.studentized_range` integrates for 3 s where draws take 20 ms.
    """
    rng = np.random.default_rng(SEED)
    drawn = rng.normal(size=(DRAWS, methods))
    spread = np.sqrt(rng.chisquare(degrees, DRAWS) / degrees)
    return float(np.quantile((drawn.max(axis=1) - drawn.min(axis=1)) / spread, level))
