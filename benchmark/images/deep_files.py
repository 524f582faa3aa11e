"""The files of a listing that hold more than 8 bits a value, and the range that they use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.files.reading import LARGE, open_regular, read_bytes
from imbench.images.dataset import Listing
from imbench.images.decode import ImageFault, open_image, quiet_pillow
from imbench.images.depth import depth, may_be_deep, read_values
from imbench.images.value_range import AUTO, FULL, LEVELS, ValueRange, parse_range, range_used

__all__ = ["settle_range"]

T = TypeVar("T")

_HEAD = 32
_THREADS = 2
_CHUNK = 32
"""Files that are handed to the threads at a time: the counts of one take half a megabyte."""


def settle_range(listing: Listing, spec: str) -> ValueRange | None:
    """Return the range of the values of a listing's deep files; None if it has none.

    It is what the policy ``range`` says; by default the one that the 16-bit files of the training
    split use, which are read for that: see `imbench.images.value_range.range_used`.

    Raises
    ------
    UsageError
        If a range is given and no file has more than 8 bits, so that it had no effect.
    """
    sources = listing.sources
    if isinstance(sources, np.ndarray):
        return None
    given = parse_range(listing.policies.get("range", AUTO), spec)
    with quiet_pillow(), ThreadPoolExecutor(_THREADS) as pool:
        deep = np.array(list(_in_chunks(pool, _is_deep, sources)), bool)
        if not deep.any():
            if given is not None:
                raise UsageError(
                    f"{spec}: range={given} has no effect, for no image has more than 8 bits a "
                    "value; leave it out"
                )
            return None
        if given is not None:
            return given
        training = np.flatnonzero(deep & (listing.splits == "train"))
        counts = np.zeros(LEVELS, np.int64)
        for some in _in_chunks(pool, _count_values, [sources[row] for row in training.tolist()]):
            counts += some
    return range_used(counts)


def _in_chunks(
    pool: ThreadPoolExecutor, function: Callable[[Path], T], paths: Sequence[Path]
) -> Iterator[T]:
    for start in range(0, len(paths), _CHUNK):
        yield from pool.map(function, paths[start : start + _CHUNK])


def _is_deep(path: Path) -> bool:
    try:
        with open_regular(path, LARGE) as file:
            head = file.read(_HEAD)
            if not may_be_deep(head):
                return False
            return depth(open_image(head + file.read(), FULL)) > 8
    except (ImageFault, OSError):  # decoding will name it
        return False


def _count_values(path: Path) -> NDArray[np.int64]:
    """Count how often a file has each value of 16 bits; nothing if it is damaged or deeper."""
    try:
        data = read_bytes(path, LARGE)
        image = open_image(data)
        values = read_values(data, image)[0]
    except Exception:  # decoding will name it
        return np.zeros(LEVELS, np.int64)
    return np.bincount(values.ravel(), minlength=LEVELS)
