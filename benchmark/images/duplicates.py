"""Images that are copies of each other: exactly, or nearly (resized, recompressed, brightened).

Exact copies have equal pixels and form groups, of any size. Near copies are pairs of two such
groups: thumbnails propose them (`look_alikes`), a comparison at full size decides (`fine_detail`).
Crops, turned and mirrored images are not searched for, and colour is not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from imbench.images.copy_policy import LIMIT
from imbench.images.look_alikes import look_alikes

__all__ = ["Copies", "Leak", "NearPair", "NearSearch", "find_copies"]


@dataclass(frozen=True, order=True)
class NearPair:
    """Near copies; each row is the first of the images that are equal to it, and stands for all."""

    distance: float
    first: int
    second: int


@dataclass(frozen=True, order=True)
class Leak:
    """An image outside a set that is a copy of one inside; `distance` is None if both are equal."""

    row: int
    original: int
    distance: float | None


@dataclass(frozen=True, eq=False)
class Copies:
    """The copies among the images of a data set; its size is linear in their number.

    Parameters
    ----------
    first : int array (n,)
        For each image the first one that is equal to it, maybe itself.
    near : list of NearPair
        The nearest pair first.
    looked_alike, compared : int
        Pairs whose thumbnails look alike, and those of them that were compared at full size.
    """

    first: NDArray[np.int64]
    near: list[NearPair] = field(default_factory=list)
    looked_alike: int = 0
    compared: int = 0

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
        nearest: dict[int, tuple[int, float]] = {}
        for pair in self.near:
            for here, there in ((pair.first, pair.second), (pair.second, pair.first)):
                if original[there] >= 0:
                    nearest.setdefault(here, (int(original[there]), pair.distance))
        found = []
        for row in np.flatnonzero(~side).tolist():
            group = int(self.first[row])
            if original[group] >= 0:
                found.append(Leak(row, int(original[group]), None))
            elif group in nearest:
                found.append(Leak(row, *nearest[group]))
        return found


@dataclass(frozen=True, eq=False)
class NearSearch:
    """Where and how near copies are searched.

    Parameters
    ----------
    thumbnails : sequence of uint8 array (32, 32), or None for images that have no near copies
        Grey thumbnails of all images.
    between : sequence of (bool array (n,), bool array (n,))
        Pairs are searched between the images of the first and those of the second mask.
    compare : callable
        Returns the distance at full size of two rows.
    limit : float
        Largest distance of near copies.
    """

    thumbnails: Sequence[NDArray[np.uint8] | None]
    between: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_]]]
    compare: Callable[[int, int], float]
    limit: float = LIMIT


def find_copies(digests: Sequence[str], search: NearSearch | None = None) -> Copies:
    """Find the copies among images.

    Parameters
    ----------
    digests : sequence of str
        Hash of the pixels of each image.
    search : NearSearch, optional
        Without it only exact copies are found.
    """
    rows: dict[str, int] = {}
    first = np.array([rows.setdefault(digest, row) for row, digest in enumerate(digests)], np.int64)
    if search is None:
        return Copies(first)
    seen = {row: image for row in rows.values() if (image := search.thumbnails[row]) is not None}
    if not seen:
        return Copies(first)
    distinct, thumbnails = np.array(list(seen), np.int64), np.stack(list(seen.values()))
    pairs: set[tuple[int, int]] = set()
    looked_alike = 0
    for masks in search.between:
        # A group of equal images is wherever one of them is.
        sides = [np.flatnonzero(np.isin(distinct, first[mask])) for mask in masks]
        alike, found = look_alikes(thumbnails, sides[0], sides[1])
        pairs.update(alike)
        looked_alike += found // 2 if masks[0] is masks[1] else found
    near = []
    for a, b in sorted(pairs):
        pair = (int(distinct[a]), int(distinct[b]))
        distance = search.compare(*pair)
        if distance <= search.limit:
            near.append(NearPair(distance, *pair))
    return Copies(first, sorted(near), looked_alike, len(pairs))
