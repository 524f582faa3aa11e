"""Which values of images of more than 8 bits become black and white: one range for a data set.

It is found in the training images alone, so that no test image has an effect on what is learned;
values of others beyond it are cut off, as those of images to come would be.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError

__all__ = ["AUTO", "FULL", "LEVELS", "ValueRange", "parse_range", "range_used"]

AUTO = "auto"
LEVELS = 1 << 16
"""Values that 16 bits can have."""
SPREAD = 64
"""Of 256 grey levels the fewest that the values between the percentiles should spread over."""
PERCENTILES = (0.001, 0.999)
_NUMBER = r"-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})-({_NUMBER})", re.IGNORECASE)


@dataclass(frozen=True)
class ValueRange:
    """The values that become 0 and 255.

    >>> print(ValueRange(0, 4095), ValueRange(-0.5, 1))
    0-4095 -0.5-1
    """

    low: float
    high: float
    measured: bool = field(default=False, compare=False)
    """Whether it is what values of 16 bits use: of values without a range it says nothing."""

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends, as floating-point numbers: pixels may be unsigned."""
        return float(self.low), float(self.high)

    def __str__(self) -> str:
        return "-".join(repr(int(end) if end.is_integer() else end) for end in self.ends)


FULL = ValueRange(0, LEVELS - 1)


def parse_range(text: str, owner: str) -> ValueRange | None:
    """Read ``LOW-HIGH``; None for ``auto``.

    Raises
    ------
    UsageError
        If it is neither, or LOW is not below HIGH.
    """
    if text == AUTO:
        return None
    match = _RANGE.fullmatch(text)
    if match is None:
        raise UsageError(f"{owner}: range={text} is neither auto nor LOW-HIGH, such as 0-4095")
    low, high = float(match[1]), float(match[2])
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UsageError(f"{owner}: range={text}: the first number has to be the lower one")
    return ValueRange(low, high)


def range_used(counts: NDArray[np.int64]) -> ValueRange:
    """Return the range that 16-bit images use, from how often each value occurs, shape (65536,).

    It is the first of these in which the values between the 0.1 and the 99.9 percentile spread
    over at least 64 of 256 grey levels, else the last: from 0 to the largest number of as many
    bits as are used (255, ..., 4095, ..., 65535); from the smallest value to the largest; between
    the two percentiles, where a few outliers would leave the rest dark.

    >>> counts = np.zeros(LEVELS, np.int64)
    >>> counts[100:4000] = 1
    >>> print(range_used(counts))
    0-4095
    """
    low, high = _ends_used(counts)
    return ValueRange(low, high, measured=True)


def _ends_used(counts: NDArray[np.int64]) -> tuple[int, int]:
    present = np.flatnonzero(counts)
    if len(present) == 0:
        return 0, LEVELS - 1
    smallest, largest = int(present[0]), int(present[-1])
    bits = 0, (1 << max(8, largest.bit_length())) - 1
    share = np.cumsum(counts) / counts.sum()
    inner = [int(np.searchsorted(share, percentile)) for percentile in PERCENTILES]
    if inner[0] == inner[1]:  # all but one colour
        return bits
    spread = (inner[1] - inner[0]) * 255
    for low, high in (bits, (smallest, largest)):
        if spread >= SPREAD * (high - low):
            return low, high
    return inner[0], inner[1]
