"""Copies in a data set as defects: a line for each group of equal images and each near pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from imbench.images.dataset import Listing
from imbench.images.defect import Defect
from imbench.images.duplicates import Copies
from imbench.images.split import SPLITS

__all__ = ["copy_defects"]

_SHOWN = 3
"""Names in the line of a large group."""


def copy_defects(listing: Listing, copies: Copies) -> list[Defect]:
    """Word copies as leaks between splits, images of two classes, and duplicates inside a split.

    Parameters
    ----------
    copies : Copies
        Its rows are those of the listing.
    """
    order = np.array([SPLITS.index(split) for split in listing.splits], np.int64)

    def sorted_rows(rows: Iterable[int]) -> list[int]:
        # Training first, so that a leak reads: training image = test image.
        return sorted(map(int, rows), key=lambda row: (order[row], row))

    groups = {int(group[0]): sorted_rows(group) for group in copies.groups()}
    defects = []
    for rows in groups.values():
        names = tuple(listing.names[row] for row in rows) if len(rows) > _SHOWN else ()
        for kind in _kinds(listing, rows):
            text = _equal(listing, rows, kind)
            defects.append(Defect(kind, text, kind != "duplicate", names))
    for pair in copies.near:
        sides = [groups.get(row, [row]) for row in pair]
        together = [row for side in sides for row in side]
        heads = sorted_rows(side[0] for side in sides)
        for kind in _kinds(listing, together):
            text = " ~ ".join(_with_equals(listing, copies, groups, row) for row in heads)
            if kind == "two classes":
                text += f" ({_classes(listing, together)})"
            defects.append(Defect(kind, text, kind != "duplicate"))
    return defects


def _kinds(listing: Listing, rows: list[int]) -> list[str]:
    kinds = []
    if len(set(listing.splits[rows].tolist())) > 1:
        kinds.append("leak")
    if len(set(listing.labels[rows].tolist())) > 1:
        kinds.append("two classes")
    return kinds or ["duplicate"]


def _equal(listing: Listing, rows: list[int], kind: str) -> str:
    names = [listing.names[row] for row in rows]
    if len(rows) == 2:
        classes = f" ({_classes(listing, rows)})" if kind == "two classes" else ""
        return " = ".join(names) + classes
    if kind == "two classes":
        parts = Counter(listing.classes[label] for label in listing.labels[rows])
    else:
        parts = Counter(listing.splits[rows].tolist())
    counts = ", ".join(f"{part} {count}" for part, count in parts.items())
    more = ", ..." if len(names) > _SHOWN else ""
    return f"{len(names)} equal images: {', '.join(names[:_SHOWN])}{more} ({counts})"


def _with_equals(listing: Listing, copies: Copies, groups: dict[int, list[int]], row: int) -> str:
    equals = len(groups.get(int(copies.first[row]), [row])) - 1
    return listing.names[row] + (f" (and {equals} equal to it)" if equals else "")


def _classes(listing: Listing, rows: list[int]) -> str:
    labels: NDArray[np.int64] = np.unique(listing.labels[rows])
    return " and ".join(listing.classes[label] for label in labels)
