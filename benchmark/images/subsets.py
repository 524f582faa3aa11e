"""Choose the training images: nested subsets, shared by all methods."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.seeds import stream

__all__ = ["check_counts", "subset"]


def subset(
    labels: NDArray[np.int64],
    *,
    minority: int | Sequence[int],
    majority: int | None,
    replicate: int,
) -> NDArray[np.int64]:
    """Choose the training rows of one replicate.

    The replicate fixes a permutation of each class, and a subset is its beginning. So the 50
    minority images are among the 100, and every method gets the same images.

    Parameters
    ----------
    labels : int array (n,)
        0 is the majority, every other label a minority.
    minority : int or sequence of int
        Images of each minority class, or of labels 1, 2, ...; a class has the same images at a
        count, whatever the others have.
    majority : int or None
        Images of the majority; None for all.
    replicate : int
        Number of the replicate.

    Returns
    -------
    int array
        Rows, ascending.

    Raises
    ------
    UsageError
        If there are not enough images, or a count is below 2.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import subset
    >>> labels = np.repeat([0, 1], [100, 20])
    >>> few = subset(labels, minority=4, majority=10, replicate=0)
    >>> np.bincount(labels[few])
    array([10,  4])
    >>> more = subset(labels, minority=8, majority=10, replicate=0)
    >>> set(few) < set(more)
    True
    """
    available = np.bincount(labels, minlength=2)
    check_counts(available, minority=minority, majority=majority)
    counts = _each(minority, len(available) - 1)
    chosen = []
    for label in range(len(available)):
        rows = np.flatnonzero(labels == label)
        order = stream(replicate, f"subset of class {label}").permutation(len(rows))
        count = majority if label == 0 else counts[label - 1]
        chosen.append(rows[order[:count]])
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def check_counts(
    available: NDArray[np.integer], *, minority: int | Sequence[int], majority: int | None
) -> None:
    """Raise UsageError if a training set has too few images for the counts.

    `available` are its images of each class, label 0 the majority; `minority` is the count of
    each minority class, or of labels 1, 2, ...
    """
    if len(available) < 2 or (available == 0).any():
        raise UsageError(f"training images per class are {available.tolist()}: a class is missing")
    counts = _each(minority, len(available) - 1)
    if min(counts) < 2:
        raise UsageError(f"a minority count of {min(counts)} is too small; at least 2 are needed")
    for count, there in sorted(zip(counts, available[1:].tolist(), strict=True), key=_room):
        if count > there:
            raise UsageError(f"{count} minority images are requested; the training set has {there}")
    if majority is not None and not 2 <= majority <= available[0]:
        raise UsageError(
            f"{majority} majority images are requested; 2 to {available[0]} are possible"
        )
    largest = int(available[0]) if majority is None else majority
    if max(counts) > largest:
        raise UsageError(
            f"{max(counts)} minority images exceed the {largest} of the majority; "
            "swap the classes or lower the count"
        )


def _each(minority: int | Sequence[int], classes: int) -> list[int]:
    """Return the count of each minority class."""
    counts = [minority] * classes if isinstance(minority, int) else list(minority)
    if len(counts) != classes:
        raise UsageError(f"{len(counts)} minority counts are given for {classes} minority classes")
    return counts


def _room(pair: tuple[int, int]) -> int:
    count, there = pair
    return there - count
