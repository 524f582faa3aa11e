"""How much of a map lies on the object, and what its order of pixels is worth: pure functions.

docs/metrics.md, section "Of maps", says how to read them.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["blurred", "deletion", "energy", "hits", "insertion", "lift", "near"]

TOLERANCE = 15 / 224
"""Of the pointing game, as a share of the side: Zhang et al. 2016, section 4.1, at 224 px."""
STEPS = 32
"""Points of an insertion or deletion curve, after the one without a change."""
Score = Callable[[NDArray[np.float32]], NDArray[np.float64]]
"""From images (m, height, width, channels) in [0, 1] to the probability of the true class, (m,)."""


def energy(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """Return the share of a map (height, width) that lies on the object; NaN for no map.

    Wang et al. 2020 (Score-CAM, arXiv 1910.01279), section 4.3, with the mask for their box.
    Chance is the share of the image that the object takes.

    >>> grid = np.array([[0, 1, 2, 0], [0, 6, 4, 1], [0, 2, 3, 1], [0, 0, 0, 0]])
    >>> box = np.zeros((4, 4), bool)
    >>> box[1:3, 1:3] = True
    >>> energy(grid, box)
    0.75
    """
    total = float(values.sum(dtype=np.float64))
    if not total > 0 or not math.isfinite(total):
        return math.nan
    return float(values[mask].sum(dtype=np.float64)) / total


def lift(share: NDArray[np.float64], area: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (share - area) / (1 - area): 0 is chance, 1 all on the object, below 0 around it."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return (share - area) / (1 - area)


def near(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the pixels on the object or within `TOLERANCE` of it."""
    from scipy.ndimage import distance_transform_edt

    if not mask.any():
        return mask
    return np.asarray(distance_transform_edt(~mask) <= TOLERANCE * mask.shape[0])


def hits(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """Return 1 if the largest value of a map lies on or near the object, else 0; NaN for no map.

    The pointing game of Zhang et al. 2016, "Top-down neural attention by excitation backprop",
    arXiv 1608.00507. Chance is the share of the image that `near` takes.
    """
    top = float(values.max())
    if not top > 0 or not math.isfinite(top):
        return math.nan
    return float(near(mask).reshape(-1)[int(values.argmax())])


def deletion(image: NDArray[np.float32], values: NDArray[np.floating], score: Score) -> float:
    """Return the area under the score while pixels become black, those of largest value first.

    Petsiuk et al. 2018 (arXiv 1806.07421), section 3.3: a small area says that the map's first
    pixels are what the network needs.

    Parameters
    ----------
    image : float array (height, width, channels)
        In [0, 1].
    values : array (height, width)
        The map.
    score : callable
        The probability of the true class of images.
    """
    return _area(score(_mixed(image, np.zeros_like(image), values)))


def insertion(image: NDArray[np.float32], values: NDArray[np.floating], score: Score) -> float:
    """Return the area while pixels come back into a blurred image, those of largest value first.

    A large area says that they are enough. Parameters as of `deletion`.
    """
    return _area(score(_mixed(blurred(image), image, values)))


def blurred(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return an image whose detail is gone: a Gaussian of an eighth of its side."""
    from scipy.ndimage import gaussian_filter

    wide = image.shape[0] / 8
    return np.asarray(gaussian_filter(image, (wide, wide, 0)), np.float32)


def _mixed(
    start: NDArray[np.float32], end: NDArray[np.float32], values: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return images in which 0, 1/STEPS, ... of the pixels of `start` are those of `end`."""
    order = np.argsort(-np.nan_to_num(values).reshape(-1), kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    counts = np.round(np.linspace(0, len(order), STEPS + 1))
    taken = (rank < counts[:, None]).reshape(-1, *values.shape, 1)
    return np.where(taken, end, start).astype(np.float32)


def _area(scores: NDArray[np.float64]) -> float:
    return float((scores[1:] + scores[:-1]).mean() / 2)
