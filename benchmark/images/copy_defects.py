"""Copies in a data set as defects: a line for each group of equal images and each near pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from imbench.images.copy_policy import copy_limit
from imbench.images.dataset import Listing
from imbench.images.defect import Defect
from imbench.images.duplicates import Copies
from imbench.images.leak_notes import count_by_class
from imbench.images.split import SPLITS

__all__ = ["about_copies", "copy_defects", "search_line"]

LEAK, TWO, DUPLICATE = "leak", "two classes", "duplicate"
NEAR_TWO = "near copies of two classes"
"""One photograph with two labels, or two products that differ in nothing but their class."""
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
            defects.append(Defect(kind, text, kind != DUPLICATE, names))
    for pair in copies.near:
        sides = [groups.get(row, [row]) for row in (pair.first, pair.second)]
        heads = sorted_rows(side[0] for side in sides)
        text = " ~ ".join(_with_equals(listing, copies, groups, row) for row in heads)
        distance = f"distance {pair.distance:.2f}"
        together = [row for side in sides for row in side]
        for kind in _kinds(listing, together):
            if kind == TWO:
                classes = _classes(listing, together)
                defects.append(Defect(NEAR_TWO, f"{text} ({classes}; {distance})", True))
            else:
                defects.append(Defect(kind, f"{text} ({distance})", kind != DUPLICATE))
    return defects


def about_copies(kind: str, listing: Listing, copies: Copies) -> list[str]:
    """Return what to know of the defects of a kind, in lines."""
    if kind == NEAR_TWO:
        return [
            "look at them: one picture with two labels is a mistake, pictures that differ in just "
            "what tells the classes apart are none"
        ]
    leaks = copies.leaks(listing.splits == "test") if kind == LEAK else []
    return [f"--drop-leaks leaves out {count_by_class(listing, leaks)}"] if leaks else []


def search_line(listing: Listing, copies: Copies) -> str:
    """Say how near copies were searched; nothing where no two images look alike."""
    limit = copy_limit(listing.policies)
    if limit is None:
        return "near copies: not searched, for copies=exact"
    if not copies.compared:
        return ""
    alike, near = copies.looked_alike, len(copies.near)
    which = f"the {copies.compared} most alike of" if copies.compared < alike else "all"
    pairs = (
        "1 pair that looks alike was"
        if alike == 1
        else f"{which} {alike} pairs that look alike were"
    )
    are = "is" if near == 1 else "are"
    return f"near copies: {pairs} compared at full size, {near} {are} within copies={limit:g}"


def _kinds(listing: Listing, rows: list[int]) -> list[str]:
    kinds = []
    if len(set(listing.splits[rows].tolist())) > 1:
        kinds.append(LEAK)
    if len(set(listing.labels[rows].tolist())) > 1:
        kinds.append(TWO)
    return kinds or [DUPLICATE]


def _equal(listing: Listing, rows: list[int], kind: str) -> str:
    names = [listing.names[row] for row in rows]
    if len(rows) == 2:
        classes = f" ({_classes(listing, rows)})" if kind == TWO else ""
        return " = ".join(names) + classes
    if kind == TWO:
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
