"""Choose the training images: nested subsets, shared by all methods."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.seeds import stream

__all__ = ["check_counts", "subset"]


def subset(
    labels: NDArray[np.int64], *, minority: int, majority: int | None, replicate: int
) -> NDArray[np.int64]:
    """Choose the training rows of one replicate.

    The replicate fixes a permutation of each class, and a subset is its beginning. So the 50
    minority images are among the 100, and every method gets the same images.

    Parameters
    ----------
    labels : int array (n,)
        0 is the majority, every other label a minority.
    minority : int
        Images of each minority class.
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
    """
    available = np.bincount(labels, minlength=2)
    check_counts(available, minority=minority, majority=majority)
    chosen = []
    for label in range(len(available)):
        rows = np.flatnonzero(labels == label)
        order = stream(replicate, f"subset of class {label}").permutation(len(rows))
        count = minority if label > 0 else majority
        chosen.append(rows[order[:count]])
    return np.sort(np.concatenate(chosen)).astype(np.int64)


def check_counts(available: NDArray[np.integer], *, minority: int, majority: int | None) -> None:
    """Raise UsageError if a training set has too few images for the counts.

    `available` are its images of each class, label 0 the majority.
    """
    if len(available) < 2 or (available == 0).any():
        raise UsageError(f"training images per class are {available.tolist()}: a class is missing")
    if minority < 2:
        raise UsageError(f"a minority count of {minority} is too small; at least 2 are needed")
    fewest = int(available[1:].min())
    if minority > fewest:
        raise UsageError(f"{minority} minority images are requested; the training set has {fewest}")
    if majority is not None and not 2 <= majority <= available[0]:
        raise UsageError(
            f"{majority} majority images are requested; 2 to {available[0]} are possible"
        )
    largest = int(available[0]) if majority is None else majority
    if minority > largest:
        raise UsageError(
            f"{minority} minority images exceed the {largest} of the majority; "
            "swap the classes or lower the count"
        )
