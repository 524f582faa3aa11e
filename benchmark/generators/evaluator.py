"""Classify translated test images: one data set, one or more trained classifiers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from imbench.errors import UsageError
from imbench.generators.oracle import ImageClassifier
from imbench.generators.quality import Copying, copying, flip_rate, hit_rate, mean_change
from imbench.images.dataset import Decoded, Images
from imbench.images.subsets import subset
from imbench.methods._reconstruction import error
from imbench.seeds import stream

__all__ = [
    "MAX_IMAGES",
    "ClassifiedImages",
    "Evaluator",
    "PairQuality",
    "TargetShares",
    "Translate",
]

MAX_IMAGES = 1000
"""Test images of a class that are translated: the standard error of a share is then below 0.016."""

Pixels = NDArray[np.uint8]
Translate = Callable[[Pixels, bool], Pixels]
"""Takes images and whether to translate them to the minority; returns as many images."""


class TargetShares(NamedTuple):
    """Shares of images that one classifier assigns to the class they are translated to."""

    to_minority: float
    """Of images of the majority."""
    to_majority: float
    flip_to_minority: float = 0.0
    """Only of images not assigned to that class before translation."""
    flip_to_majority: float = 0.0

    def plain(self) -> dict[str, float]:
        """Return the shares as JSON-ready data."""
        return dict(zip(("forth", "back", "flip_forth", "flip_back"), self, strict=True))


@dataclass(frozen=True, eq=False)
class ClassifiedImages:
    """Images with their labels (n,) by each classifier and features (n, d) of the first."""

    pixels: Pixels
    labels: tuple[NDArray[np.int64], ...]
    features: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PairQuality:
    """All measurements of one pair of generators."""

    shares: tuple[TargetShares, ...]
    """By each classifier."""
    change: float
    """Mean absolute change of a pixel from majority to minority, 0 to 1."""
    restored: float
    """Mean absolute error, in [-1, 1], of majority images translated to the minority and back."""
    to_minority: NDArray[np.float64]
    """Features (n, d) of translations to the minority; row i comes from one image in all pairs."""
    to_majority: NDArray[np.float64]
    copying: Copying
    """In the features of the first classifier."""
    copying_pixels: Copying


class Evaluator:
    """Evaluates pairs of generators with classifiers and the real test images of a data set.

    Parameters
    ----------
    data : Decoded
        The data set; only its test images are translated.
    classifiers : sequence of ImageClassifier
        Features are those of the first.
    """

    def __init__(self, data: Decoded, classifiers: Sequence[ImageClassifier]) -> None:
        self.data = data
        self.classifiers = tuple(classifiers)
        self._real: dict[int, ClassifiedImages] = {}
        self._train_features: dict[int, NDArray[np.float64]] = {}

    def real_images(self, label: int) -> ClassifiedImages:
        """Return at most `MAX_IMAGES` test images of a class, in a fixed random order."""
        if label not in self._real:
            rows = np.flatnonzero(self.data.test.labels == label)
            rows = stream(0, f"test images of class {label}").permutation(rows)[:MAX_IMAGES]
            self._real[label] = self._classify(self.data.test.pixels[rows])
        return self._real[label]

    def sample_size(self, label: int) -> int:
        """Return how many images a side distances compare: as many for all generators."""
        return min(len(self.real_images(0).pixels), len(self.real_images(label).pixels))

    def ceiling(self, label: int) -> tuple[TargetShares, ...]:
        """Return each classifier's accuracy on real test images of the minority and majority."""
        return self._real_shares(label, label, 0)

    def floor(self, label: int) -> tuple[TargetShares, ...]:
        """Return the shares of untranslated test images assigned to the other class."""
        return self._real_shares(label, 0, label)

    def evaluate(
        self, translate: Translate, label: int, *, minority: int, majority: int | None, seed: int
    ) -> PairQuality:
        """Measure a pair of generators on test images of the majority and of one minority.

        Parameters
        ----------
        translate : callable
            The generators.
        label : int
            Label of the minority they translate to.
        minority, majority, seed
            Of the cell: they determine which training images the generators saw.
        """
        majority_images, minority_images = self.real_images(0), self.real_images(label)
        forth = translate(majority_images.pixels, True)
        to_minority = self._classify(forth)
        to_majority = self._classify(translate(minority_images.pixels, False))
        shares = tuple(
            TargetShares(
                hit_rate(to_minority.labels[j], label),
                hit_rate(to_majority.labels[j], 0),
                flip_rate(majority_images.labels[j], to_minority.labels[j], label),
                flip_rate(minority_images.labels[j], to_majority.labels[j], 0),
            )
            for j in range(len(self.classifiers))
        )
        seen, spare = self._training_rows(label, minority, majority, seed)
        n = self.sample_size(label)
        return PairQuality(
            shares,
            mean_change(majority_images.pixels, to_minority.pixels),
            error(majority_images.pixels, translate(forth, False)),
            to_minority.features[:n],
            to_majority.features[:n],
            *self._copying(to_minority, minority_images, label, seen, spare),
        )

    def _real_shares(self, label: int, first: int, second: int) -> tuple[TargetShares, ...]:
        """Return shares of real images: of class `first` for the minority, `second` for 0."""
        return tuple(
            TargetShares(hit_rate(x, label), hit_rate(y, 0))
            for x, y in zip(
                self.real_images(first).labels, self.real_images(second).labels, strict=True
            )
        )

    def _copying(
        self,
        fakes: ClassifiedImages,
        held_out: ClassifiedImages,
        label: int,
        seen: NDArray[np.int64],
        spare: NDArray[np.int64],
    ) -> tuple[Copying, Copying]:
        """Return how near fakes come to training images, in features and in pixels."""
        pixels = _of_class(self.data.train, label)
        if label not in self._train_features:
            self._train_features[label] = self.classifiers[0].classify(pixels)[1]
        features = self._train_features[label]
        in_features = _compared(fakes.features, held_out.features, features[seen], features[spare])
        in_pixels = _compared(
            *map(_flat, (fakes.pixels, held_out.pixels, pixels[seen], pixels[spare]))
        )
        return in_features, in_pixels

    def _training_rows(
        self, label: int, minority: int, majority: int | None, seed: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return rows of the class's training images: those the generators saw, and spare ones."""
        labels = self.data.train.labels
        rows = subset(labels, minority=minority, majority=majority, replicate=seed)
        seen = np.isin(np.flatnonzero(labels == label), rows)
        spare = stream(seed, "spare images").permutation(np.flatnonzero(~seen))
        return np.flatnonzero(seen), spare[: max(MAX_IMAGES, int(seen.sum()))]

    def _classify(self, pixels: Pixels) -> ClassifiedImages:
        if pixels.ndim != 4:
            raise UsageError("generators translate images, not rows of features")
        outputs = [classifier.classify(pixels) for classifier in self.classifiers]
        return ClassifiedImages(pixels, tuple(labels for labels, _ in outputs), outputs[0][1])


def _compared(
    fakes: NDArray[np.float64],
    held_out: NDArray[np.float64],
    training: NDArray[np.float64],
    spare: NDArray[np.float64],
) -> Copying:
    if not len(spare):
        # Where all training images are used, half of the test images replace the spare ones.
        held_out, spare = held_out[::2], held_out[1::2]
    return copying(fakes, training, held_out, spare, stream(0, "copying"))


def _of_class(images: Images, label: int) -> Pixels:
    return images.pixels[np.flatnonzero(images.labels == label)]


def _flat(pixels: Pixels) -> NDArray[np.float64]:
    return pixels.reshape(len(pixels), math.prod(pixels.shape[1:])) / 255.0
