"""Images that are copies of each other: exactly, or nearly (resized, recompressed, brightened).

Near copies are found in two steps. A 64-bit perceptual hash (signs of the low frequencies of a
cosine transform, after Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions", 2010) proposes pairs; a comparison of grey 32 x 32 thumbnails, brightness and contrast
removed, confirms them. No bound on missed pairs is known. Crops and mirror images are not searched
for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Copies", "Leak", "find_copies", "find_near_copies", "perceptual_hash"]

MAX_DISTANCE = 6
"""Most of the 63 bits in which the hashes of near copies may differ."""
MAX_DIFFERENCE = 0.36
"""Root mean square difference of standardised thumbnails; unrelated images lie near 1.4."""
STRICTER = 0.02
"""Reduction of the allowed difference for each bit in which the hashes differ."""
_FREQUENCIES = 8
_BLOCK = 4096
_MIN_DEVIATION = 4.0
"""Images with less deviation of their grey values all look alike."""


@dataclass(frozen=True, order=True)
class Leak:
    """An image outside a set that is a copy of one inside; `exact` if all pixels are equal."""

    row: int
    original: int
    exact: bool


@dataclass(frozen=True, eq=False)
class Copies:
    """The copies among the images of a data set; its size is linear in their number.

    Parameters
    ----------
    first : int array (n,)
        For each image the first one that is equal to it, maybe itself.
    near : list of (int, int)
        Pairs of near copies, sorted; each row is the first of its equal images and stands for all.
    """

    first: NDArray[np.int64]
    near: list[tuple[int, int]]

    def groups(self) -> list[NDArray[np.int64]]:
        """Return the rows of every group of two or more equal images, by their first row."""
        order = np.argsort(self.first, kind="stable")
        starts = np.flatnonzero(np.diff(self.first[order])) + 1
        return [group for group in np.split(order, starts) if len(group) > 1]

    def leaks(self, side: NDArray[np.bool_]) -> list[Leak]:
        """List the images where `side` is False that have a copy where it is True.

        All images of a group of equal ones leak with any of them. Near copies make no chains: of
        a ~ b ~ c, with c inside, b leaks and a, which is no copy of c, does not.
        """
        original = np.full(len(self.first), -1)
        inside = np.flatnonzero(side)[::-1]
        original[self.first[inside]] = inside  # of equal ones the first, which comes last here
        near = np.full(len(self.first), -1)
        for a, b in self.near:
            for here, there in ((a, b), (b, a)):
                if near[here] < 0:
                    near[here] = original[there]
        exact = original[self.first] >= 0
        source = np.where(exact, original[self.first], near[self.first])
        rows = np.flatnonzero(~side & (source >= 0))
        return [Leak(int(row), int(source[row]), bool(exact[row])) for row in rows]


def find_copies(
    digests: Sequence[str], thumbnails: Sequence[NDArray[np.uint8] | None] | None
) -> Copies:
    """Find the copies among images.

    Parameters
    ----------
    digests : sequence of str
        Hash of the pixels of each image.
    thumbnails : sequence of uint8 array (32, 32) or None, or None
        Grey thumbnails; images without one have no near copies.
    """
    rows: dict[str, int] = {}
    first = np.array([rows.setdefault(digest, row) for row, digest in enumerate(digests)], np.int64)
    if thumbnails is None:
        return Copies(first, [])
    seen = {row: image for row in rows.values() if (image := thumbnails[row]) is not None}
    if not seen:
        return Copies(first, [])
    distinct = list(seen)
    near = find_near_copies(np.stack(list(seen.values())))
    return Copies(first, [(distinct[a], distinct[b]) for a, b in near])


def perceptual_hash(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 63 bits of each image as -1 and 1, shape (n, 63), from thumbnails (n, 32, 32)."""
    size = thumbnails.shape[1]
    frequency, position = np.arange(_FREQUENCIES)[:, None], np.arange(size)[None, :]
    waves = np.cos(np.pi * frequency * (2 * position + 1) / (2 * size)).astype(np.float32)
    low = np.einsum("fi,nij,gj->nfg", waves, thumbnails.astype(np.float32), waves, optimize=True)
    low = low.reshape(len(low), _FREQUENCIES**2)[:, 1:]  # without the mean, the brightness
    return np.where(low > np.median(low, axis=1, keepdims=True), 1, -1).astype(np.float32)


def find_near_copies(thumbnails: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Return sorted pairs of rows of near copies, without nearly uniform images."""
    rows = np.flatnonzero(thumbnails.std(axis=(1, 2)) > _MIN_DEVIATION)
    bits = perceptual_hash(thumbnails[rows])
    pairs = []
    for start in range(0, len(rows), _BLOCK):
        for begin in range(start, len(rows), _BLOCK):
            # Bits are -1 and 1: if d of n differ, their product is n - 2d.
            products = bits[start : start + _BLOCK] @ bits[begin : begin + _BLOCK].T
            a, b = np.nonzero(products >= bits.shape[1] - 2 * MAX_DISTANCE)
            distance = (bits.shape[1] - products[a, b]) / 2
            a, b = rows[start + a], rows[begin + b]
            pairs += _confirm(thumbnails, a[a < b], b[a < b], distance[a < b])
    return sorted(pairs)


def _confirm(
    thumbnails: NDArray[np.uint8],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
    distance: NDArray[np.float32],
) -> list[tuple[int, int]]:
    pairs = []
    for start in range(0, len(a), _BLOCK):
        first, second = a[start : start + _BLOCK], b[start : start + _BLOCK]
        gap = _standardise(thumbnails[first]) - _standardise(thumbnails[second])
        difference = np.sqrt((gap**2).mean(axis=1))
        allowed = MAX_DIFFERENCE - STRICTER * distance[start : start + _BLOCK]
        for row in np.flatnonzero(difference <= allowed):
            pairs.append((int(first[row]), int(second[row])))
    return pairs


def _standardise(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = thumbnails.reshape(len(thumbnails), thumbnails[0].size).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(flat.std(axis=1, keepdims=True), 1e-6)
    return flat
