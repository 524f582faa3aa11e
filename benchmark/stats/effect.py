"""One number a replicate, and how sure its mean is: over replicates, and over test images too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from imbench.stats.intervals import Interval, mean_interval
from imbench.stats.paired import MARGIN, sign_flip

__all__ = ["Effect"]


@dataclass(frozen=True)
class Effect:
    """A difference of scores, or another sum of them, in each replicate.

    Attributes
    ----------
    values : dict
        Seed to number.
    ends, inner : tuple of float, or None
        The 95 % and the 90 % interval of the mean by the bootstrap over replicates and test
        images; None where outputs were not kept or replicates are fewer than six.
    images : int
        Test images that were resampled.
    """

    values: Mapping[int, float]
    ends: tuple[float, float] | None = None
    inner: tuple[float, float] | None = None
    images: int = 0

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def mean(self) -> float:
        """Return the mean over replicates; 0 if there is none."""
        return math.fsum(self.values.values()) / len(self.values) if self.values else 0.0

    @property
    def span(self) -> tuple[float, float]:
        """Return the smallest and the largest number."""
        return min(self.values.values()), max(self.values.values())

    @property
    def spread(self) -> float:
        """Return the standard deviation between replicates; 0 with fewer than two."""
        squares = math.fsum((value - self.mean) ** 2 for value in self.values.values())
        return math.sqrt(squares / max(len(self) - 1, 1))

    @property
    def above(self) -> int:
        """Return in how many replicates the number is above 0."""
        return sum(value > 0 for value in self.values.values())

    @property
    def ties(self) -> int:
        """Return in how many replicates the number is exactly 0."""
        return sum(value == 0 for value in self.values.values())

    @cached_property
    def p(self) -> float:
        """Return the p value of the sign-flip test; 1 without a replicate."""
        return sign_flip(list(self.values.values())) if self.values else 1.0

    def interval(self, level: float = 0.95) -> Interval:
        """Return the t interval of the mean."""
        return mean_interval(list(self.values.values()), level)

    @property
    def bounds(self) -> tuple[float, float]:
        """Return what both 95 % intervals lie within; infinite with fewer than two replicates."""
        return _widest(self.interval(), self.ends) if self.values else (-math.inf, math.inf)

    def within(self, margin: float = MARGIN) -> bool:
        """Whether both 90 % intervals lie within +-margin."""
        if not self.values:
            return False
        low, high = _widest(self.interval(0.9), self.inner)
        return -margin < low and high < margin

    def beyond(self, margin: float = MARGIN) -> bool:
        """Whether both 95 % intervals lie outside +-margin, on one side of it."""
        low, high = self.bounds
        return low > margin or high < -margin


def _widest(t: Interval, ends: tuple[float, float] | None) -> tuple[float, float]:
    if t.half is None:
        return -math.inf, math.inf
    low, high = t.mean - t.half, t.mean + t.half
    return (low, high) if ends is None else (min(low, ends[0]), max(high, ends[1]))
