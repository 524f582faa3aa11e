"""What the training images are like: hashes, sizes, colour, brightness; so that others are noticed.

A hash is of what the network sees of an image: files that differ and look the same to it are equal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from imbench.images.dataset import Images, Listing
from imbench.images.properties import Properties
from imbench.images.survey import survey_headers
from imbench.images.value_range import ValueRange
from imbench.models.description import TrainedOn

__all__ = ["content_hashes", "is_grey", "trained_on"]

_GREY = ("1", "L", "I", "F")
"""How the modes of pictures without colour begin (LA, I;16)."""


def content_hashes(pixels: Iterable[NDArray[np.uint8]]) -> NDArray[np.int64]:
    """Return a hash of each image, shape (n,): equal where every pixel is."""
    found = [hashlib.blake2b(x.tobytes(), digest_size=8).digest() for x in pixels]
    return np.frombuffer(b"".join(found), "<i8").astype(np.int64)


def is_grey(square: NDArray[np.uint8], properties: Properties) -> bool:
    """Whether an image has no colour; `square` (size, size, channels) is what the network sees."""
    if square.shape[-1] == 1:
        return properties.mode.startswith(_GREY)
    return bool((square == square[..., :1]).all())


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
        grey=sum(map(is_grey, train.pixels, known)),
        deep=sum(one.bits > 8 for one in properties),
        brightness=(min(levels), max(levels)),
    )


def _properties(
    train: Images, listing: Listing, value_range: ValueRange | None
) -> Sequence[Properties]:
    """Return the properties of the training images that the listing still has, in their order."""
    rows = {name: row for row, name in enumerate(listing.names)}
    chosen = [rows[name] for name in train.names if name in rows]
    sources = listing.sources
    some = sources[chosen] if isinstance(sources, np.ndarray) else [sources[row] for row in chosen]
    return survey_headers(replace(listing, sources=some), value_range)
