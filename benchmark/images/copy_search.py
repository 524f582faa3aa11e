"""The copies among the images of a listing; files that may have one are read a second time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from imbench.errors import DataError
from imbench.files.reading import LARGE, read_bytes
from imbench.images.copy_policy import copy_limit
from imbench.images.dataset import Listing
from imbench.images.decode import ImageFault, load_image, quiet_pillow
from imbench.images.duplicates import Copies, NearSearch, find_copies
from imbench.images.fine_detail import FullSize
from imbench.images.split import SPLITS
from imbench.images.value_range import ValueRange

__all__ = ["search_copies"]


def search_copies(
    listing: Listing,
    digests: Sequence[str | None],
    thumbnails: Sequence[NDArray[np.uint8] | None] | None,
    value_range: ValueRange | None,
    *,
    of_test: bool = False,
) -> Copies:
    """Find the copies among the images of a listing.

    Parameters
    ----------
    digests : sequence of str or None
        Hash of the pixels of each image; None for one that has no copies, as it cannot be used.
    thumbnails : sequence of uint8 array (32, 32) or None, or None
        Grey thumbnails; without one an image has no near copies.
    value_range : ValueRange or None
        With which the images were decoded.
    of_test : bool
        Search near copies of test images only, not inside a split.

    Raises
    ------
    DataError
        If a file that was decoded cannot be read again.
    """
    limit = copy_limit(listing.policies)
    sources = listing.sources
    names = [digest or f"alone {row}" for row, digest in enumerate(digests)]
    if thumbnails is None or limit is None or isinstance(sources, np.ndarray):
        return find_copies(names)
    seen = [
        None if digest is None else image for digest, image in zip(digests, thumbnails, strict=True)
    ]

    def load(row: int) -> Image.Image:
        try:
            return load_image(read_bytes(sources[row], LARGE), value_range)[0]
        except (ImageFault, OSError) as error:
            raise DataError(f"{sources[row]} cannot be read a second time: {error}") from error

    with quiet_pillow():
        between = _between(listing, of_test)
        return find_copies(names, NearSearch(seen, between, FullSize(load).distance, limit))


def _between(listing: Listing, of_test: bool) -> list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    train, validation, test = (listing.splits == split for split in SPLITS)
    if of_test:
        return [(~test, test)]
    return [(~test, test), (train, validation), *((one, one) for one in (train, validation, test))]
