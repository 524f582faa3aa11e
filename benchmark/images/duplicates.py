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

__all__ = ["CopyPair", "exact_groups", "find_copies", "find_near_copies", "perceptual_hash"]

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
class CopyPair:
    """Rows of two images that are copies; `exact` if all pixels are equal."""

    first: int
    second: int
    exact: bool


def find_copies(
    digests: Sequence[str],
    thumbnails: NDArray[np.uint8] | None,
    *,
    side: NDArray[np.bool_] | None = None,
) -> list[CopyPair]:
    """Find pairs of copies.

    Parameters
    ----------
    digests : sequence of str
        Hash of the pixels of each image.
    thumbnails : uint8 array (n, 32, 32) or None
        Grey thumbnails; None looks for exact copies only.
    side : bool array (n,), optional
        Return only pairs with `first` where it is False and `second` where it is True.

    Returns
    -------
    list of CopyPair
        Sorted. Without `side`, every image of a group of equal ones is paired with the first.
    """
    groups = exact_groups(digests)
    pairs = []
    for group in groups:
        if side is None:
            pairs += [CopyPair(group[0], other, True) for other in group[1:]]
        else:
            pairs += [CopyPair(a, b, True) for a in group if not side[a] for b in group if side[b]]
    if thumbnails is not None:
        # One member represents all equal images of a group and side.
        represented = np.zeros(len(digests), bool)
        for group in groups:
            sides = np.zeros(len(group), bool) if side is None else side[group]
            for equal in (np.array(group)[~sides], np.array(group)[sides]):
                represented[equal[1:]] = True
        rows = np.flatnonzero(~represented)
        exact = {(pair.first, pair.second) for pair in pairs}
        near = find_near_copies(thumbnails[rows], None if side is None else side[rows])
        found = [(int(rows[a]), int(rows[b])) for a, b in near]
        pairs += [CopyPair(a, b, False) for a, b in found if (a, b) not in exact]
    return sorted(pairs)


def exact_groups(digests: Sequence[str]) -> list[list[int]]:
    """Return the rows of every group of two or more equal digests."""
    rows: dict[str, list[int]] = {}
    for row, digest in enumerate(digests):
        rows.setdefault(digest, []).append(row)
    return [group for group in rows.values() if len(group) > 1]


def perceptual_hash(thumbnails: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return 63 bits of each image as -1 and 1, shape (n, 63), from thumbnails (n, 32, 32)."""
    size = thumbnails.shape[1]
    frequency, position = np.arange(_FREQUENCIES)[:, None], np.arange(size)[None, :]
    waves = np.cos(np.pi * frequency * (2 * position + 1) / (2 * size)).astype(np.float32)
    low = np.einsum("fi,nij,gj->nfg", waves, thumbnails.astype(np.float32), waves, optimize=True)
    low = low.reshape(len(low), _FREQUENCIES**2)[:, 1:]  # without the mean, the brightness
    return np.where(low > np.median(low, axis=1, keepdims=True), 1, -1).astype(np.float32)


def find_near_copies(
    thumbnails: NDArray[np.uint8], side: NDArray[np.bool_] | None = None
) -> list[tuple[int, int]]:
    """Return pairs of rows of near copies, as in `find_copies`, without nearly uniform images."""
    textured = np.flatnonzero(thumbnails.std(axis=(1, 2)) > _MIN_DEVIATION)
    first = textured if side is None else textured[~side[textured]]
    second = textured if side is None else textured[side[textured]]
    first_bits = perceptual_hash(thumbnails[first])
    second_bits = first_bits if side is None else perceptual_hash(thumbnails[second])
    pairs = []
    for start in range(0, len(first), _BLOCK):
        for begin in range(0, len(second), _BLOCK):
            # Bits are -1 and 1: if d of n differ, their product is n - 2d.
            products = first_bits[start : start + _BLOCK] @ second_bits[begin : begin + _BLOCK].T
            a, b = np.nonzero(products >= first_bits.shape[1] - 2 * MAX_DISTANCE)
            distance = (first_bits.shape[1] - products[a, b]) / 2
            a, b = first[start + a], second[begin + b]
            if side is None:
                a, b, distance = a[a < b], b[a < b], distance[a < b]
            pairs += _confirm(thumbnails, a, b, distance)
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
