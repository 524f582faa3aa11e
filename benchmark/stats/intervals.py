"""How sure a mean over seeds is: Student's interval and paired test, Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

__all__ = [
    "UNBOUNDED",
    "Ends",
    "Interval",
    "bonferroni",
    "cut",
    "holm",
    "mean_interval",
    "paired_p",
    "stretch",
    "sum_bounds",
    "t_quantile",
]


Ends = tuple[float, float]
"""The lower and the upper end of an interval."""
UNBOUNDED: Ends = (-math.inf, math.inf)


class Interval(NamedTuple):
    """A mean and the ends of its interval; no ends with fewer than two scores."""

    mean: float
    ends: Ends | None
    n: int


def mean_interval(
    scores: Sequence[float], level: float = 0.95, bounds: Ends = UNBOUNDED
) -> Interval:
    """Return the mean of `scores` with Student's t interval, cut at the `bounds` of a score.

    The cut takes away only values that no mean can have, so the interval holds the true mean
    exactly as often as t's does. Transforms and bootstraps stay within bounds too, but in 4,000
    samples of each distribution of ``benchmarks/coverage.py`` they held the mean less often: with
    three scores near .5 (standard deviation .05) 96 % for t, 73 % for the percentile and 72 % for
    the BCa bootstrap; with ten near .05, 91 % for t and 87 % for t on the arcsine of the square
    root; t on a shrunken logit, 0 % near .95. A Beta distribution with the same mean and error
    does as well as t, but may miss the mean of its own scores; Gaffke's interval, which holds for
    any scores, has a median width of .65 or more with three scores, however close they are.

    Parameters
    ----------
    scores : sequence of float
        One a replicate; with one alone there is no interval.
    level : float
        How often the interval is to hold the true mean.
    bounds : (float, float)
        The least and the largest score there can be: see
        `imbench.stats.about_metrics.score_range`, and `sum_bounds` for differences.

    Raises
    ------
    ValueError
        If there is no score.

    Examples
    --------
    >>> mean, ends, n = mean_interval([0.9, 0.98], bounds=(0.0, 1.0))
    >>> [round(end, 3) for end in ends]
    [0.432, 1.0]
    """
    n = len(scores)
    if n == 0:
        raise ValueError("no scores, so no mean")
    mean = math.fsum(scores) / n
    if n == 1:
        return Interval(mean, None, 1)
    half = t_quantile(n - 1, level) * _deviation(scores, mean) / math.sqrt(n)
    low, high = cut((mean - half, mean + half), bounds)
    # A damaged record may hold a score beyond the bounds: its mean stays within the interval.
    return Interval(mean, (min(low, mean), max(high, mean)), n)


def cut(ends: Ends, bounds: Ends) -> Ends:
    """Return the part of an interval that lies within the bounds."""
    low, high = bounds
    return min(max(ends[0], low), high), max(min(ends[1], high), low)


def sum_bounds(factors: Iterable[float], bounds: Ends, constant: float = 0.0) -> Ends:
    """Return the least and the largest constant + sum of factor * score.

    For scores within 0 and 1 a difference (factors 1 and -1) lies within -1 and 1.
    """
    spans = [sorted((factor * bounds[0], factor * bounds[1])) for factor in factors if factor]
    return (
        math.fsum([constant, *(low for low, _ in spans)]),
        math.fsum([constant, *(high for _, high in spans)]),
    )


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


def bonferroni(p_values: Sequence[float]) -> list[float]:
    """Return p values multiplied by their number, at most 1.

    Examples
    --------
    >>> bonferroni([0.01, 0.4, 0.02])
    [0.03, 1.0, 0.06]
    """
    return [min(1.0, len(p_values) * p) for p in p_values]


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


def stretch(units: int, level: float = 0.95) -> float:
    """Return by how much resampled deviations of a mean are too small for so few units.

    The spread of a resample is too small by the root of (n - 1) / n, and its shape is the normal
    one in place of Student's. Infinite for one unit.

    >>> round(stretch(6), 2)
    1.44
    """
    if units < 2:
        return math.inf
    from scipy.special import ndtri

    normal = float(ndtri((1 + level) / 2))
    return math.sqrt(units / (units - 1)) * t_quantile(units - 1, level) / normal


def _deviation(values: Sequence[float], mean: float) -> float:
    if min(values) == max(values):
        return 0.0  # exactly, though their mean may be rounded
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


@cache
def t_quantile(degrees: int, level: float) -> float:
    """Return what Student's t of `degrees` stays within, on either side, with chance `level`."""
    from scipy.special import stdtrit

    return float(stdtrit(degrees, (1 + level) / 2))
