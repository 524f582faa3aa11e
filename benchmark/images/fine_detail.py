"""How near two pictures are to being the same one, by their fine detail at full size.

Things of a kind look alike in the large; only copies of one photograph share its grain and the
course of every edge. So the large is taken away (a local mean), what is left is brought to one
local contrast, and both pictures are correlated at the size of the smaller. Brightness, contrast,
recompression and resizing leave that nearly as it is.

A correlation says little where few values are free: all pictures of 24 x 40 pixels of a frame
agree in its four edges. How many are, the spectrum tells (Bretherton et al. 1999, "The effective
number of spatial degrees of freedom of a time-varying field", Journal of Climate 12), and the
fewer they are the more they must agree.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["Detail", "FullSize", "distance", "fine_detail"]

_LONGEST = 256
"""Pictures of which a side is longer are compared at this size."""
_FREE = 560
"""Free values from which on a correlation counts in full."""
_POWER = 0.4
"""How fast it loses below. Fisher's transformation would say .5; with that, copies of pictures of
24 x 40 pixels were not found, with .33 look-alikes were (see docs/protocol.md)."""
_GRAIN = 5
"""Side of the square whose mean is taken away, in pixels."""
_AROUND = 9
"""Side of the square in which contrast is measured."""
_FAINT = 0.1
"""Contrast, as a share of that of the whole picture, below which detail fades: it may be noise."""
_KEPT = 48 * 2**20
"""Bytes of pictures, and of details, that are kept: a picture is compared with several."""


@dataclass(frozen=True, eq=False)
class Detail:
    """The detail of a picture, of norm 1 (0 if it is flat), and how many values of it are free."""

    values: NDArray[np.float32]
    free: float

    @property
    def nbytes(self) -> int:
        """Return the size in memory."""
        return self.values.nbytes


def fine_detail(grey: NDArray[np.uint8]) -> Detail:
    """Return the detail of a picture (height, width)."""
    picture = grey.astype(np.float32)
    picture /= max(float(picture.std()), 1e-6)
    detail = picture - _local_mean(picture, _GRAIN)
    contrast = np.sqrt(np.maximum(_local_mean(detail**2, _AROUND), 0))
    detail /= contrast + _FAINT
    detail -= detail.mean()
    norm = float(np.linalg.norm(detail))
    if norm < 1e-6:
        return Detail(np.zeros(detail.size, np.float32), 1)
    power = np.abs(np.fft.fft2(detail)) ** 2
    free = float(power.sum() ** 2 / (power**2).sum())
    return Detail((detail / norm).ravel(), free)


def distance(a: Detail, b: Detail) -> float:
    """Return the distance of two details of one size: 0 the same picture, 1 nothing in common."""
    correlation = np.clip(float(a.values @ b.values), 0, 1 - 1e-7)
    weight = min(1, (a.free * b.free) ** 0.5 / _FREE) ** _POWER
    return float(1 - np.tanh(np.arctanh(correlation) * weight))


_Item = TypeVar("_Item", NDArray[np.uint8], Detail)


class FullSize:
    """Compares pictures, which it reads when they are asked for and keeps for a while.

    Parameters
    ----------
    load : callable
        Returns the picture of a row at its own size.
    """

    def __init__(self, load: Callable[[int], Image.Image]) -> None:
        self._load = load
        self._pictures: _Kept[NDArray[np.uint8]] = _Kept()
        self._details: _Kept[Detail] = _Kept()

    def distance(self, a: int, b: int) -> float:
        """Return the distance of the pictures of two rows."""
        sizes = [self._picture(row).shape for row in (a, b)]
        size = (min(sizes[0][1], sizes[1][1]), min(sizes[0][0], sizes[1][0]))
        return distance(self._detail(a, size), self._detail(b, size))

    def _picture(self, row: int) -> NDArray[np.uint8]:
        def read() -> NDArray[np.uint8]:
            image = self._load(row).convert("L")
            factor = min(1, _LONGEST / max(image.size))
            width, height = (max(1, round(side * factor)) for side in image.size)
            return _resized(image, (width, height))

        return self._pictures.get(row, read)

    def _detail(self, row: int, size: tuple[int, int]) -> Detail:
        def compute() -> Detail:
            return fine_detail(_resized(Image.fromarray(self._picture(row)), size))

        return self._details.get((row, size), compute)


class _Kept(Generic[_Item]):
    """What was used last, of a limited size altogether."""

    def __init__(self) -> None:
        self._items: OrderedDict[Hashable, _Item] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], _Item]) -> _Item:
        if key not in self._items:
            self._items[key] = make()
            self._bytes += self._items[key].nbytes
        self._items.move_to_end(key)
        while self._bytes > _KEPT and len(self._items) > 1:
            self._bytes -= self._items.popitem(last=False)[1].nbytes
        return self._items[key]


def _resized(image: Image.Image, size: tuple[int, int]) -> NDArray[np.uint8]:
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    return np.asarray(image)


def _local_mean(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the mean of the square around each value; beyond the border the border goes on."""
    sums = np.pad(values, side // 2, mode="edge").astype(np.float64)
    sums = np.pad(sums.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    squares = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    return (squares / side**2).astype(np.float32)
