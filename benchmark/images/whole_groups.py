"""What whole groups do to a split: shares that cannot be had, classes that one side lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np

from imbench.images.dataset import Listing
from imbench.images.notes import DataNote

__all__ = ["share_notes", "why_missing"]

_FAR = 0.05
"""Share of a class by which a split may miss what was asked for before it is said."""


def why_missing(listing: Listing, split: str, name: str) -> str:
    """Return the end of a sentence on a class without an image in a split, if groups are why."""
    rows = listing.labels == listing.classes.index(name)
    if listing.groups is None or not rows.any() or (listing.splits[rows] == split).any():
        return ""
    change = next((note.change for note in listing.notes if note.kind == "grouped"), "")
    return f": {_in_groups(listing, name)}{change and f'; to change it: {change}'}"


def share_notes(listing: Listing, wanted: Mapping[str, float]) -> list[DataNote]:
    """Return a note on the class whose share of a split differs most from what was asked for.

    Parameters
    ----------
    wanted : mapping
        Split to the share of each class.
    """
    found = []
    for split, share in wanted.items():
        for label, name in enumerate(listing.classes):
            got = float(np.mean(listing.splits[listing.labels == label] == split))
            found.append((abs(got - share), split, name, got, share))
    far, split, name, got, share = max(found)
    if listing.groups is None or far <= _FAR:
        return []
    words = f"{split} has {got:.0%} of class {name!r} instead of {share:.0%}"
    count = round(far * int(np.sum(listing.labels == listing.classes.index(name))))
    return [DataNote("grouped", f"{words}: {_in_groups(listing, name)}", count, f"{split}=SHARE")]


def _in_groups(listing: Listing, name: str) -> str:
    groups = listing.groups
    assert groups is not None  # noqa: S101 - both callers have asked
    rows = np.flatnonzero(listing.labels == listing.classes.index(name))
    sizes = Counter(str(groups[row]) for row in rows)
    one = f"in 1 group, {next(iter(sizes))!r}"
    several = f"in {len(sizes)} groups, the largest of {max(sizes.values())}"
    where = one if len(sizes) == 1 else several
    return f"its {len(rows)} images are {where}, and a group is never divided"
