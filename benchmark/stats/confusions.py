"""Scores that depend on the predicted classes only, from three counts of each class.

They need the margins of a confusion matrix and its diagonal, so thousands of resamples cost one
call and K numbers each, not K x K. What each score means, and for K > 2 whose mean it is, stands in
`imbench.stats.metrics`, which calls these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

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
    "macro_f1",
    "mcc",
    "precision",
    "recall",
    "recalls",
]

Values = NDArray[np.float64]


class Counts(NamedTuple):
    """Images of each class, each of shape (..., K): recognised, called so, and truly of it."""

    hit: NDArray[Any]
    predicted: NDArray[Any]
    true: NDArray[Any]

    @classmethod
    def of(cls, confusion: NDArray[Any]) -> Counts:
        """Return those of confusion matrices (..., K, K): row = true class, column = predicted."""
        hit = np.diagonal(confusion, axis1=-2, axis2=-1)
        return cls(hit, confusion.sum(-2), confusion.sum(-1))


def f1(counts: Counts) -> Values:
    """F1 of the minority, (...); 0 where no image of it is recognised."""
    hit, predicted, true = (count[..., 1:] for count in counts)
    return np.asarray((2 * hit / np.maximum(predicted + true, 1)).mean(-1), dtype=np.float64)


def f1_balanced(counts: Counts) -> Values:
    """F1 of the minority at a prevalence of 0.5, (...)."""
    hit, predicted, true = counts
    _need_every_class(true)
    rest = true.sum(-1, keepdims=True) - true
    if np.any(rest[..., 1:] == 0):
        raise ValueError("F1 at a prevalence of 0.5 needs test images of two classes or more")
    tpr, fpr = hit / true, (predicted - hit) / np.maximum(rest, 1)
    return _minorities(2 * tpr / (tpr + 1 + fpr))


def macro_f1(counts: Counts) -> Values:
    """Mean F1 of all classes, the majority's too, (...); 0 for one that is not recognised."""
    hit, predicted, true = counts
    return np.asarray((2 * hit / np.maximum(predicted + true, 1)).mean(-1))


def recalls(counts: Counts) -> Values:
    """Recall of each class, (..., K)."""
    hit, _, true = counts
    _need_every_class(true)
    return np.asarray(hit / true, dtype=np.float64)


def recall(counts: Counts) -> Values:
    """Recall of the minority, (...)."""
    return _minorities(recalls(counts))


def precision(counts: Counts) -> Values:
    """Precision of the minority, (...); 0 if nothing is called so."""
    hit, predicted, _ = counts
    return _minorities(hit / np.maximum(predicted, 1))


def acsa(counts: Counts) -> Values:
    """Mean recall of all classes, (...)."""
    return np.asarray(recalls(counts).mean(-1))


def g_mean(counts: Counts) -> Values:
    """Geometric mean of the recalls of all classes, (...)."""
    return np.asarray(recalls(counts).prod(-1) ** (1 / counts.true.shape[-1]))


def mcc(counts: Counts) -> Values:
    """Matthews correlation, (...); 0 if the true or the predicted class is constant."""
    hit, predicted, true = (count.astype(np.float64) for count in counts)
    total = true.sum(-1)
    spread = (total**2 - (predicted**2).sum(-1)) * (total**2 - (true**2).sum(-1))
    agreed = hit.sum(-1) * total - (predicted * true).sum(-1)
    return np.asarray(np.where(spread > 0, agreed / np.sqrt(np.where(spread > 0, spread, 1)), 0.0))


def accuracy(counts: Counts) -> Values:
    """Share of right predictions, (...)."""
    hit, _, true = counts
    return np.asarray(hit.sum(-1) / true.sum(-1))


SCORES: dict[str, Callable[[Counts], Values]] = {
    "f1": f1,
    "f1_balanced": f1_balanced,
    "macro_f1": macro_f1,
    "acsa": acsa,
    "g_mean": g_mean,
    "mcc": mcc,
    "accuracy": accuracy,
    "recall": recall,
    "precision": precision,
}
"""The metrics that depend on the predicted classes only, by their registered names."""


def _minorities(values: NDArray[Any]) -> Values:
    return np.asarray(values[..., 1:].mean(-1), dtype=np.float64)


def _need_every_class(true: NDArray[Any]) -> None:
    empty = np.flatnonzero((true == 0).reshape(-1, true.shape[-1]).any(0))
    if len(empty):
        raise ValueError(f"class {empty[0]} has no test image, so no recall")
