"""SMOTE: Chawla et al. 2002, JAIR 16, section 4.2; on pixels, as the paper's table has it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import whole
from imbench.errors import UsageError
from imbench.training.examples import Examples
from imbench.training.part import Part

__all__ = ["SMOTE", "neighbours", "pairs"]


class SMOTE(Part):
    """Add points on segments between minority images and their nearest minority neighbours.

    Parameters
    ----------
    k_neighbors : int
        Neighbours of an image to choose from; lowered to the class count less one, with a note.

    Notes
    -----
    Until every class is as large as the largest it adds

        x_new = x_i + u (x_j - x_i)

    with x_i an image of the class, x_j one of its k nearest neighbours in the class and u uniform
    in [0, 1], one u an image. Neighbours are found on flattened float images in [0, 1]: on uint8
    differences wrap around. New images are two row numbers and a share, made batch by batch, so
    they take no memory. On pixels a point between two images is a double exposure: the method
    suits small or aligned images best. It does nothing to classes of equal size.

    References
    ----------
    Chawla, Bowyer, Hall and Kegelmeyer 2002, "SMOTE: synthetic minority over-sampling technique",
    JAIR 16, section 4.2, doi 10.1613/jair.953.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Examples
    >>> x = np.array([[0], [1], [2], [3], [100], [200]], np.float32)
    >>> y = np.array([0, 0, 0, 0, 1, 1])
    >>> more, labels = SMOTE(k_neighbors=1).resample(Examples(x), y, np.random.default_rng(0))
    >>> print(np.bincount(labels), np.asarray(more)[6:].ravel().round(1))
    [4 4] [105.8 100.8]
    """

    title: ClassVar[str] = "SMOTE"
    constraints: ClassVar = {"k_neighbors": whole(1, 1_000_000)}

    def __init__(self, k_neighbors: int = 5) -> None:
        self.k_neighbors = k_neighbors

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return the counts of equal classes."""
        return np.full(len(counts), counts.max(), np.int64)

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return the examples followed by the new ones: every class as large as the largest."""
        counts = np.bincount(y)
        firsts, seconds, shares, labels = [], [], [], []
        for label, count in enumerate(counts):
            missing = int(counts.max() - count)
            if missing == 0:
                continue
            own = np.flatnonzero(y == label)
            starts, near = self._starts(x, y, label)
            i, j, share = pairs(near, missing, np.random.RandomState(rng.integers(2**32)))
            firsts.append(own[starts[i]])
            seconds.append(own[j])
            shares.append(share)
            labels.append(np.full(missing, label))
        if not firsts:
            return x, y
        new = x.between(np.concatenate(firsts), np.concatenate(seconds), np.concatenate(shares))
        return x.join(new), np.concatenate([y, *labels])

    def _starts(
        self, x: Examples, y: NDArray[np.int64], label: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the images of a class that new ones start from, and their neighbours in it."""
        own = np.flatnonzero(y == label)
        near = neighbours(x[own].flat(), self._k(label, len(own)))
        return np.arange(len(own)), near

    def _k(self, label: int, count: int) -> int:
        title = type(self).title
        if count < 2:
            raise UsageError(f"{title} needs at least 2 images of class {label}, there is {count}")
        if self.k_neighbors <= count - 1:
            return self.k_neighbors
        self.notes_.append(
            f"{title}'s k lowered from {self.k_neighbors} to {count - 1}: "
            f"class {label} has {count} images"
        )
        return count - 1


def neighbours(points: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Return the k nearest other points of each point (n, d), shape (n, k), nearest first."""
    from sklearn.neighbors import NearestNeighbors

    # Without a query each point's own row is left out, duplicates of it are not.
    found = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)
    return np.asarray(found, np.int64)


def pairs(
    near: NDArray[np.int64], n: int, rng: Any
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Draw n segments: first end, second end and share along it, shapes (n,).

    `near` (n_points, k) are each point's neighbours. The draws come in imbalanced-learn's order,
    so that with the same `numpy.random.RandomState` both make the same points.
    """
    drawn = rng.randint(low=0, high=near.size, size=n)
    share = rng.uniform(size=n)
    first, column = np.divmod(drawn, near.shape[1])
    return first, near[first, column], share
