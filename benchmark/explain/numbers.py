"""Numbers of kept explanations, by method, count and seed: means over images, paired or not."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imbench.explain.context import SWAPS
from imbench.explain.measures import lift
from imbench.explain.stored import Kept, kept
from imbench.records.groups import Group
from imbench.records.store import Store

__all__ = [
    "BOUNDS",
    "CONTEXT",
    "KINDS",
    "Explained",
    "PerImage",
    "differences",
    "explained_of",
    "per_image",
    "same_images",
]

CONTEXT = "context"
"""Name under which the counterfactual is kept."""
KINDS = ("train", "test", "generated")
"""Kinds of images whose features are placed in a plane, by their code."""
BOUNDS: Mapping[str, tuple[float, float]] = {
    "lift": (-math.inf, 1.0),
    **{f"{name}_change": (-1.0, 1.0) for name in SWAPS},
}
"""The least and the largest value of a measure; 0 and 1 of those that are not here."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class PerImage:
    """Measures of a cell's images.

    Attributes
    ----------
    title : str
        Name of the map method in tables; empty for the counterfactual.
    split : str
        Where the images come from.
    rows, labels : int array (n,)
        Rows in the split, and classes.
    right : bool array (n,)
        Whether the cell calls the image what it is.
    values : dict
        Name of a measure to its value for each image, NaN where it has none.
    """

    title: str
    split: str
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    right: NDArray[np.bool_]
    values: Mapping[str, NDArray[np.float64]]

    def mean(self, name: str, label: int) -> float:
        """Return the mean over the images of a class that have a value, NaN if none has."""
        return _mean(self.values[name][self.labels == label])

    def share_right(self, label: int) -> float:
        """Return the share of the images of a class that are called it, NaN if there are none."""
        return _mean(self.right[self.labels == label].astype(np.float64))


Explained = Mapping[tuple[str, int], Mapping[int, PerImage]]
"""Recipe and count to seed to measures."""


def per_image(found: Kept) -> PerImage:
    """Return the measures of what is kept of a map method, or of the counterfactual.

    Raises
    ------
    ValueError
        If its arrays are none of these.
    """
    arrays = found.arrays
    try:
        rows, labels = arrays["rows"].astype(np.int64), arrays["labels"].astype(np.int64)
        right, values = _of_swaps(arrays, labels) if found.what == CONTEXT else _of_maps(arrays)
        split = str(arrays["split"][()])
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError(f"it lacks {error}") from error
    if any(len(one) != len(rows) for one in (labels, right, *values.values())):
        raise ValueError("its arrays have different lengths")
    return PerImage(str(found.stamp.get("title", "")), split, rows, labels, right, values)


def explained_of(group: Group, store: Store, what: str) -> Explained:
    """Return the measures of all finished records of a group under one name."""
    made: dict[tuple[str, int], dict[int, PerImage]] = {}
    places = [(method, count) for method in group.rows for count in group.counts]
    for method, count in places:
        for seed, record in sorted(group.slots.get((method, count), {}).items()):
            found = kept(store, record, what) if record.done else None
            if found is None:
                continue
            try:
                made.setdefault((method.recipe, count), {})[seed] = per_image(found)
            except ValueError as error:
                path = store.file_path(record.cell, what)
                _LOG.warning("what is kept beside %s cannot be read: %s", path.name, error)
    return made


def same_images(one: PerImage, other: PerImage) -> bool:
    """Whether measures are of the same images: not if explained with another number of them."""
    return one.split == other.split and np.array_equal(one.rows, other.rows)


def differences(
    explained: Explained, pair: tuple[str, str], count: int, name: str, label: int | None = None
) -> dict[int, float]:
    """Return seed to the mean of first - second over the images that both get right.

    Of one class, or of all classes alike: the mean of the class means, so that the larger one
    counts no more. Seeds without an image that both get right are left out.
    """
    first, second = (explained.get((recipe, count), {}) for recipe in pair)
    found = {}
    for seed in sorted(set(first) & set(second)):
        one, other = first[seed], second[seed]
        if not same_images(one, other):
            continue
        apart = one.values[name] - other.values[name]
        both = one.right & other.right & np.isfinite(apart)
        labels = np.unique(one.labels) if label is None else [label]
        means = [_mean(apart[both & (one.labels == each)]) for each in labels]
        known = [mean for mean in means if math.isfinite(mean)]
        if known:
            found[seed] = math.fsum(known) / len(known)
    return found


def _of_maps(
    arrays: Mapping[str, NDArray[np.float64]],
) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.float64]]]:
    names = ("hits", "energy", "insertion", "deletion", "area", "near", "z", "error", "passes")
    values = {name: arrays[name].astype(np.float64) for name in (*names, "empty", "broken")}
    values["lift"] = lift(values["energy"], values["area"])
    return arrays["right"].astype(bool), values


def _of_swaps(
    arrays: Mapping[str, NDArray[np.float64]], labels: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], dict[str, NDArray[np.float64]]]:
    plain = arrays["z_plain"].astype(np.float64)
    rows = np.arange(len(labels))
    values = {"z": plain[rows, labels]}
    for name in SWAPS:
        if f"z_{name}" in arrays:
            after = arrays[f"z_{name}"].astype(np.float64)
            change = after[rows, labels] - plain[rows, labels]
            values[f"{name}_change"] = change
            values[f"{name}_moved"] = np.abs(change)
            flips = after.argmax(axis=1) != plain.argmax(axis=1)
            values[f"{name}_flips"] = flips.astype(np.float64)
    return plain.argmax(axis=1) == labels, values


def _mean(values: NDArray[np.float64] | Sequence[float]) -> float:
    finite = np.asarray(values)[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else math.nan
