"""Decode all images of a listing, in threads, into arrays in its order."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from imbench.files.reading import LARGE, read_bytes
from imbench.images.blank import describe_blank
from imbench.images.dataset import Listing
from imbench.images.decode import (
    THUMBNAIL,
    ImageFault,
    decode,
    image_of,
    quiet_pillow,
    shrink_mask,
)
from imbench.images.geometry import geometry_of, to_square
from imbench.images.properties import Properties
from imbench.images.value_range import ValueRange

__all__ = ["DecodedRows", "decode_rows"]

_CHUNK = 64
_THREADS = 2


@dataclass(frozen=True, eq=False)
class DecodedRows:
    """Decoded images and faults, in the order of the listing."""

    listing: Listing
    value_range: ValueRange | None
    pixels: NDArray[np.uint8]
    masks: NDArray[np.bool_] | None
    thumbnails: NDArray[np.uint8] | None
    digests: list[str]
    properties: list[Properties]
    faults: dict[int, str]

    @property
    def size(self) -> int:
        """Side of the images."""
        return int(self.pixels.shape[1])

    @property
    def good(self) -> NDArray[np.bool_]:
        """Whether each image could be decoded."""
        return np.array([row not in self.faults for row in range(len(self.digests))])


def decode_rows(
    listing: Listing,
    scratch: Path,
    *,
    size: int,
    value_range: ValueRange | None,
    faults: Mapping[int, str],
) -> DecodedRows:
    """Decode the images of a listing, but for rows that are known to be faulty.

    Parameters
    ----------
    scratch : Path
        File that holds their pixels; the caller removes it.
    faults : mapping
        Rows that are known to be unusable, with the reason.
    """
    n = len(listing.names)
    shape = (n, size, size, listing.channels)
    files = not isinstance(listing.sources, np.ndarray)
    rows = DecodedRows(
        listing=listing,
        value_range=value_range,
        pixels=np.lib.format.open_memmap(scratch, "w+", np.uint8, shape),
        masks=None if listing.masks is None else np.zeros((n, size, size), bool),
        # Images that come as arrays are too small or too similar to search near copies: handwritten
        # digits differ by a few pixels.
        thumbnails=np.zeros((n, THUMBNAIL, THUMBNAIL), np.uint8) if files else None,
        digests=[""] * n,
        properties=[Properties()] * n,
        faults=dict(faults),
    )
    with quiet_pillow(), ThreadPoolExecutor(_THREADS) as pool:
        jobs = [pool.submit(_decode_chunk, rows, start) for start in range(0, n, _CHUNK)]
        try:
            for job in jobs:
                job.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return rows


def _decode_chunk(rows: DecodedRows, start: int) -> None:
    for row in range(start, min(start + _CHUNK, len(rows.digests))):
        if row in rows.faults:
            continue
        try:
            if isinstance(rows.listing.sources, np.ndarray):
                _take_array(rows, row, rows.listing.sources[row])
            else:
                _decode_file(rows, row, rows.listing.sources[row])
            if rows.masks is not None and rows.listing.masks is not None:
                rows.masks[row] = _mask(rows.listing.masks[row], rows)
        except ImageFault as fault:
            rows.faults[row] = str(fault)
        except OSError as error:
            rows.faults[row] = f"the file cannot be read: {error.strerror}"


def _take_array(rows: DecodedRows, row: int, source: NDArray[np.uint8]) -> None:
    image = image_of(source)
    rows.pixels[row] = to_square(image, rows.size, rows.listing.channels, _geometry(rows))
    rows.digests[row] = hashlib.sha256(source.tobytes()).hexdigest()
    rows.properties[row] = Properties(*image.size, image.mode, "array", blank=describe_blank(image))


def _decode_file(rows: DecodedRows, row: int, path: Path) -> None:
    picture = decode(
        read_bytes(path, LARGE),
        size=rows.size,
        channels=rows.listing.channels,
        geometry=_geometry(rows),
        value_range=rows.value_range,
    )
    rows.pixels[row] = picture.pixels
    rows.digests[row] = picture.digest
    rows.properties[row] = picture.properties
    if rows.thumbnails is not None:
        rows.thumbnails[row] = picture.thumbnail


def _mask(mask: Path | NDArray[np.bool_] | None, rows: DecodedRows) -> NDArray[np.bool_] | bool:
    if mask is None:
        return False
    if isinstance(mask, np.ndarray):
        return shrink_mask(mask, size=rows.size, geometry=_geometry(rows))
    try:
        return shrink_mask(read_bytes(mask, LARGE), size=rows.size, geometry=_geometry(rows))
    except ImageFault as fault:
        raise ImageFault(f"its mask {mask.name}: {fault}") from fault


def _geometry(rows: DecodedRows) -> str:
    return geometry_of(rows.listing.policies)
