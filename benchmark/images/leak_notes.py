"""Copies of test images among the other images, counted and said in a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from imbench.images.dataset import Listing
from imbench.images.duplicates import Leak
from imbench.images.notes import DataNote

__all__ = ["count_by_class", "leak_notes"]


def count_by_class(listing: Listing, leaks: Sequence[Leak]) -> str:
    """Return how many images leak, by split and class: 3 training images (horse 1, zebra 2)."""
    parts = []
    for split, word in (("train", "training"), ("validation", "validation")):
        labels = [listing.labels[leak.row] for leak in leaks if listing.splits[leak.row] == split]
        if labels:
            counts = sorted(Counter(labels).items())
            classes = ", ".join(f"{listing.classes[label]} {count}" for label, count in counts)
            images = "image" if len(labels) == 1 else "images"
            parts.append(f"{len(labels)} {word} {images} ({classes})")
    return " and ".join(parts)


def leak_notes(listing: Listing, leaks: Sequence[Leak], *, dropped: bool) -> list[DataNote]:
    """Say how many images are copies of test images, and that they were dropped or stay.

    >>> import numpy as np
    >>> listing = Listing(("cat", "dog"), [], np.array([0, 1]), np.array(["train", "test"]), ())
    >>> leak_notes(listing, [Leak(0, 1, 0.2)], dropped=True)[0].text
    '1 training image (cat 1): copies of test images, 0 equal and 1 nearly so'
    """
    if not leaks:
        return []
    equal = sum(leak.distance is None for leak in leaks)
    text = (
        f"{count_by_class(listing, leaks)}: copies of test images, {equal} equal and "
        f"{len(leaks) - equal} nearly so"
    )
    if dropped:
        change = "--keep-leaks, or copies=LIMIT for what is nearly equal"
        return [DataNote("dropped", text, len(leaks), change)]
    return [
        DataNote("leaking", f"{text}; `bench data verify` names them", len(leaks), "--drop-leaks")
    ]
