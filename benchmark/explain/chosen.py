"""Which images of a cell are explained: held out, with an object where masks exist."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from imbench.images.dataset import Decoded, Images
from imbench.images.subsets import subset
from imbench.records.cell import Cell
from imbench.seeds import stream

__all__ = ["Chosen", "choose"]


@dataclass(frozen=True)
class Chosen:
    """Images that no training of the cell has seen.

    Attributes
    ----------
    split : str
        ``test``, or ``train``: images of the training split that the cell leaves out.
    rows : int array (n,)
        Rows in that split.
    pixels, labels
        The images and their classes.
    masks : bool array (n, height, width) or None
        Their objects.
    notes : tuple of str
        What was left out, in sentences.
    """

    split: str
    rows: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_] | None
    notes: tuple[str, ...] = ()

    def first(self, count: int) -> Chosen:
        """Return the first `count` of them, spread evenly over the classes that there are."""
        order = _in_turns(self.labels)[:count]
        masks = None if self.masks is None else self.masks[order]
        return Chosen(
            self.split, self.rows[order], self.pixels[order], self.labels[order], masks, self.notes
        )

    @cached_property
    def digest(self) -> str:
        """Hash of what was chosen, masks included, which no fingerprint of data covers."""
        made = hashlib.sha256(f"{self.split} {self.rows.tolist()}".encode())
        made.update(np.ascontiguousarray(self.pixels).tobytes())
        if self.masks is not None:
            made.update(np.packbits(self.masks).tobytes())
        return made.hexdigest()[:16]


def choose(decoded: Decoded, cell: Cell, most: int) -> Chosen:
    """Return at most `most` images of each class for a cell.

    Test images with an object; where the test split has no masks, training images with one that
    the cell was not trained on; where there are none either, test images without. The order is the
    same for all methods, counts and seeds.
    """
    names, notes = decoded.classes, []
    fault = _unfit(decoded.test) or _unfit(decoded.train)
    if fault:
        notes.append(fault)
    elif decoded.test.masks is not None:
        candidates = np.arange(len(decoded.test))
        with_object, notes = _with_object(decoded.test, candidates, names)
        notes += [
            f"no {name} test image has an object"
            for name in _lacking(decoded.test, with_object, names)
        ]
        if len(with_object):
            return _take("test", decoded.test, with_object, most, notes)
    elif decoded.train.masks is not None:
        labels = decoded.train.labels
        seen = subset(labels, minority=cell.shots, majority=cell.majority, replicate=cell.seed)
        candidates = np.setdiff1d(np.arange(len(labels)), seen)
        with_object, notes = _with_object(decoded.train, candidates, names)
        for name in _lacking(decoded.train, with_object, names):
            more = "--majority" if name == names[0] else "a smaller --minority"
            notes.append(f"no {name} image with an object is held out: give the run {more}")
        if len(with_object):
            held = (
                "test images have no masks: training images that the cells left out are explained"
            )
            return _take("train", decoded.train, with_object, most, [held, *notes])
        notes.append("no image with a mask is left that the cells were not trained on")
    else:
        notes.append(
            "the data set has no object masks: nothing is measured of objects, and no background "
            "is swapped"
        )
    return _take("test", decoded.test, np.arange(len(decoded.test)), most, notes, masked=False)


def _unfit(images: Images) -> str:
    """Say that masks have another size than their images; empty if they have not."""
    masks = images.masks
    if masks is None or masks.shape[:3] == images.pixels.shape[:3]:
        return ""
    return (
        f"masks of {'x'.join(map(str, masks.shape[1:]))} px do not fit images of "
        f"{'x'.join(map(str, images.pixels.shape[1:3]))} px: they are not used"
    )


def _with_object(
    images: Images, rows: NDArray[np.int64], classes: tuple[str, ...]
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the rows whose mask has an object, not the whole image, and what to say of others."""
    assert images.masks is not None  # noqa: S101 - the caller has looked
    masks = np.asarray(images.masks)[rows]
    good = masks.any(axis=(1, 2)) & ~masks.all(axis=(1, 2))
    notes = []
    for label, name in enumerate(classes):
        own = images.labels[rows] == label
        if bad := int((own & ~good).sum()):
            plural = "s are" if bad > 1 else " is"
            notes.append(
                f"{bad} {name} image{plural} left out: no object in the mask, or nothing else"
            )
    return rows[good], notes


def _lacking(images: Images, rows: NDArray[np.int64], classes: tuple[str, ...]) -> list[str]:
    """Return the classes that no row is of."""
    found = set(np.asarray(images.labels)[rows].tolist())
    return [name for label, name in enumerate(classes) if label not in found]


def _take(
    split: str,
    images: Images,
    rows: NDArray[np.int64],
    most: int,
    notes: list[str],
    *,
    masked: bool = True,
) -> Chosen:
    taken = []
    for label in np.unique(images.labels[rows]):
        order = stream(0, f"images to explain of class {label}").permutation(len(images.labels))
        own = order[np.isin(order, rows) & (images.labels[order] == label)]
        taken.append(own[:most])
    chosen = np.concatenate(taken)
    return Chosen(
        split,
        chosen.astype(np.int64),
        np.asarray(images.pixels)[chosen],
        np.asarray(images.labels)[chosen],
        np.asarray(images.masks)[chosen] if masked and images.masks is not None else None,
        tuple(notes),
    )


def _in_turns(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an order that takes one image of each class in turn."""
    place = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        place[own] = np.arange(len(own))
    return np.asarray(np.lexsort((labels, place)), np.int64)
