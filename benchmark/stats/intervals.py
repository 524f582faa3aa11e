"""How sure a mean over seeds is: Student's interval, the paired test, Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple

__all__ = ["Interval", "holm", "mean_interval", "paired_p", "t_quantile"]


class Interval(NamedTuple):
    """A mean and the half-width of its interval; no half-width with fewer than two scores."""

    mean: float
    half: float | None
    n: int


def mean_interval(scores: Sequence[float], level: float = 0.95) -> Interval:
    """Return the mean of `scores` with the half-width of its t interval."""
    n = len(scores)
    if n == 0:
        raise ValueError("no scores, so no mean")
    mean = math.fsum(scores) / n
    if n == 1:
        return Interval(mean, None, 1)
    return Interval(mean, t_quantile(n - 1, level) * _deviation(scores, mean) / math.sqrt(n), n)


def paired_p(first: Sequence[float], second: Sequence[float]) -> float:
    """Return the two-sided p value of the paired t test; both of equal length, at least two.

    1.0 where every difference is 0; 0.0 where all are equal and not 0.
    """
    differences = [a - b for a, b in zip(first, second, strict=True)]
    n = len(differences)
    if n < 2:
        raise ValueError("a paired test needs two pairs or more")
    mean = math.fsum(differences) / n
    spread = _deviation(differences, mean)
    if spread == 0:
        return 1.0 if mean == 0 else 0.0
    from scipy.special import stdtr  # 0.1 s; scipy.stats would take 0.7 s

    return float(2 * stdtr(n - 1, -abs(mean) / (spread / math.sqrt(n))))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return Holm's adjusted p values, in the order given."""
    count = len(p_values)
    order = sorted(range(count), key=p_values.__getitem__)
    adjusted = [0.0] * count
    largest = 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def _deviation(values: Sequence[float], mean: float) -> float:
    if all(a == b for a, b in pairwise(values)):
        return 0.0  # exactly, though their mean may be rounded
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


@cache
def t_quantile(degrees: int, level: float) -> float:
    """Return what Student's t of `degrees` stays within, on either side, with chance `level`."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))
