"""Judges before translated test images: one data set, one or more trained classifiers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.generators.oracle import Oracle
from imbench.generators.quality import Copying, change, copying, flip_rate, hit_rate
from imbench.images.dataset import Decoded, Images
from imbench.images.subsets import subset
from imbench.seeds import stream

__all__ = ["MOST", "JudgeShares", "Jury", "Looked", "PairQuality", "Translate"]

MOST = 1000
"""Test images of a class that are translated: the standard error of a share is then below 0.016."""

Pixels = NDArray[np.uint8]
Translate = Callable[[Pixels, bool], Pixels]
"""Takes images and whether they go to the minority, returns as many."""


class JudgeShares(NamedTuple):
    """What one judge says: shares of images that it takes for the class translated to."""

    forth: float
    """Of the majority, towards the minority."""
    back: float
    flip_forth: float = 0.0
    """Share of those that it did not take for it before."""
    flip_back: float = 0.0


@dataclass(frozen=True, eq=False)
class Looked:
    """Images as the judges see them: labels (n,) by each judge, features (n, d) by the first."""

    pixels: Pixels
    labels: tuple[NDArray[np.int64], ...]
    features: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairQuality:
    """All that is measured of one pair of generators."""

    verdicts: tuple[JudgeShares, ...]
    """One a judge."""
    change: float
    """Mean absolute change of a pixel from majority to minority, 0 to 1."""
    forth: NDArray[np.float64]
    """Features (n, d) of translations to the minority; row i comes from one image in all pairs."""
    back: NDArray[np.float64]
    copying: Copying
    """In the features of the first judge."""
    copying_pixels: Copying


class Jury:
    """Judges, and the real images of a data set that they are to compare with.

    Parameters
    ----------
    data : Decoded
        The data set; only its test images are translated.
    judges : sequence of Oracle
        The features of the first are compared.
    """

    def __init__(self, data: Decoded, judges: Sequence[Oracle]) -> None:
        self.data = data
        self.judges = tuple(judges)
        self._real: dict[int, Looked] = {}
        self._train: dict[int, NDArray[np.float64]] = {}

    def real(self, label: int) -> Looked:
        """Return the test images of a class, at most `MOST`, in an order that hides nothing."""
        if label not in self._real:
            rows = np.flatnonzero(self.data.test.labels == label)
            rows = stream(0, f"test images of class {label}").permutation(rows)[:MOST]
            self._real[label] = self._look(self.data.test.pixels[rows])
        return self._real[label]

    def size(self, label: int) -> int:
        """Return how many images of either side are compared: equally many for all generators."""
        return min(len(self.real(0).pixels), len(self.real(label).pixels))

    def ceiling(self, label: int) -> tuple[JudgeShares, ...]:
        """Return each judge's accuracy on real test images of the minority and the majority."""
        b, a = self.real(label).labels, self.real(0).labels
        return tuple(
            JudgeShares(hit_rate(x, label), hit_rate(y, 0)) for x, y in zip(b, a, strict=True)
        )

    def floor(self, label: int) -> tuple[JudgeShares, ...]:
        """Return the shares of untranslated test images that judges take for the other class."""
        a, b = self.real(0).labels, self.real(label).labels
        return tuple(
            JudgeShares(hit_rate(x, label), hit_rate(y, 0)) for x, y in zip(a, b, strict=True)
        )

    def judge(
        self, translate: Translate, label: int, *, minority: int, majority: int | None, seed: int
    ) -> PairQuality:
        """Measure generators on the test images of the majority and of one minority.

        Parameters
        ----------
        translate : callable
            The generators.
        label : int
            Of the minority they translate to.
        minority, majority, seed
            Of the cell: which training images they saw.
        """
        a, b = self.real(0), self.real(label)
        forth, back = (
            self._look(translate(x.pixels, to_minority))
            for x, to_minority in ((a, True), (b, False))
        )
        verdicts = tuple(
            JudgeShares(
                hit_rate(forth.labels[j], label),
                hit_rate(back.labels[j], 0),
                flip_rate(a.labels[j], forth.labels[j], label),
                flip_rate(b.labels[j], back.labels[j], 0),
            )
            for j in range(len(self.judges))
        )
        own, spare = self._training(label, minority, majority, seed)
        near = self._copying(forth, b, label, own, spare)
        n = self.size(label)
        return PairQuality(
            verdicts,
            change(a.pixels, forth.pixels),
            forth.features[:n],
            back.features[:n],
            *near,
        )

    def _copying(
        self,
        fakes: Looked,
        held_out: Looked,
        label: int,
        own: NDArray[np.int64],
        spare: NDArray[np.int64],
    ) -> tuple[Copying, Copying]:
        if label not in self._train:
            self._train[label] = self.judges[0].look(_of_class(self.data.train, label))[1]
        pixels, known = _of_class(self.data.train, label), self._train[label]
        both = (
            (fakes.features, held_out.features, known[own], known[spare]),
            (*map(_flat, (fakes.pixels, held_out.pixels, pixels[own], pixels[spare])),),
        )
        first, second = (_compared(*given) for given in both)
        return first, second

    def _training(
        self, label: int, minority: int, majority: int | None, seed: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which of the class's training images the generators saw, and some they did not."""
        labels = self.data.train.labels
        rows = subset(labels, minority=minority, majority=majority, replicate=seed)
        of_class = np.flatnonzero(labels == label)
        seen = np.isin(of_class, rows)
        spare = stream(seed, "spare images").permutation(np.flatnonzero(~seen))
        return np.flatnonzero(seen), spare[: max(MOST, int(seen.sum()))]

    def _look(self, pixels: Pixels) -> Looked:
        if pixels.ndim != 4:
            raise UsageError("generators translate images, not rows of features")
        looked = [judge.look(pixels) for judge in self.judges]
        return Looked(pixels, tuple(labels for labels, _ in looked), looked[0][1])


def _compared(
    fakes: NDArray[np.float64],
    test: NDArray[np.float64],
    training: NDArray[np.float64],
    spare: NDArray[np.float64],
) -> Copying:
    if not len(spare):
        # Where all training images are used, half of the test images stand for spare ones.
        test, spare = test[::2], test[1::2]
    return copying(fakes, training, test, spare, stream(0, "copying"))


def _of_class(images: Images, label: int) -> Pixels:
    return images.pixels[np.flatnonzero(images.labels == label)]


def _flat(pixels: Pixels) -> NDArray[np.float64]:
    return pixels.reshape(len(pixels), math.prod(pixels.shape[1:])) / 255.0
