"""Which images of a cell are explained: held out, with an object where masks exist."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
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
    scenes : Images or None
        Images of classes that have no object, such as sound parts: backgrounds for the others.
    notes : tuple of str
        What was left out, in sentences.
    """

    split: str
    rows: NDArray[np.int64]
    pixels: NDArray[np.uint8]
    labels: NDArray[np.int64]
    masks: NDArray[np.bool_] | None
    notes: tuple[str, ...] = ()
    scenes: Images | None = None

    def first(self, count: int, scenes: int = 0) -> Chosen:
        """Return the first `count` of them and of the scenes, spread evenly over the classes."""
        order = _in_turns(self.labels)[:count]
        kept = None
        if scenes and self.scenes is not None:
            places = _in_turns(self.scenes.labels)[:scenes]
            kept = Images(self.scenes.pixels[places], self.scenes.labels[places])
        return replace(
            self,
            rows=self.rows[order],
            pixels=self.pixels[order],
            labels=self.labels[order],
            masks=None if self.masks is None else self.masks[order],
            scenes=kept,
        )

    @cached_property
    def digest(self) -> str:
        """Hash of what was chosen, masks included, which no fingerprint of data covers."""
        made = hashlib.sha256(f"{self.split} {self.rows.tolist()}".encode())
        made.update(np.ascontiguousarray(self.pixels).tobytes())
        if self.masks is not None:
            made.update(np.packbits(self.masks).tobytes())
        if self.scenes is not None:
            made.update(np.ascontiguousarray(self.scenes.pixels).tobytes())
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
        with_object = _with_object(decoded.test, candidates)
        notes = _notes(decoded.test, candidates, with_object, names)
        if len(with_object):
            return _take("test", decoded.test, with_object, most, notes, candidates)
    elif decoded.train.masks is not None:
        labels = decoded.train.labels
        seen = subset(labels, minority=cell.shots, majority=cell.majority, replicate=cell.seed)
        candidates = np.setdiff1d(np.arange(len(labels)), seen)
        with_object = _with_object(decoded.train, candidates)
        notes = _notes(decoded.train, candidates, with_object, names)
        if len(with_object):
            held = (
                "test images have no masks: training images that the cells left out are explained"
            )
            return _take("train", decoded.train, with_object, most, [held, *notes], candidates)
        notes.append("no image with a mask is left that the cells were not trained on")
    else:
        notes.append(
            "the data set has no object masks (--masks FOLDER gives it some): nothing is measured "
            "of objects, and no background is swapped"
        )
    bare = replace(decoded.test, masks=None)
    return _take("test", bare, np.arange(len(bare)), most, notes)


def _unfit(images: Images) -> str:
    """Say that masks have another size than their images; empty if they have not."""
    masks = images.masks
    if masks is None or masks.shape[:3] == images.pixels.shape[:3]:
        return ""
    return (
        f"masks of {'x'.join(map(str, masks.shape[1:]))} px do not fit images of "
        f"{'x'.join(map(str, images.pixels.shape[1:3]))} px: they are not used"
    )


def _with_object(images: Images, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the rows whose mask has an object that is not the whole image."""
    assert images.masks is not None  # noqa: S101 - the caller has looked
    masks = np.asarray(images.masks)[rows]
    return np.asarray(rows[masks.any(axis=(1, 2)) & ~masks.all(axis=(1, 2))])


def _notes(
    images: Images,
    rows: NDArray[np.int64],
    with_object: NDArray[np.int64],
    classes: tuple[str, ...],
) -> list[str]:
    """Return what to say of images of `rows` that are not `with_object`, class by class."""
    notes = []
    for label, name in enumerate(classes):
        good = int((images.labels[with_object] == label).sum())
        bad = int((images.labels[rows] == label).sum()) - good
        if good and bad:
            plural = "s are" if bad > 1 else " is"
            notes.append(
                f"{bad} {name} image{plural} left out: no object in the mask, or nothing else"
            )
        elif not good and not len(_with_object(images, np.flatnonzero(images.labels == label))):
            notes.append(f"no {name} image has an object: they are backgrounds for the others")
        elif not good:
            more = "--majority" if label == 0 else "a smaller --minority"
            notes.append(f"no {name} image with an object is held out: give the run {more}")
    return notes


def _take(
    split: str,
    images: Images,
    rows: NDArray[np.int64],
    most: int,
    notes: list[str],
    candidates: NDArray[np.int64] | None = None,
) -> Chosen:
    """Take images of some rows, and of other `candidates` those of classes without an object."""
    labels = np.asarray(images.labels)
    chosen = _of_each_class(labels, rows, most)
    scenes = None
    if candidates is not None:
        others = candidates[~np.isin(labels[candidates], labels[rows])]
        places = _of_each_class(labels, others, most)
        scenes = Images(np.asarray(images.pixels)[places], labels[places]) if len(places) else None
    return Chosen(
        split,
        chosen,
        np.asarray(images.pixels)[chosen],
        labels[chosen],
        None if images.masks is None else np.asarray(images.masks)[chosen],
        tuple(notes),
        scenes,
    )


def _of_each_class(
    labels: NDArray[np.int64], rows: NDArray[np.int64], most: int
) -> NDArray[np.int64]:
    """Return at most `most` of the rows of each class, drawn alike for all that are explained."""
    taken = [np.arange(0)]
    for label in np.unique(labels[rows]):
        order = stream(0, f"images to explain of class {label}").permutation(len(labels))
        taken.append(order[np.isin(order, rows) & (labels[order] == label)][:most])
    return np.concatenate(taken).astype(np.int64)


def _in_turns(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return an order that takes one image of each class in turn."""
    place = np.empty(len(labels), np.int64)
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        place[own] = np.arange(len(own))
    return np.asarray(np.lexsort((labels, place)), np.int64)
