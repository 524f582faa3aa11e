"""Distances of two samples of features: KID (Binkowski et al. 2018, arXiv 1801.01401) and FID.

Written here and not taken from torch-fidelity or torchmetrics: both average over subsets (1000
images by default, more than a minority class has), both bring Inception weights with them, and
neither gives an interval of the full-sample estimate. The tests compare the estimators with both.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["fid", "frechet", "kernel", "kid", "kid_interval", "mean_norm", "unit"]

Features = NDArray[np.floating]
Weights = NDArray[np.float64]


def unit(x: Features) -> NDArray[np.float64]:
    """Return features (n, d) of one length, sqrt(d): the cubic kernel of two is (cosine + 1)^3.

    The kernel of features as they are grows with the sixth power of their length, and nothing
    bounds that: one image in a hundred can decide such a distance (with a ResNet-20, one horse of
    120 was worth 28 of 44). Of one length two samples are at most 16 apart. Their lengths are told
    beside: `mean_norm`.
    """
    x = np.asarray(x, np.float64)
    lengths = np.linalg.norm(x, axis=1, keepdims=True)
    return np.asarray(x / np.where(lengths > 0, lengths, 1.0) * np.sqrt(x.shape[1]))


def mean_norm(x: Features) -> float:
    """Return the mean length of features (n, d), which `unit` takes away."""
    return float(np.linalg.norm(np.asarray(x, np.float64), axis=1).mean())


def kernel(x: Features, y: Features) -> NDArray[np.float64]:
    """Return the cubic kernel (x y' / d + 1)^3 of features (n, d) and (m, d), shape (n, m)."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)


def kid(x: Features, y: Features) -> float:
    """Return the kernel distance of two samples: the unbiased estimate from all pairs.

    It is 0 on average for two samples of one distribution, so about half of such values are
    negative. There are no subsets: those of torch-fidelity only add noise to this estimate.

    Parameters
    ----------
    x, y : float array (n, d) and (m, d)
        Features; at least two images each.

    Raises
    ------
    ValueError
        If a sample has fewer than two images, or the two differ in their features.
    """
    _validate(x, y)
    return float(_weighted_kid(x, y, np.ones((1, len(x))), np.ones((1, len(y))))[0])


def kid_interval(
    pairs: Sequence[tuple[Features, Features]],
    rng: np.random.Generator,
    *,
    level: float = 0.95,
    draws: int = 1000,
) -> tuple[float, float, float]:
    """Return the mean KID of several pairs of samples, and the bounds of its bootstrap interval.

    Images are drawn with replacement, the same ones for all pairs: row i of each x comes from one
    image, e.g. translated by generators of several seeds, and so does row i of each y. Pairs of
    two draws of one image are left out of the estimate; with them, resamples would be more alike
    than the sample. Of intervals at 95 % for samples of 100 from normal distributions in 16
    dimensions, 100, 99, 95 and 93 % held the true value where that was 0, 0.03, 0.3 and 1.6.

    Parameters
    ----------
    pairs : sequence of (float array (n, d), float array (m, d))
        Equal n and equal m in all of them.
    rng : Generator
        Draws the images.
    level : float
        Confidence level.
    draws : int
        Number of resamples.
    """
    for x, y in pairs:
        _validate(x, y)
    sizes = {(len(x), len(y)) for x, y in pairs}
    if len(sizes) != 1:
        raise ValueError("all pairs must have samples of the same sizes")
    ((n, m),) = sizes
    drawn = [rng.multinomial(k, np.full(k, 1 / k), draws).astype(np.float64) for k in (n, m)]
    mean = float(np.mean([kid(x, y) for x, y in pairs]))
    resampled = np.mean([_weighted_kid(x, y, *drawn) for x, y in pairs], axis=0)
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return mean, float(low), float(high)


def fid(x: Features, y: Features) -> float:
    """Return the Frechet distance of two Gaussians with the samples' means and covariances.

    Its bias is about proportional to 1/N: two samples of one 64-d normal distribution are 22
    apart at N = 100 and 2.2 at N = 1000. Print N beside it, compare only at equal N, and for
    fewer than some thousand images take `kid`.

    Parameters
    ----------
    x, y : float array (n, d) and (m, d)
        Features; at least two images each.
    """
    _validate(x, y)
    (mean_x, cov_x), (mean_y, cov_y) = _gaussian(x), _gaussian(y)
    return frechet(mean_x, cov_x, mean_y, cov_y)


def frechet(
    mean_x: NDArray[np.float64],
    cov_x: NDArray[np.float64],
    mean_y: NDArray[np.float64],
    cov_y: NDArray[np.float64],
) -> float:
    """Return the squared Frechet distance of two Gaussians: means (d,), covariances (d, d).

    The trace of sqrt(cov_x cov_y) is the sum of the singular values of R_x' R_y for any roots
    R R' = cov, which stays real where a covariance is singular (fewer images than features).
    """
    shift = float(np.sum((mean_x - mean_y) ** 2))
    shared = np.linalg.svd(_square_root(cov_x).T @ _square_root(cov_y), compute_uv=False).sum()
    return float(shift + np.trace(cov_x) + np.trace(cov_y) - 2 * shared)


def _weighted_kid(x: Features, y: Features, w: Weights, v: Weights) -> NDArray[np.float64]:
    """Return KID (draws,) of samples that repeat images w (draws, n) and v (draws, m) times."""
    within = _mean_over_pairs(kernel(x, x), w) + _mean_over_pairs(kernel(y, y), v)
    across = ((w @ kernel(x, y)) * v).sum(axis=1) / (w.sum(axis=1) * v.sum(axis=1))
    return np.asarray(within - 2 * across)


def _mean_over_pairs(values: NDArray[np.float64], w: Weights) -> NDArray[np.float64]:
    """Return the weighted mean of a kernel (n, n) over pairs of different images, (draws,)."""
    total = ((w @ values) * w).sum(axis=1) - w**2 @ values.diagonal()
    return np.asarray(total / (w.sum(axis=1) ** 2 - (w**2).sum(axis=1)))


def _gaussian(x: Features) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x = np.asarray(x, np.float64)
    return x.mean(axis=0), np.atleast_2d(np.cov(x, rowvar=False))


def _square_root(cov: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(cov)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def _validate(x: Features, y: Features) -> None:
    if min(len(x), len(y)) < 2:
        raise ValueError(f"samples of {len(x)} and {len(y)} images; each needs at least two")
    if x.shape[1:] != y.shape[1:]:
        raise ValueError(f"features of shapes {x.shape[1:]} and {y.shape[1:]} cannot be compared")
