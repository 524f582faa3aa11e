"""How far US and OS balance the classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.training.part import Part

__all__ = ["settle_rho", "target_counts"]


def settle_rho(rho: float | None, others: Sequence[Part]) -> float:
    """Return rho, or where it is left out 1, or 0.5 beside a part that weighs classes."""
    if rho is None:
        return 0.5 if any(part.weighs for part in others) else 1.0
    if not 0 <= rho <= 1:
        raise UsageError(f"rho={rho!r}; rho lies in [0, 1]")
    return float(rho)


def target_counts(counts: NDArray[np.int64], rho: float | None, *, up: bool) -> NDArray[np.int64]:
    """Return the counts (K,) at which every ratio IR has become IR**(1 - rho).

    With `up` the smaller classes grow towards the largest, else the larger shrink towards the
    smallest. (10000, 50) at rho 0.5 gives (707, 50) downwards and (10000, 707) upwards.
    """
    if rho is None:
        rho = 1.0
    n = np.asarray(counts, np.float64)
    anchor = n.max() if up else n.min()
    return np.asarray(np.rint(anchor * (n / anchor) ** (1 - rho)), np.int64)
