"""What the training images are like: hashes, sizes, colour, brightness; so that others are noticed.

A hash is of what the network sees of an image: files that differ and look the same to it are equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imbench.images.dataset import Images, Listing
from imbench.images.properties import Properties
from imbench.images.survey import survey_headers
from imbench.images.value_range import ValueRange
from imbench.models.description import TrainedOn

__all__ = ["content_hashes", "grey_images", "trained_on"]

_GREY = ("1", "L", "I", "F")
"""How the modes of pictures without colour begin (LA, I;16)."""
_SEED = 20080
_AT_ONCE = 1 << 20
"""Pixels that are hashed at a time: 8 MB as numbers of 64 bits."""


def content_hashes(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return a hash of each image, shape (n,): equal where every pixel is.

    A sum of pixels times fixed random odd numbers, modulo 2^64: two different images agree with a
    chance of 2^-57 or less. It takes all images at once: a hash function of the library that is
    called for each lets other threads in each time, and waits for them.
    """
    flat = pixels.reshape(len(pixels), -1)
    numbers = np.random.default_rng(_SEED).integers(1 << 63, size=flat.shape[1], dtype=np.uint64)
    numbers = 2 * numbers + np.uint64(1)
    rows = max(1, _AT_ONCE // flat.shape[1])
    sums = [
        (flat[start : start + rows] * numbers).sum(axis=1, dtype=np.uint64)
        for start in range(0, len(flat), rows)
    ]
    return np.concatenate([np.empty(0, np.uint64), *sums]).view(np.int64)


def grey_images(pixels: NDArray[np.uint8], properties: Sequence[Properties]) -> NDArray[np.bool_]:
    """Return which images have no colour, shape (n,); `pixels` are what the network sees."""
    if pixels.shape[-1] == 1:
        return np.array([one.mode.startswith(_GREY) for one in properties], bool)
    same = pixels[..., 1:] == pixels[..., :1]
    return np.asarray(same.reshape(len(pixels), -1).all(axis=1))


def trained_on(
    train: Images, classes: int, listing: Listing, value_range: ValueRange | None
) -> TrainedOn:
    """Describe the training images of a data set.

    Parameters
    ----------
    train : Images
        The decoded ones.
    classes : int
        Number of classes.
    listing : Listing
        Their files, of which the headers are read.
    value_range : ValueRange or None
        As `imbench.images.deep_files.settle_range` found it.
    """
    properties = _properties(train, listing, value_range)
    sides = [(one.width, one.height) for one in properties] or [train.pixels.shape[2:0:-1]]
    short, long = [min(side) for side in sides], [max(side) for side in sides]
    levels = [float(np.mean(square)) for square in train.pixels]
    known = properties if len(properties) == len(train) else [Properties()] * len(train)
    return TrainedOn(
        counts=tuple(train.counts(classes).tolist()),
        short_side=(min(short), max(short)),
        long_side=(min(long), max(long)),
        grey=_greys(train.pixels, known),
        deep=sum(one.bits > 8 for one in properties),
        brightness=(min(levels), max(levels)),
    )


def _greys(pixels: NDArray[np.uint8], properties: Sequence[Properties]) -> int:
    starts = range(0, len(pixels), 256)
    counts = [grey_images(pixels[i : i + 256], properties[i : i + 256]).sum() for i in starts]
    return int(sum(counts))


def _properties(
    train: Images, listing: Listing, value_range: ValueRange | None
) -> Sequence[Properties]:
    """Return the properties of the training images that the listing still has, in their order."""
    rows = {name: row for row, name in enumerate(listing.names)}
    chosen = [rows[name] for name in train.names if name in rows]
    sources = listing.sources
    some = sources[chosen] if isinstance(sources, np.ndarray) else [sources[row] for row in chosen]
    return survey_headers(replace(listing, sources=some), value_range)
