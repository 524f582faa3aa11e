"""Splits for data sets that have none: stratified, deterministic, each group in one split."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.errors import DataError
from imbench.images.notes import DataNote

__all__ = ["SPLITS", "check_groups", "crossing_groups", "own_split_note", "stratified_splits"]

SPLITS = ("train", "validation", "test")


def stratified_splits(
    names: Sequence[str],
    labels: NDArray[np.int64],
    *,
    test: float,
    validation: float = 0.0,
    groups: Sequence[Hashable] | NDArray[Any] | None = None,
) -> NDArray[np.str_]:
    """Assign each image to a split by a hash of its name or of its group.

    The split depends on neither the content nor the order of the images, and a new image moves few
    others. Each split gets the same share of every class, as nearly as groups allow.

    Parameters
    ----------
    names : sequence of str
        Stable name of each image.
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
    quotas = {
        split: {label: _quota(count, share) for label, count in Counter(labels.tolist()).items()}
        for split, share in (("test", test), ("validation", validation))
    }
    for unit in sorted(units, key=_hash_order):
        counts = Counter(labels[units[unit]].tolist())
        for split, quota in quotas.items():
            if all(quota[label] >= count for label, count in counts.items()):
                splits[units[unit]] = split
                for label, count in counts.items():
                    quota[label] -= count
                break
    if test > 0:
        _fill_test(splits, labels, units)
    return splits


def own_split_note(splits: NDArray[np.str_], test: float, apart: str) -> DataNote:
    """Return the note that a data set has no official split, and what ours does not keep apart."""
    count = int((splits == "test").sum())
    return DataNote(
        "guessed",
        f"no official split: {test:.0%} of each class, {count} of {len(splits)} images, are the "
        f"test split, by a hash of their names; {apart}",
        count,
        "test=SHARE",
    )


def _fill_test(
    splits: NDArray[np.str_], labels: NDArray[np.int64], units: dict[str, list[int]]
) -> None:
    """Move the smallest group of each class to test where all are larger than the share.

    Without it that class would have no test image. One group at least stays in training.
    """
    for label in np.unique(labels).tolist():
        if (splits[labels == label] == "test").any():
            continue
        able = [
            rows
            for name, rows in sorted(units.items(), key=lambda unit: _hash_order(unit[0]))
            if label in labels[rows] and _may_leave(rows, splits, labels)
        ]
        if able:
            splits[min(able, key=len)] = "test"


def _may_leave(rows: list[int], splits: NDArray[np.str_], labels: NDArray[np.int64]) -> bool:
    """Whether training images of each class are left without these."""
    left = splits == "train"
    if not left[rows].all():
        return False
    left[rows] = False
    return set(labels[rows].tolist()) <= set(labels[left].tolist())


def crossing_groups(
    groups: Sequence[Hashable] | NDArray[Any], splits: NDArray[np.str_]
) -> dict[str, list[str]]:
    """Return the groups that are in more than one split, with those splits."""
    splits_of: dict[str, set[str]] = {}
    for group, split in zip(groups, splits.tolist(), strict=True):
        splits_of.setdefault(str(group), set()).add(split)
    return {group: sorted(names) for group, names in splits_of.items() if len(names) > 1}


def check_groups(
    groups: Sequence[Hashable] | NDArray[Any], splits: NDArray[np.str_], owner: str
) -> None:
    """Raise DataError if a group is in more than one split."""
    crossing = crossing_groups(groups, splits)
    if crossing:
        group, names = next(iter(crossing.items()))
        raise DataError(
            f"{owner}: {len(crossing)} groups are in more than one split, e.g. {group!r} in "
            f"{' and '.join(names)}; correct the split column or omit it"
        )


def _quota(count: int, share: float) -> int:
    # At least one image for a share above 0, and at least one remaining for training.
    return 0 if share == 0 or count < 2 else min(count - 1, max(1, round(count * share)))


def _hash_order(text: str) -> tuple[bytes, str]:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest(), text
