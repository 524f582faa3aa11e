"""A two-level bootstrap of the difference of two methods: over replicates and over test images.

Replicates and test images are crossed: every replicate is scored on the same images. So a
resample draws images once, for all replicates and both methods alike, and replicates once, both
with replacement. Images are drawn within their class, since the prevalence of a test set is a
choice, not chance. Drawing crossed levels independently errs on the safe side (A. B. Owen, The
pigeonhole bootstrap, Annals of Applied Statistics 1, 2007).

With few replicates percentiles are too near the mean, with six by a factor of 0.70. So deviations
between replicates are stretched by that factor, for each level of confidence its own, which makes
the interval as wide as the t interval where test images do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from imbench.stats.intervals import UNBOUNDED, Ends, cut, stretch
from imbench.stats.metrics import Metric
from imbench.stats.resampled import Weights, joint_scorer

__all__ = ["RESAMPLES", "Resamples", "crossed", "image_weights", "rescored"]

RESAMPLES = 2000
SEED = 20080
"""Of all draws, so that the same records give the same interval."""
CHUNK = 250_000
"""Weights held at a time: 2 MB, which a cache holds."""
TOGETHER = 32
"""Classifiers whose confusions are counted by one product: 2 MB of counts of two classes."""
KEPT = 10_000_000
"""Most weights that are kept for the next record: 40 MB, 5,000 test images."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Resamples:
    """Resampled means, in two parts, each of shape (resamples,).

    Attributes
    ----------
    centre : array
        Mean over the replicates as they are, in each resample of the test images.
    shift : array
        What drawing replicates adds to it.
    replicates : int
        How many there are.
    """

    centre: Floats
    shift: Floats
    replicates: int

    def interval(self, level: float = 0.95, bounds: Ends = UNBOUNDED) -> Ends:
        """Return the ends of the percentile interval, stretched for few replicates.

        It is cut at the `bounds` of the mean, which what was stretched may lie beyond.
        """
        wider = stretch(self.replicates, level)
        tail = (1 - level) / 2
        low, high = np.quantile(self.centre + wider * self.shift, [tail, 1 - tail])
        return cut((float(low), float(high)), bounds)


def rescored(
    name: str,
    metric: Metric,
    labels: NDArray[np.int64],
    probas: Sequence[NDArray[Any]],
    *,
    resamples: int = RESAMPLES,
) -> Floats:
    """Return the metric of each classifier in each resample of the test images.

    The shape is (resamples, classifiers). The same `labels` give the same resamples.

    Raises
    ------
    ValueError
        If a classifier was scored on another number of images.
    """
    if any(len(proba) != len(labels) for proba in probas):
        raise ValueError("every classifier must be scored on the same test images")
    batches = [
        joint_scorer(name, metric, labels, probas[start : start + TOGETHER])
        for start in range(0, len(probas), TOGETHER)
    ]
    # Products this small gain nothing from threads, and took 5 times as long beside other work.
    with _blas().limit(limits=1):
        chunks = [
            np.hstack([score(weights) for score in batches])
            for weights in _weights(labels, resamples)
        ]
    return np.concatenate(chunks)


def crossed(values: Floats) -> Resamples:
    """Draw replicates, once a resample, of values of shape (resamples, replicates).

    Raises
    ------
    ValueError
        If there are fewer than two replicates.
    """
    replicates = values.shape[1]
    if replicates < 2:
        raise ValueError("a bootstrap over replicates needs two or more")
    centre = values.mean(axis=1)
    shifted = np.take_along_axis(values, _replicates(*values.shape), axis=1).mean(axis=1)
    return Resamples(centre, shifted - centre, replicates)


def image_weights(
    labels: NDArray[np.int64], resamples: int, rng: np.random.Generator
) -> Iterator[Floats]:
    """Yield how often each image is drawn, in chunks of shape (resamples of the chunk, n).

    Each class keeps its number of images.
    """
    n = len(labels)
    members = [np.flatnonzero(labels == c) for c in np.unique(labels)]
    most = max(1, CHUNK // n)
    for start in range(0, resamples, most):
        size = min(most, resamples - start)
        weights = np.zeros((size, n))
        for rows in members:
            drawn = rng.integers(len(rows), size=(size, len(rows)))
            flat = (drawn + len(rows) * np.arange(size)[:, None]).ravel()
            counted = np.bincount(flat, minlength=size * len(rows))
            weights[:, rows] = counted.reshape(size, len(rows))
        yield weights


def _weights(labels: NDArray[np.int64], resamples: int) -> Iterable[Weights]:
    """Yield the chunks of `image_weights`; those of a small test set are drawn once for all calls.

    A page of 10,000 records scores each on the same resamples, and to draw them takes ten times
    as long as to score one record.
    """
    if resamples * len(labels) > KEPT:
        return image_weights(labels, resamples, np.random.default_rng(SEED))
    return _kept_weights(labels.tobytes(), resamples)


@lru_cache(maxsize=2)
def _kept_weights(labels: bytes, resamples: int) -> tuple[NDArray[np.float32], ...]:
    drawn = image_weights(np.frombuffer(labels, np.int64), resamples, np.random.default_rng(SEED))
    return tuple(chunk.astype(np.float32) for chunk in drawn)


@lru_cache(maxsize=1)
def _blas() -> ThreadpoolController:
    """Return the control over threads of numpy's matrix products; finding them takes 2 ms."""
    return ThreadpoolController().select(user_api="blas")


@lru_cache(maxsize=4)
def _replicates(resamples: int, replicates: int) -> NDArray[np.int64]:
    rng = np.random.default_rng([SEED, 1])  # another stream than that of the images
    return rng.integers(replicates, size=(resamples, replicates))
