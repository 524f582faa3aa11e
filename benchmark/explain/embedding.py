"""Features of a cell's images in a plane, and what the plane can only suggest, as numbers."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imbench.explain.feature_map import pooled_features
from imbench.explain.numbers import KINDS
from imbench.explain.trained import TrainedNetwork
from imbench.generators.stored import load_generators, stored_generators
from imbench.images.dataset import Decoded
from imbench.images.subsets import subset
from imbench.records.record import Record
from imbench.seeds import stream
from imbench.training.forward import batch_of

__all__ = ["placed", "placed_features", "purity", "separability"]

MOST = 150
"""Images of each class and kind: t-SNE of 900 points takes 5 s on a core."""
NEIGHBOURS = 10
FEWEST = 10
"""Images of each kind from which on a probe is cross-validated."""


def placed_features(
    network: TrainedNetwork, data: Decoded, record: Record, results: Path
) -> dict[str, NDArray[Any]]:
    """Return features of training, test and generated images in a plane, as arrays to keep.

    The features are the means over places of the last feature map, which the last layer sees.
    ``xy`` (n, 2), ``labels`` and ``kinds`` (n,) (index into `KINDS`); ``purity``, ``separability``
    and ``control``, NaN where the cell has no generated images.

    Raises
    ------
    UsageError
        If the network has no feature map.
    DataError
        If stored generators cannot be read.
    """
    pixels, labels, kinds = _images(data, record, results)
    batch = batch_of(pixels.shape[1] ** 2, network.device.type)
    pieces = [
        pooled_features(network.net, network.tensor(pixels[i : i + batch])).cpu().numpy()
        for i in range(0, len(pixels), batch)
    ]
    features = np.concatenate(pieces).astype(np.float64)
    spread = features.std(axis=0)
    features = (features - features.mean(axis=0)) / np.where(spread > 0, spread, 1)
    return {
        "xy": placed(features).astype(np.float32),
        "labels": labels,
        "kinds": kinds,
        "purity": np.array(purity(features, labels, kinds)),
        "separability": np.array(separability(features, labels, kinds, "generated")),
        "control": np.array(separability(features, labels, kinds, "test")),
    }


def placed(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return features (n, d) in a plane (n, 2) by t-SNE, the same at every call.

    Van der Maaten and Hinton 2008, "Visualizing data using t-SNE", Journal of Machine Learning
    Research 9. Distances between groups, and their sizes, mean nothing in it.
    """
    from sklearn.manifold import TSNE

    near = min(30.0, max(2.0, (len(features) - 1) / 4))
    tsne = TSNE(perplexity=near, init="pca", random_state=0, n_jobs=1)
    return np.asarray(tsne.fit_transform(features), np.float64)


def purity(
    features: NDArray[np.float64], labels: NDArray[np.int64], kinds: NDArray[np.int64]
) -> float:
    """Return the share of real neighbours of generated images that are of their class.

    Of the ten nearest of each, weighted so that every class counts alike, added up over all
    generated images: .5 is chance with two classes, also where one is rare (a mean of shares of
    single images would be .39 where it has one image in ten). NaN without generated images.
    """
    from sklearn.neighbors import NearestNeighbors

    made = kinds == KINDS.index("generated")
    if not made.any() or made.all():
        return math.nan
    real = labels[~made]
    count = min(NEIGHBOURS, len(real))
    near = NearestNeighbors(n_neighbors=count).fit(features[~made])
    found = real[near.kneighbors(features[made], return_distance=False)]
    weights = 1 / np.bincount(real, minlength=int(labels.max()) + 1).clip(1)
    shares = weights[found]
    own = shares * (found == labels[made][:, None])
    return float(own.sum() / shares.sum())


def separability(
    features: NDArray[np.float64], labels: NDArray[np.int64], kinds: NDArray[np.int64], kind: str
) -> float:
    """Return how well a linear probe tells images of a kind from training images of their class.

    Its balanced accuracy in five folds, mean over classes: .5 if it cannot. Real test images are
    the control. NaN with fewer than ten images of either.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    probe = LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000)
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    found = []
    for label in np.unique(labels):
        one = (labels == label) & (kinds == KINDS.index(kind))
        other = (labels == label) & (kinds == KINDS.index("train"))
        if min(one.sum(), other.sum()) < FEWEST:
            continue
        rows = np.flatnonzero(one | other)
        score = cross_val_score(
            probe, features[rows], one[rows], cv=folds, scoring="balanced_accuracy"
        )
        found.append(float(score.mean()))
    return math.fsum(found) / len(found) if found else math.nan


def _images(
    data: Decoded, record: Record, results: Path
) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int64]]:
    """Return pixels, labels and kinds of at most `MOST` images of each class and kind."""
    cell = record.cell
    labels = data.train.labels
    seen = subset(labels, minority=cell.shots, majority=cell.majority, replicate=cell.seed)
    train = seen[_some(labels[seen])]
    test = _some(data.test.labels)
    pixels = [np.asarray(data.train.pixels[train]), np.asarray(data.test.pixels[test])]
    targets = [labels[train], data.test.labels[test]]
    for stored in stored_generators([record]):
        sources = train[labels[train] == 0]
        translate = load_generators(stored, results, data.train.pixels.shape[1:])
        pixels.append(translate(np.asarray(data.train.pixels[sources]), to_minority=True))
        targets.append(np.full(len(sources), stored.label))
    sizes = [len(targets[0]), len(targets[1]), sum(map(len, targets[2:]))]
    return (
        np.concatenate(pixels),
        np.concatenate(targets).astype(np.int64),
        np.repeat(np.arange(3), sizes).astype(np.int64),
    )


def _some(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return at most `MOST` places of each class, the same at every call."""
    chosen = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        order = stream(0, f"features of class {label}").permutation(len(own))
        chosen.append(np.sort(own[order[:MOST]]))
    return np.concatenate(chosen)
