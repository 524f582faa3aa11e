"""Training examples kept as rows of one array, or as points between two of its rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Examples"]


class Examples:
    """Training examples that are computed batch by batch.

    Oversampling to 10,000 images at 64 px would copy 0.5 GB of pixels, and SMOTE in float32 2.3 GB;
    row numbers and shares take 0.2 MB for both.

    Parameters
    ----------
    pixels : array of shape (N, ...)
        Images uint8 (N, height, width, channels), or features float (N, d); of several views
        (N, views, d).
    first : int array (n,), optional
        Row of `pixels` at which each example begins; by default each row is an example.
    second : int array (n,), optional
        Row towards which it lies; by default the same.
    share : float32 array (n,), optional
        Position between them: 0 is `first`, 1 is `second`.
    weights : float array (N,), optional
        Weight of each row of `pixels` in the loss.
    """

    def __init__(
        self,
        pixels: NDArray[Any],
        first: NDArray[np.int64] | None = None,
        second: NDArray[np.int64] | None = None,
        share: NDArray[np.float32] | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        self.pixels = pixels
        self.first = np.arange(len(pixels)) if first is None else np.asarray(first)
        self.second = self.first if second is None else np.asarray(second)
        self.share = np.zeros(len(self.first), np.float32) if share is None else share
        self.row_weights = weights
        """Weight of each row of `pixels`, shape (N,); None if all are equal."""
        self._plain = not self.share.any()

    @classmethod
    def of(cls, x: Examples | NDArray[Any]) -> Examples:
        """Return `x` itself, or an array as examples."""
        return x if isinstance(x, Examples) else cls(np.asarray(x))

    def __len__(self) -> int:
        return len(self.first)

    def __getitem__(self, rows: NDArray[Any]) -> Self:
        return self._with(self.first[rows], self.second[rows], self.share[rows])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Compute all examples."""
        del copy
        return np.asarray(self.take(np.arange(len(self))), dtype=dtype)

    @property
    def weights(self) -> NDArray[np.float64] | None:
        """Weight of each example, shape (n,); None if all are equal."""
        if self.row_weights is None:
            return None
        a, b = self.row_weights[self.first], self.row_weights[self.second]
        return np.asarray(a + self.share * (b - a), np.float64)

    def take(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Compute some examples: in the dtype of `pixels`, or float32 if any is between rows."""
        x = self.pixels[self.first[rows]]
        if self._plain:
            return np.asarray(x)
        x = x.astype(np.float32)
        share = self.share[rows]
        between = np.flatnonzero(share)
        second = self.pixels[self.second[rows[between]]].astype(np.float32)
        # In float, since differences of uint8 wrap around.
        x[between] += share[between].reshape(-1, *[1] * (x.ndim - 1)) * (second - x[between])
        return np.asarray(x)

    def take_views(
        self, rows: NDArray[Any], mirrored: NDArray[np.bool_] | None = None
    ) -> NDArray[Any]:
        """Compute features (m, d) of some examples of two views: the first, or where `mirrored`.

        As `take` does, without reading the view that is not taken.
        """
        view = np.zeros(len(rows), np.int64) if mirrored is None else mirrored.astype(np.int64)
        x = self.pixels[self.first[rows], view]
        if self._plain:
            return np.asarray(x)
        share = self.share[rows]
        between = np.flatnonzero(share)
        second = self.pixels[self.second[rows[between]], view[between]]
        x[between] += share[between, None] * (second - x[between])
        return np.asarray(x)

    def flat(self) -> NDArray[np.float32]:
        """Return all examples as float32 rows (n, d); images in [0, 1]."""
        rows = np.asarray(self)
        scale = 255 if self.pixels.dtype == np.uint8 else 1
        return (rows.reshape(len(rows), -1) / np.float32(scale)).astype(np.float32)

    def between(
        self, first: NDArray[np.int64], second: NDArray[np.int64], share: NDArray[np.floating]
    ) -> Examples:
        """Return points between pairs of examples.

        They are stored as row numbers if all examples are rows, and computed otherwise.
        """
        if self._plain:
            return self._with(self.first[first], self.first[second], np.asarray(share, np.float32))
        computed = Examples(np.asarray(self, np.float32), weights=self.weights)
        return computed.between(first, second, share)

    def join(self, other: Examples | NDArray[Any]) -> Examples:
        """Return these examples followed by others."""
        other = Examples.of(other)
        if other.pixels is self.pixels:
            pixels, shift, weights = self.pixels, 0, self.row_weights
        else:
            dtype = np.result_type(self.pixels, other.pixels)
            pixels = np.concatenate([self.pixels.astype(dtype), other.pixels.astype(dtype)])
            shift = len(self.pixels)
            weights = _joined_weights(self, other)
        return Examples(
            pixels,
            np.concatenate([self.first, other.first + shift]),
            np.concatenate([self.second, other.second + shift]),
            np.concatenate([self.share, other.share]).astype(np.float32),
            weights,
        )

    def _with(self, first: NDArray[Any], second: NDArray[Any], share: NDArray[np.float32]) -> Self:
        return type(self)(self.pixels, first, second, share, self.row_weights)


def _joined_weights(a: Examples, b: Examples) -> NDArray[np.float64] | None:
    if a.row_weights is None and b.row_weights is None:
        return None
    weights = [np.ones(len(x.pixels)) if x.row_weights is None else x.row_weights for x in (a, b)]
    return np.concatenate(weights)
