"""One number a replicate, and how sure its mean is: over replicates, and over test images too."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from imbench.stats.intervals import UNBOUNDED, Ends, Interval, mean_interval
from imbench.stats.paired import MARGIN, sign_flip

__all__ = ["Effect"]


@dataclass(frozen=True)
class Effect:
    """A difference of scores, or another sum of them, in each replicate.

    Attributes
    ----------
    values : dict
        Seed to number.
    bounds : (float, float)
        The least and the largest number there can be; the t interval is cut there.
    ends, inner : (float, float) or None
        The 95 % and the 90 % interval of the mean by the bootstrap over replicates and test
        images; None with fewer than six replicates or for the reason in `no_bootstrap`.
    images : int
        Test images that were resampled.
    no_bootstrap : str
        Why there is none, where replicates would be enough.
    """

    values: Mapping[int, float]
    bounds: Ends = UNBOUNDED
    ends: Ends | None = None
    inner: Ends | None = None
    images: int = 0
    no_bootstrap: str = ""

    def __neg__(self) -> Effect:
        """Return the effect the other way around, without resampling anew."""

        def turned(ends: Ends) -> Ends:
            return -ends[1], -ends[0]

        return replace(
            self,
            values={seed: -value for seed, value in self.values.items()},
            bounds=turned(self.bounds),
            ends=self.ends and turned(self.ends),
            inner=self.inner and turned(self.inner),
        )

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
        return mean_interval(list(self.values.values()), level, self.bounds)

    @cached_property
    def hull(self) -> Ends:
        """Return what both 95 % intervals lie within; the bounds with fewer than two replicates."""
        return self._hull(0.95, self.ends)

    def within(self, margin: float = MARGIN) -> bool:
        """Whether both 90 % intervals lie within +-margin."""
        low, high = self._hull(0.9, self.inner)
        return bool(self.values) and -margin < low and high < margin

    def beyond(self, margin: float = MARGIN) -> bool:
        """Whether both 95 % intervals lie outside +-margin, on one side of it."""
        low, high = self.hull
        return low > margin or high < -margin

    def _hull(self, level: float, resampled: Ends | None) -> Ends:
        t = self.interval(level).ends if self.values else None
        if t is None:
            return self.bounds
        low, high = t if resampled is None else resampled
        return min(low, t[0]), max(high, t[1])
