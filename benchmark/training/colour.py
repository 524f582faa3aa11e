"""The colour floor: what the colours of an image alone tell of its class.

Twelve statistics an image (three channels; four of a grey one) and a logistic regression. A
data set on which it does well can be told apart by its context: the light, the ground, the
camera. A network that is not above it need not have seen a single shape.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["COLOUR_VERSION", "colour_floor", "colour_statistics"]

COLOUR_VERSION = 1
"""Raise it when scores of the floor change; floors of the older version are then made again."""
QUANTILES = (0.1, 0.9)
CHUNK = 1024
"""Images at a time: 1024 of 32 px in three channels are 25 MB as float64."""
ITERATIONS = 5000


def colour_statistics(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return mean, standard deviation, 10th and 90th percentile of each channel of each image.

    Parameters
    ----------
    pixels : uint8 array (n, height, width, channels)
        Images, which may be memory-mapped: they are read in chunks.

    Returns
    -------
    float array (n, 4 * channels)
        From 0 to 1; all means first, then deviations, then both percentiles.
    """
    channels = pixels.shape[-1]
    made = np.empty((len(pixels), 4 * channels))
    for start in range(0, len(pixels), CHUNK):
        part = np.asarray(pixels[start : start + CHUNK]).reshape(-1, _area(pixels), channels)
        low, high = np.quantile(part, QUANTILES, axis=1)
        columns = [part.mean(axis=1), part.std(axis=1), low, high]
        made[start : start + CHUNK] = np.concatenate(columns, axis=1) / 255
    return made


def colour_floor(
    train: NDArray[np.float64],
    labels: NDArray[np.int64],
    test: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Return the probabilities of test images, shape (n, K), by their statistics alone.

    A logistic regression (L2, C = 1) on statistics standardised by the training images. Classes
    are weighted to count alike, as the remedies for imbalance do: unweighted, its F1 would be 0 at
    small counts, and a floor that nothing can be below.

    Parameters
    ----------
    train, test : float arrays (m, d), (n, d)
        Statistics of the images.
    labels : int array (m,)
        Of the training images, 0 to K - 1, all of which occur.
    weights : float array (m,), optional
        Of the training images.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, spread = train.mean(axis=0), train.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    model: Any = LogisticRegression(C=1.0, class_weight="balanced", max_iter=ITERATIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit((train - mean) / scale, labels, sample_weight=weights)
    proba: NDArray[np.float64] = model.predict_proba((test - mean) / scale)
    return proba


def _area(pixels: NDArray[np.uint8]) -> int:
    return int(pixels.shape[1] * pixels.shape[2])
