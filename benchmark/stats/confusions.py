"""Scores of confusion counts, shape (..., K, K): row = true class, column = predicted class.

Any number of matrices at once, so that thousands of resamples cost one call. What each score means,
and for K > 2 whose mean it is, stands in `imbench.stats.metrics`, which calls these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SCORES",
    "Counts",
    "accuracy",
    "acsa",
    "f1",
    "f1_balanced",
    "g_mean",
    "mcc",
    "precision",
    "recall",
    "recalls",
]

Counts = NDArray[Any]
Values = NDArray[np.float64]


def f1(counts: Counts) -> Values:
    """F1 of the minority, (...); 0 where no image of it is recognised."""
    hit, predicted, true = _margins(counts)
    return _minorities(2 * hit / np.maximum(predicted + true, 1))


def f1_balanced(counts: Counts) -> Values:
    """F1 of the minority at a prevalence of 0.5, (...)."""
    hit, predicted, true = _margins(counts)
    _need_every_class(true)
    rest = true.sum(-1, keepdims=True) - true
    if np.any(rest[..., 1:] == 0):
        raise ValueError("F1 at a prevalence of 0.5 needs test images of two classes or more")
    tpr, fpr = hit / true, (predicted - hit) / np.maximum(rest, 1)
    return _minorities(2 * tpr / (tpr + 1 + fpr))


def recalls(counts: Counts) -> Values:
    """Recall of each class, (..., K)."""
    hit, _, true = _margins(counts)
    _need_every_class(true)
    return np.asarray(hit / true, dtype=np.float64)


def recall(counts: Counts) -> Values:
    """Recall of the minority, (...)."""
    return _minorities(recalls(counts))


def precision(counts: Counts) -> Values:
    """Precision of the minority, (...); 0 if nothing is called so."""
    hit, predicted, _ = _margins(counts)
    return _minorities(hit / np.maximum(predicted, 1))


def acsa(counts: Counts) -> Values:
    """Mean recall of all classes, (...)."""
    return np.asarray(recalls(counts).mean(-1))


def g_mean(counts: Counts) -> Values:
    """Geometric mean of the recalls of all classes, (...)."""
    return np.asarray(recalls(counts).prod(-1) ** (1 / counts.shape[-1]))


def mcc(counts: Counts) -> Values:
    """Matthews correlation, (...); 0 if the true or the predicted class is constant."""
    hit, predicted, true = _margins(counts.astype(np.float64))
    total = true.sum(-1)
    spread = (total**2 - (predicted**2).sum(-1)) * (total**2 - (true**2).sum(-1))
    agreed = hit.sum(-1) * total - (predicted * true).sum(-1)
    return np.asarray(np.where(spread > 0, agreed / np.sqrt(np.where(spread > 0, spread, 1)), 0.0))


def accuracy(counts: Counts) -> Values:
    """Share of right predictions, (...)."""
    hit, _, true = _margins(counts)
    return np.asarray(hit.sum(-1) / true.sum(-1))


SCORES: dict[str, Callable[[Counts], Values]] = {
    "f1": f1,
    "f1_balanced": f1_balanced,
    "acsa": acsa,
    "g_mean": g_mean,
    "mcc": mcc,
    "accuracy": accuracy,
    "recall": recall,
    "precision": precision,
}
"""The metrics that depend on the predicted classes only, by their registered names."""


def _margins(counts: Counts) -> tuple[Counts, Counts, Counts]:
    """Return hits, predicted and true images of each class, each (..., K)."""
    return np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(-2), counts.sum(-1)


def _minorities(values: NDArray[Any]) -> Values:
    return np.asarray(values[..., 1:].mean(-1), dtype=np.float64)


def _need_every_class(true: Counts) -> None:
    empty = np.flatnonzero((true == 0).reshape(-1, true.shape[-1]).any(0))
    if len(empty):
        raise ValueError(f"class {empty[0]} has no test image, so no recall")
