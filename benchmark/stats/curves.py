"""Curves of one classifier's outputs: ROC, precision against recall, reliability.

They rest on the same counts as the scores in `metrics`, one minority class against the
rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.stats.metrics import BINS, binned, counts_at_thresholds

__all__ = ["precision_recall", "reliability", "roc", "thinned"]

Points = NDArray[np.float64]


def roc(positive: NDArray[np.bool_], score: NDArray[Any]) -> Points:
    """Return false and true positive rates from (0, 0) to (1, 1), shape (points, 2).

    Raises
    ------
    ValueError
        If every image is of one kind.
    """
    tp, fp = _counts(positive, score)
    points = np.stack([fp / fp[-1], tp / tp[-1]], axis=1)
    return np.concatenate([[[0.0, 0.0]], points])


def precision_recall(positive: NDArray[np.bool_], score: NDArray[Any]) -> Points:
    """Return recall and precision at each threshold, the highest first, shape (points, 2).

    The steps between them are those of average precision: from one recall to the next at the
    precision of the latter.

    Raises
    ------
    ValueError
        If every image is of one kind.
    """
    tp, fp = _counts(positive, score)
    return np.stack([tp / tp[-1], tp / (tp + fp)], axis=1)


def reliability(positive: NDArray[np.bool_], score: NDArray[Any], bins: int = BINS) -> Points:
    """Return mean probability, share of positives and images of each bin that has any, (m, 3)."""
    images, total, hits = binned(np.asarray(score, dtype=np.float64), positive, bins)
    some = images > 0
    total, hits, size = total[some], hits[some], images[some].astype(np.float64)
    return np.stack([total / size, hits / size, size], axis=1)


def thinned(points: Points, most: int) -> Points:
    """Return at most `most` of the points (n, 2), evenly along the path, both ends included."""
    if len(points) <= most:
        return points
    path = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(points, axis=0)).sum(axis=1))])
    wanted = np.linspace(0, path[-1], most)
    return points[np.unique(np.clip(np.searchsorted(path, wanted), 0, len(points) - 1))]


def _counts(
    positive: NDArray[np.bool_], score: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if positive.all() or not positive.any():
        raise ValueError("a curve needs test images inside and outside the class")
    return counts_at_thresholds(positive, np.asarray(score, dtype=np.float64))
