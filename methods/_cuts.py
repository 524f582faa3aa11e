"""The best threshold between the majority and the likeliest minority of given outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.stats import confusions

__all__ = ["best_cut"]

TINY = 1e-300
"""Smallest probability that is told from 0."""


def best_cut(
    labels: NDArray[np.int64],
    proba: NDArray[Any],
    goal: str,
    *,
    ratio: float | None = None,
    share: float | None = None,
) -> float:
    """Return the log-odds above which an image is best called its likeliest minority.

    Parameters
    ----------
    labels, proba : array
        True classes (n,) and probabilities (n, K).
    goal : {'f1', 'acsa', 'cost'}
        What is best.
    ratio : float, optional
        Of costs, for the goal ``cost``.
    share : float, optional
        Share of minority images to reckon with; that of `labels` if not given.

    Returns
    -------
    float
        Midway between two neighbouring images; of equally good ones the highest. Beyond all images
        it lies 1 from the outermost.

    Examples
    --------
    >>> proba = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.7, 0.3]])
    >>> threshold = best_cut(np.array([0, 0, 1, 1]), proba, "f1")
    >>> bool(np.log(0.2 / 0.8) < threshold < np.log(0.3 / 0.7))
    True
    """
    logs = np.log(np.maximum(np.asarray(proba, np.float64), TINY))
    odds, likeliest = logs[:, 1:].max(axis=1) - logs[:, 0], logs[:, 1:].argmax(axis=1) + 1
    order = np.argsort(-odds, kind="stable")
    odds, labels, likeliest = odds[order], labels[order], likeliest[order]
    cuts = np.append(0, np.flatnonzero(np.append(np.diff(odds) != 0, True)) + 1)
    counts = _counts(labels, likeliest, proba.shape[1], share)
    at = confusions.Counts(*(each[cuts] for each in counts))
    place = int(np.argmax(_value(at, goal, ratio)))
    levels = odds[cuts[1:] - 1]
    above = levels[place - 1] if place else levels[0] + 2
    below = levels[place] if place < len(levels) else levels[-1] - 2
    return float(below + (above - below) / 2)


def _counts(
    labels: NDArray[np.int64], likeliest: NDArray[np.int64], classes: int, share: float | None
) -> confusions.Counts:
    """Return counts (n + 1, K) where the first 0, 1, ..., n images are called minority."""
    one = np.eye(classes)
    weights = _weights(labels, share)[:, None]
    true = one[labels] * weights
    called = np.zeros((len(labels) + 1, classes))
    called[1:] = np.cumsum((one[likeliest] - one[0]) * weights, axis=0)
    called[:, 0] += weights.sum()
    hit = np.zeros_like(called)
    hit[1:] = np.cumsum(true * (likeliest == labels)[:, None] - true * one[0], axis=0)
    hit[:, 0] += true[:, 0].sum()
    return confusions.Counts(hit, called, np.broadcast_to(true.sum(axis=0), hit.shape))


def _weights(labels: NDArray[np.int64], share: float | None) -> NDArray[np.float64]:
    """Return what each image counts, so that minority images make up the share; at least 1 each."""
    minority = labels > 0
    if share is None:
        return np.ones(len(labels))
    weights = np.where(minority, share / minority.sum(), (1 - share) / (~minority).sum())
    return np.asarray(weights / weights.min())


def _value(counts: confusions.Counts, goal: str, ratio: float | None) -> NDArray[np.float64]:
    if goal != "cost":
        # Sums of weights are off by rounding, and equally good cuts must be equal.
        return np.round(confusions.SCORES[goal](counts), 12)
    missed = counts.true[:, 1] - counts.hit[:, 1]
    alarms = counts.true[:, 0] - counts.hit[:, 0]
    total = counts.true.sum(axis=1)
    return np.asarray(np.round(-(float(ratio or 1) * missed + alarms) / total, 12))
