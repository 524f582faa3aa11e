"""What numbers mean before anything is learned: one image's weight, chance, the least loss."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "COARSE",
    "chance_auroc",
    "constant_loss",
    "expected_f1_step",
    "f1_step",
    "step_of_f1",
]

COARSE = 0.02
"""Movement of F1 by one test image beyond which a test set is too small to compare methods on:
as much as differences may be that count as none (`imbench.stats.paired.MARGIN`)."""


def f1_step(confusion: NDArray[Any]) -> float:
    """Return how far F1 of the minority moves if one more of its test images is recognised.

    With D = 2 TP + FP + FN the step is (2 - F1) / (D + 1): the numerator 2 TP grows by 2, D by 1.
    With more than two classes it is the largest step of one minority, over the minorities that
    the score is a mean of.

    Parameters
    ----------
    confusion : int array (K, K)
        Row = true class, column = predicted class; label 0 is the majority.

    Examples
    --------
    >>> round(f1_step(np.array([[40, 10], [5, 5]])), 3)  # F1 .4 of 10 images of the minority
    0.062
    """
    matrix = np.asarray(confusion)
    totals = (matrix.sum(0) + matrix.sum(1))[1:]
    return step_of_f1(np.diagonal(matrix)[1:].tolist(), totals.tolist())


def step_of_f1(hits: Sequence[float], totals: Sequence[float]) -> float:
    """Return `f1_step` from each minority's TP, and its 2 TP + FP + FN."""
    steps = (
        (2 - (2 * hit / total if total else 0.0)) / (total + 1)
        for hit, total in zip(hits, totals, strict=True)
    )
    return float(max(steps) / len(hits))


def expected_f1_step(test_counts: Sequence[int]) -> float:
    """Return what `f1_step` is at a recall and a precision of .5, before anything is trained.

    With n images of the smallest minority that is 1.5 / (2 n + 1), over the number of minorities:
    above .02 with fewer than 37 images of one minority. A better classifier has a smaller step:
    it is 1 / (2 n + 1) at a perfect one.

    Examples
    --------
    >>> round(expected_f1_step([200, 37]), 3)
    0.02
    """
    smallest = min(test_counts[1:])
    return 1.5 / (2 * smallest + 1) / (len(test_counts) - 1)


def chance_auroc(test_counts: Sequence[int], level: float = 0.95) -> float:
    """Return the AUROC that scores without any information exceed with chance ``1 - level``.

    Without ties the AUROC of m images against n has mean 1/2 and variance (m + n + 1) / (12 m n)
    if scores and classes are independent (Mann and Whitney 1947); the normal approximation. With
    more than two classes AUROC is a mean over minorities, each against the rest; their deviations
    are averaged, as if they moved together, so the limit is not too low.

    Parameters
    ----------
    test_counts : sequence of int
        Test images of each class.
    level : float
        One-sided.

    Examples
    --------
    >>> round(chance_auroc([50, 50]), 3)
    0.595
    """
    whole = sum(test_counts)
    deviations = [
        math.sqrt((whole + 1) / (12 * count * (whole - count))) for count in test_counts[1:]
    ]
    spread = math.fsum(deviations) / len(deviations)
    return min(1.0, 0.5 + NormalDist().inv_cdf(level) * spread)


def constant_loss(counts: ArrayLike, weights: NDArray[np.float64] | None = None) -> float:
    """Return the least mean cross-entropy, in nats, of any constant prediction.

    With class shares s and weights w the mean of -w log q is least where q is w s over its sum V:
    it is V times the entropy of that q. A network gets there by its last bias alone.

    Parameters
    ----------
    counts : array (K,)
        Images of each class, as the sampler yields them.
    weights : float array (K,) or None
        Weight of each class in the loss.

    Examples
    --------
    >>> round(constant_loss([90, 10]), 3), round(constant_loss([50, 50]), 3)
    (0.325, 0.693)
    """
    shares = np.asarray(counts, dtype=np.float64)
    weighted = shares / shares.sum() * (1.0 if weights is None else weights)
    seen = weighted[weighted > 0]
    return float(-(seen * np.log(seen / seen.sum())).sum())
