"""What US and OS share: how far they balance the classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import NONE, number
from imbench.training.part import Part

__all__ = ["Rebalancing", "target_counts"]


class Rebalancing(Part):
    """Base of US and OS."""

    constraints: ClassVar = {"rho": number(0, 1) | NONE}

    def __init__(self, rho: float | None = None) -> None:
        self.rho = rho

    def beside(self, others: Sequence[Part]) -> Self:
        """Settle rho: left out it is 1, or 0.5 beside a part that weighs classes."""
        if self.rho is not None:
            return type(self)(float(self.rho))
        return type(self)(0.5 if any(part.weighs for part in others) else 1.0)


def target_counts(counts: NDArray[np.int64], rho: float | None, *, up: bool) -> NDArray[np.int64]:
    """Return the counts (K,) at which every ratio IR has become IR**(1 - rho).

    With `up` the smaller classes grow towards the largest, else the larger shrink towards the
    smallest. No rho is 1.

    Examples
    --------
    >>> target_counts(np.array([10000, 50]), 0.5, up=False)
    array([707,  50])
    >>> target_counts(np.array([10000, 50]), 0.5, up=True)
    array([10000,   707])
    """
    n = np.asarray(counts, np.float64)
    anchor = n.max() if up else n.min()
    power = 0.0 if rho is None else 1 - rho
    return np.asarray(np.rint(anchor * (n / anchor) ** power), np.int64)
