"""Images whose thumbnails look alike: the few pairs that are worth a comparison at full size.

Two thumbnails look alike if their grey values correlate, so brightness and contrast do not matter.
No pair is missed: the coefficients of the lowest frequencies of a cosine transform, and the norm of
all others, bound the correlation from above (Cauchy-Schwarz), and where the bound reaches the limit
the correlation itself is taken. Of each image only the most alike are kept, so that the pairs are
linear in the number of images.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LIKENESS", "MOST", "look_alikes"]

LIKENESS = 0.935
"""Least correlation of thumbnails that look alike; that of unrelated images is near 0."""
MOST = 4
"""Pairs that are kept of each image."""
_FREQUENCIES = 8
_ROWS, _COLUMNS = 1024, 4096
_ROUNDING = 1e-4
_MIN_DEVIATION = 4.0
"""Images with less deviation of their grey values all look alike."""


def look_alikes(
    thumbnails: NDArray[np.uint8], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[list[tuple[int, int]], int]:
    """Pair each image with those that look most like it.

    Parameters
    ----------
    thumbnails : uint8 array (n, side, side)
        Grey thumbnails of different images; nearly uniform ones look like no other.
    first, second : int array
        Rows: each in `first` is paired with at most `MOST` in `second`.

    Returns
    -------
    pairs : list of (int, int)
        Sorted, the smaller row first.
    found : int
        How many pairs look alike, those included that were not kept.
    """
    # One by one: all at once they would be copied as float64, eight times their size.
    textured = np.array([image.std() > _MIN_DEVIATION for image in thumbnails], bool)
    first, second = first[textured[first]], second[textured[second]]
    bounds = _bounds(thumbnails)
    pairs: set[tuple[int, int]] = set()
    found = 0
    for start in range(0, len(first), _ROWS):
        rows = first[start : start + _ROWS]
        best = _Best(len(rows))
        for begin in range(0, len(second), _COLUMNS):
            columns = second[begin : begin + _COLUMNS]
            maybe = bounds[rows] @ bounds[columns].T >= LIKENESS - _ROUNDING
            a, b = np.flatnonzero(maybe.any(axis=1)), np.flatnonzero(maybe.any(axis=0))
            if not len(a):
                continue
            alike = _unit(thumbnails[rows[a]]) @ _unit(thumbnails[columns[b]]).T
            alike[rows[a][:, None] == columns[b]] = -1
            found += int((alike >= LIKENESS).sum())
            best.take(a, columns[b], alike)
        pairs |= best.pairs(rows)
    return sorted(pairs), found


class _Best:
    """The most alike of each row so far."""

    def __init__(self, rows: int) -> None:
        self.alike = np.full((rows, MOST), -1, np.float32)
        self.others = np.zeros((rows, MOST), np.int64)

    def take(
        self, rows: NDArray[np.int64], others: NDArray[np.int64], alike: NDArray[np.float32]
    ) -> None:
        """Keep the best of what was there and of `others`, alike (rows, others)."""
        alike = np.concatenate([self.alike[rows], alike], axis=1)
        known = np.concatenate(
            [self.others[rows], np.broadcast_to(others, (len(rows), len(others)))], axis=1
        )
        best = np.argpartition(alike, -MOST, axis=1)[:, -MOST:]
        self.alike[rows] = np.take_along_axis(alike, best, 1)
        self.others[rows] = np.take_along_axis(known, best, 1)

    def pairs(self, rows: NDArray[np.int64]) -> set[tuple[int, int]]:
        """Return the pairs that look alike, of these rows."""
        a, k = np.nonzero(self.alike >= LIKENESS)
        pairs = np.sort(np.stack([rows[a], self.others[a, k]], axis=1), axis=1)
        return set(map(tuple, pairs.tolist()))


def _unit(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return thumbnails without brightness and contrast, so that products are correlations."""
    flat = thumbnails.reshape(len(thumbnails), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return flat


def _bounds(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return vectors whose products are no less than the correlations of the thumbnails."""
    side = thumbnails.shape[1]
    frequency, position = np.arange(_FREQUENCIES)[:, None], np.arange(side)
    waves = np.cos(np.pi * frequency * (2 * position + 1) / (2 * side)) * np.sqrt(2 / side)
    waves[0] /= np.sqrt(2)
    plane = np.kron(waves, waves).astype(np.float32)[1:]  # orthonormal; of 0 there is nothing
    bounds = np.empty((len(thumbnails), len(plane) + 1), np.float32)
    for start in range(0, len(thumbnails), _COLUMNS):
        low = _unit(thumbnails[start : start + _COLUMNS]) @ plane.T
        bounds[start : start + _COLUMNS, :-1] = low
        rest = 1 - (low**2).sum(axis=1)
        bounds[start : start + _COLUMNS, -1] = np.sqrt(np.maximum(rest, 0))
    return bounds
