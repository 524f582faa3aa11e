"""How many times the images a remedy is worth: where plain training's curve reaches its score.

A difference of .05 in AUROC says little to whoever has to label images. That plain training needs
twice as many for the same score says it in the unit that is paid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.stats.intervals import stretch

__all__ = ["Worth", "worth"]

Floats = NDArray[np.float64]
RESAMPLES = 2000
SEED = 20080
LEVEL = 0.95


@dataclass(frozen=True)
class Worth:
    """Times the images of the smallest count; inf beyond the largest, 0 below the smallest.

    Attributes
    ----------
    times : float
        From the means over replicates.
    low, high : float
        The 95 % interval over replicates drawn anew, the same ones for both curves.
    most : float
        The largest count over the smallest: what a curve can tell.
    """

    times: float
    low: float
    high: float
    most: float


def worth(counts: Sequence[int], plain: Floats, other: Floats) -> Worth:
    """Return how many times the images of the smallest count plain training needs.

    Parameters
    ----------
    counts : sequence of int
        Two or more, rising.
    plain : float array (counts, replicates)
        Scores of plain training, higher better.
    other : float array (replicates,)
        Scores of the remedy at the smallest count, of the same replicates.

    Raises
    ------
    ValueError
        If there are fewer than two counts, or shapes do not fit.

    Notes
    -----
    The curve of means is read over the logarithm of the count, straight between counts. Where it
    falls it is held level, so that the fewest images that reach a score are told.

    Examples
    --------
    >>> plain = np.array([[0.6, 0.6], [0.7, 0.7], [0.8, 0.8]])
    >>> worth((25, 50, 100), plain, np.array([0.7, 0.7])).times
    2.0
    """
    if len(counts) < 2 or plain.shape != (len(counts), len(other)):
        raise ValueError("a curve needs two counts, and the same replicates as the other scores")
    logs = np.log(np.asarray(counts, np.float64))
    rng = np.random.default_rng(SEED)
    scores = np.vstack([plain, other])
    means = scores.mean(axis=1)
    drawn = scores[:, rng.integers(len(other), size=(RESAMPLES, len(other)))].mean(axis=2).T
    # Few replicates vary less when drawn anew than they do: as for other intervals of them.
    wider = means + stretch(len(other), LEVEL) * (drawn - means)
    found = [_times(logs, one[:-1], float(one[-1])) for one in wider]
    # An order statistic: between a number and infinity nothing can be interpolated.
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="nearest")
    times = _times(logs, means[:-1], float(means[-1]))
    return Worth(times, float(low), float(high), counts[-1] / counts[0])


def _times(logs: Floats, curve: Floats, score: float) -> float:
    rising = np.maximum.accumulate(curve)
    if score > rising[-1]:
        return math.inf
    if score < rising[0]:
        return 0.0
    place = int(np.searchsorted(rising, score))
    if place == 0:
        return 1.0
    share = (score - rising[place - 1]) / (rising[place] - rising[place - 1])
    return float(np.exp(logs[place - 1] + share * (logs[place] - logs[place - 1]) - logs[0]))
