"""Check that the arrays of a listing fit together."""

from __future__ import annotations

import numpy as np

from imbench.errors import DataError
from imbench.images.dataset import Listing
from imbench.images.split import SPLITS, check_groups

__all__ = ["validate_listing"]


def validate_listing(listing: Listing, spec: str) -> Listing:
    """Return the listing; raise DataError if its arrays do not fit together."""
    n = len(listing.names)
    for name in ("sources", "labels", "splits", "groups", "weights", "masks"):
        items = getattr(listing, name)
        if items is not None and len(items) != n:
            raise DataError(f"{spec}: {len(items)} {name} for {n} names")
    if n == 0:
        raise DataError(f"{spec} has no images")
    if len(set(listing.names)) != n:
        raise DataError(f"{spec}: names of images are not unique")
    if len(set(listing.classes)) != len(listing.classes):
        raise DataError(f"{spec}: names of classes are not unique")
    if len(listing.classes) < 2:
        raise DataError(f"{spec} has one class only, {listing.classes!r}; two are needed")
    if not 0 <= listing.labels.min() <= listing.labels.max() < len(listing.classes):
        raise DataError(f"{spec}: labels are outside 0..{len(listing.classes) - 1}")
    unknown = set(np.unique(listing.splits).tolist()) - set(SPLITS)
    if unknown:
        raise DataError(f"{spec}: split {min(unknown)!r} is none of {', '.join(SPLITS)}")
    if listing.groups is not None:
        check_groups(listing.groups, listing.splits, spec)
    return listing
