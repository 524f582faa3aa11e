"""Halves of a test set: what is chosen on one of them is scored on the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LEAST_IMAGES", "halves_of"]

LEAST_IMAGES = 2
"""Test images of a class below which no half can have one beside the other."""


def halves_of(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each test image the half it is in, 0 or 1, shape (n,).

    Images of a class are put in the order of a hash of their place in the test set, and go to the
    halves in turn. The data set's fingerprint fixes the places, so all methods and seeds have the
    same halves. Of an odd number the extra image goes to half 0 or 1 by the parity of the label.

    Raises
    ------
    ValueError
        If a class that has a test image has one only.

    Examples
    --------
    >>> halves_of(np.array([0, 0, 0, 0, 1, 1])).tolist()
    [0, 1, 0, 1, 1, 0]
    """
    labels = np.asarray(labels)
    halves = np.zeros(len(labels), np.int64)
    order = np.argsort(_hashed(np.arange(len(labels))), kind="stable")
    for label in np.unique(labels):
        rows = order[labels[order] == label]
        if len(rows) < LEAST_IMAGES:
            raise ValueError(
                f"class {label} has one test image: to choose a threshold on one half of the test "
                "images and score it on the other takes two of each class or more"
            )
        halves[rows] = (np.arange(len(rows)) + label) % 2
    return halves


def _hashed(places: NDArray[Any]) -> NDArray[np.uint64]:
    """Return the splitmix64 hash of whole numbers (Steele, Lea and Flood, OOPSLA 2014)."""
    mixed = places.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)), np.uint64)
