"""Splits of our own where a data set has none: stratified, deterministic, groups kept whole."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError

__all__ = ["SPLITS", "check_groups", "crossing_groups", "split_name", "stratified_splits"]

SPLITS = ("train", "validation", "test")
_ALIASES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}


def split_name(text: str) -> str | None:
    """Return ``train``, ``validation`` or ``test`` for a folder or column value; None for none."""
    return _ALIASES.get(text.strip().lower())


def stratified_splits(
    names: Sequence[str],
    labels: NDArray[np.int64],
    *,
    test: float,
    validation: float = 0.0,
    groups: Sequence[Hashable] | NDArray[Any] | None = None,
) -> NDArray[np.str_]:
    """Assign each image to a split by a hash of its name (or of its group's).

    Neither the content nor the order of the images matters, and a new image moves few others.
    Every class gives the same share to each split, as nearly as whole groups allow.

    Parameters
    ----------
    names : sequence of str
        A stable name per image.
    labels : int array (n,)
        Class of each image.
    test, validation : float
        Shares of each class, in [0, 1).
    groups : sequence, optional
        Images of one group go to one split.

    Returns
    -------
    str array (n,)
    """
    units: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        units.setdefault(name if groups is None else str(groups[row]), []).append(row)
    splits = np.full(len(names), "train", dtype="<U10")
    left = {
        split: {label: _quota(count, share) for label, count in Counter(labels.tolist()).items()}
        for split, share in (("test", test), ("validation", validation))
    }
    for unit in sorted(units, key=_rank):
        wanted = Counter(labels[units[unit]].tolist())
        for split, quota in left.items():
            if all(quota[label] >= count for label, count in wanted.items()):
                splits[units[unit]] = split
                for label, count in wanted.items():
                    quota[label] -= count
                break
    return splits


def crossing_groups(
    groups: Sequence[Hashable] | NDArray[Any], splits: NDArray[np.str_]
) -> dict[str, list[str]]:
    """Return the groups that stand in more than one split, with those splits."""
    seen: dict[str, set[str]] = {}
    for group, split in zip(groups, splits.tolist(), strict=True):
        seen.setdefault(str(group), set()).add(split)
    return {group: sorted(where) for group, where in seen.items() if len(where) > 1}


def check_groups(
    groups: Sequence[Hashable] | NDArray[Any], splits: NDArray[np.str_], owner: str
) -> None:
    """Refuse splits that tear a group apart."""
    crossing = crossing_groups(groups, splits)
    if crossing:
        group, where = next(iter(crossing.items()))
        raise DataError(
            f"{owner}: {len(crossing)} groups stand in more than one split, the first of them "
            f"{group!r} in {' and '.join(where)}; mend the split column or leave it out"
        )


def _quota(count: int, share: float) -> int:
    # At least one image where there is a share at all and one can be spared.
    return 0 if share == 0 or count < 2 else min(count - 1, max(1, round(count * share)))


def _rank(text: str) -> tuple[bytes, str]:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest(), text
