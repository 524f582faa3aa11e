"""Exact paired tests, and what a number of pairs can show: pure functions.

The unit is the replicate: one difference of two methods for each seed. Sign-flip p values are
exact, so they have a floor that no effect, however large, can pass: 0.25 with three pairs, 0.0625
with five.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from imbench.stats.intervals import t_quantile

__all__ = [
    "ALPHA",
    "ENOUGH",
    "LEAST",
    "MARGIN",
    "pairs_for_power",
    "seeds_needed",
    "sign_flip",
    "smallest_p",
]

ALPHA = 0.05
ENOUGH = 6
"""Pairs from which on a difference can be called real: five cannot go below p = 0.0625."""
LEAST = 0.01
"""Mean difference below which no method is said to beat another, however sure the sign."""
MARGIN = 0.02
"""Differences within it count as none."""

AT_ONCE = 12
"""Pairs up to which all sums come from one matrix product: 7 us for ten, two halves take 140."""
EXACT = 40
"""Pairs up to which all 2^n sign flips are counted: two halves of 2^20 sums, 0.2 s."""


def sign_flip(differences: Sequence[float]) -> float:
    """Return the two-sided p value of the sign-flip test of a mean difference of 0.

    The share of all 2^n assignments of signs whose sum is at least as far from 0 as the one seen.
    Beyond 40 pairs the sums are taken to be normal.

    Raises
    ------
    ValueError
        If there is no pair, or a difference is not finite.
    """
    sizes = np.abs(np.asarray(differences, dtype=np.float64))
    if sizes.size == 0:
        raise ValueError("a test needs a pair or more")
    if not np.isfinite(sizes).all():
        raise ValueError("a test needs finite differences")
    seen = abs(math.fsum(differences))
    if len(sizes) > EXACT:
        spread = math.sqrt(math.fsum(sizes**2))
        return math.erfc(seen / spread / math.sqrt(2)) if spread else 1.0
    # Sums that are equal but for rounding are ties, and ties count.
    bar = seen - 1e-9 * float(sizes.sum())
    if len(sizes) <= AT_ONCE:
        signs = _signs(len(sizes))
        return float(np.count_nonzero(np.abs(signs @ sizes) >= bar)) / len(signs)
    half = len(sizes) // 2
    left, right = _signed_sums(sizes[:half]), np.sort(_signed_sums(sizes[half:]))
    above = len(right) - np.searchsorted(right, bar - left, "left")
    below = np.searchsorted(right, -bar - left, "right")
    # With a bar at 0 a sum of 0 is on both sides.
    return min(1.0, float(above.sum() + below.sum()) / 2.0 ** len(sizes))


def smallest_p(pairs: int) -> float:
    """Return the least p value that the sign-flip test can give, 2 / 2^n."""
    return min(1.0, 2.0 ** (1 - pairs))


def seeds_needed(rivals: int = 1, alpha: float = ALPHA) -> int:
    """Return the pairs from which on a difference can pass Holm's correction over `rivals` tests.

    6 for one rival, 7 for two or three, 8 for four to six, 10 for the paper's thirteen.
    """
    pairs = 1
    while rivals * smallest_p(pairs) >= alpha:
        pairs += 1
    return pairs


def pairs_for_power(effect: float, power: float = 0.8, alpha: float = ALPHA) -> int | None:
    """Return the pairs with which a two-sided t test finds an effect with chance `power`.

    `effect` is the mean difference over the standard deviation of the differences. None where more
    than 1,000 would be needed.
    """
    from scipy.special import nctdtr

    for pairs in range(2, 1001):
        bar = t_quantile(pairs - 1, 1 - alpha)
        shift = abs(effect) * math.sqrt(pairs)
        # The other tail too: it matters for small effects only.
        found = 1 - nctdtr(pairs - 1, shift, bar) + nctdtr(pairs - 1, shift, -bar)
        if found >= power:
            return pairs
    return None


@cache
def _signs(pairs: int) -> NDArray[np.float64]:
    """Return all signs of some pairs, the first being 1: opposite signs have opposite sums."""
    bits = np.arange(2 ** (pairs - 1))[:, None] >> np.arange(pairs) & 1
    return np.asarray(1 - 2 * bits[:, ::-1], dtype=np.float64)


def _signed_sums(sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate([sums + size, sums - size])
    return sums
