"""Steps of outputs written as differences from those of another cell on the same test images.

What two cells say of an image is much alike, whatever their method, count or seed: a line through
the outputs of the most similar earlier one leaves a difference that takes half of the bytes. All of
it is done in whole numbers, so that every machine writes and reads the same.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.records.rounded_outputs import DamagedOutputs

__all__ = ["LINE_SIZE", "Block", "differences", "steps_of"]

Steps = NDArray[np.int16]
Line = tuple[int, int, int]
"""How many blocks of its kind back the reference lies, 0 for none; slope and shift of 1/256."""
_SLOPE_BITS = 8
"""Slopes are whole numbers of 1/256."""
_FIT = 2047
"""Steps beyond are cut for the fit, as those of the ends, which stand for what lies beyond."""
_LINE = np.dtype([("back", "<u2"), ("slope", "<i2"), ("shift", "<i4")])
"""A `Line` as it is written."""
LINE_SIZE = _LINE.itemsize
"""Bytes of a line."""
_MOST_BACK = (1 << 16) - 1


@dataclass(frozen=True)
class Block:
    """The steps of one class of one cell.

    Attributes
    ----------
    kind : hashable
        Equal where the images are the same and the class is.
    size : int
        Number of images.
    """

    kind: Hashable
    size: int


def differences(steps: Steps, blocks: Sequence[Block]) -> tuple[NDArray[np.uint16], bytes]:
    """Return the steps of all blocks, one behind the other, as differences; and their lines.

    Small differences of either sign are small numbers: 0, -1, 1, -2 are 0, 1, 2, 3.
    """
    counts = Counter(blocks)
    fits = {block.kind: _Fits(count, block.size) for block, count in counts.items()}
    lines = np.zeros(len(blocks), _LINE)
    made = np.empty(len(steps), np.uint16)
    for place, (block, rows) in enumerate(_placed(blocks)):
        own, earlier = steps[rows], fits[block.kind]
        line = earlier.best_line(own)
        left = (own - _along(line, earlier.blocks, block.size)).astype(np.int16)  # modulo 2**16
        made[rows] = (left << 1 ^ left >> 15).view(np.uint16)
        lines[place] = line
        earlier.add(own)
    return made, lines.tobytes()


def steps_of(made: NDArray[np.uint16], lines: bytes, blocks: Sequence[Block]) -> Steps:
    """Return the steps of all blocks, from their differences and lines.

    Raises
    ------
    DamagedOutputs
        If sizes do not fit, or a line is of a block that there is not.

    Examples
    --------
    >>> steps = np.array([5, -3, 100, 8, 0, 103], np.int16)
    >>> two = [Block("same images", 3)] * 2
    >>> made, lines = differences(steps, two)
    >>> print(made, steps_of(made, lines, two))
    [ 10   5 200   0   0   0] [  5  -3 100   8   0 103]
    """
    if len(lines) != len(blocks) * LINE_SIZE:
        raise DamagedOutputs("its lines are of another number of outputs")
    if len(made) != sum(block.size for block in blocks):
        raise DamagedOutputs("its steps are of another number of images")
    seen: dict[Hashable, list[Steps]] = defaultdict(list)
    steps = np.empty(len(made), np.int16)
    for line, (block, rows) in zip(np.frombuffer(lines, _LINE), _placed(blocks), strict=True):
        own, earlier = made[rows], seen[block.kind]
        left = (own >> 1 ^ -(own & 1)).view(np.int16)
        steps[rows] = left + _along((int(line[0]), int(line[1]), int(line[2])), earlier, block.size)
        earlier.append(steps[rows])
    return steps


def _placed(blocks: Iterable[Block]) -> Iterator[tuple[Block, slice]]:
    """Yield each block with its place among all steps."""
    start = 0
    for block in blocks:
        yield block, slice(start, start + block.size)
        start += block.size


def _along(line: Line, earlier: Sequence[Steps], size: int) -> NDArray[np.int64]:
    """Return what a line says of all images; zeros without one."""
    back, slope, shift = line
    if not back:
        return np.zeros(size, np.int64)
    if back > len(earlier):
        raise DamagedOutputs("a line is of outputs that there are not")
    half = 1 << _SLOPE_BITS - 1
    return (slope * earlier[-back].astype(np.int64) + shift + half) >> _SLOPE_BITS


class _Fits:
    """Finds lines through the blocks of one kind, with their sums kept.

    Whole numbers below 2**53 in floats are exact in whatever order they are added: up to 46,000
    images every machine finds the same line.
    """

    def __init__(self, count: int, size: int) -> None:
        self.blocks: list[Steps] = []
        self._cut = np.empty((count, size))
        self._sums, self._spreads = np.empty(count), np.empty(count)

    def add(self, steps: Steps) -> None:
        """Take a block for later ones to refer to."""
        place, n = len(self.blocks), len(steps)
        cut = self._cut[place] = np.clip(steps, -_FIT, _FIT)
        self._sums[place] = cut.sum(dtype=np.float64)
        self._spreads[place] = n * (self._cut[place] @ self._cut[place]) - self._sums[place] ** 2
        self.blocks.append(steps)

    def best_line(self, steps: Steps) -> Line:
        """Return the line through the earlier block that explains most."""
        n, end = len(steps), len(self.blocks)
        some = slice(max(0, end - _MOST_BACK), end)
        cut, sums, spreads = self._cut[some], self._sums[some], self._spreads[some]
        own = np.clip(steps, -_FIT, _FIT).astype(np.float64)
        products = n * (cut @ own) - sums * own.sum()
        explained = np.divide(products**2, spreads, out=np.zeros(len(cut)), where=spreads > 0)
        best = int(explained.argmax()) if len(cut) else 0
        if not explained.any():
            return 0, 0, 0
        whole = round(int(products[best]) * (1 << _SLOPE_BITS) / int(spreads[best]))
        slope = max(-_FIT, min(_FIT, whole))
        shift = ((int(own.sum()) << _SLOPE_BITS) - slope * int(sums[best])) // n
        return len(cut) - best, slope, shift
