"""The logistic regression of the floors, on a few numbers of each image."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEATURES_VERSION", "balanced_regression", "features_floor"]

FEATURES_VERSION = 1
"""Raise it when scores of the floor of features change; older ones are then made again."""
LENGTH = 3.0
"""To which features are scaled: unscaled, 1,280 of them would be fitted without any error."""
ITERATIONS = 5000


def balanced_regression(
    train: NDArray[np.floating],
    labels: NDArray[np.int64],
    test: NDArray[np.floating],
    weights: NDArray[np.float64] | None = None,
    *,
    length: float | None = None,
) -> NDArray[np.float64]:
    """Return probabilities (n, K) by a regression (L2, C = 1) on standardised numbers.

    Parameters
    ----------
    train, test : float arrays (m, d), (n, d)
        Numbers of the images, which are standardised by the training images.
    labels : int array (m,)
        Of the training images, 0 to K - 1, all of which occur; classes count alike.
    weights : float array (m,), optional
        Of the training images.
    length : float, optional
        What the length of a row is brought to, on average.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, spread = train.mean(axis=0), train.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    if length is not None:
        scale = scale * (train.shape[1] ** 0.5 / length)
    model: Any = LogisticRegression(C=1.0, class_weight="balanced", max_iter=ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((train - mean) / scale, labels, sample_weight=weights)
    proba: NDArray[np.float64] = model.predict_proba((test - mean) / scale)
    return proba


def features_floor(
    train: NDArray[np.float32],
    labels: NDArray[np.int64],
    test: NDArray[np.float32],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the probabilities of test images, shape (n, K), by features of a frozen backbone."""
    wide = np.asarray(train, np.float64)
    return balanced_regression(wide, labels, np.asarray(test, np.float64), weights, length=LENGTH)
