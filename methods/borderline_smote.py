"""Borderline-SMOTE: Han, Wang and Mao 2005, ICIC, section 3, its first kind."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import whole
from imbench.methods.smote import SMOTE, neighbours
from imbench.training.examples import Examples

__all__ = ["BorderlineSMOTE", "in_danger"]


class BorderlineSMOTE(SMOTE):
    """Add points as SMOTE does, but only from minority images near the border.

    Parameters
    ----------
    k_neighbors : int
        Neighbours in the class to choose from; lowered to the class count less one, with a note.
    m_neighbors : int
        Neighbours among all images that decide whether an image is in danger; lowered to the
        number of others, with a note.

    Notes
    -----
    A minority image is in danger where at least half of its m nearest images, but not all, are of
    other classes. New images lie on segments from those in danger to their nearest neighbours in
    the class. One whose neighbours are all of other classes counts as noise, one with less than
    half as safe. Where no image of a class is in danger, all of them are starting points, as in
    SMOTE, and a note says so. With few minority images among many nearly all are noise, so that
    note is common; where a few are in danger and make all new images, another note says so.

    References
    ----------
    Han, Wang and Mao 2005, "Borderline-SMOTE: a new over-sampling method in imbalanced data sets
    learning", ICIC, LNCS 3644, section 3, doi 10.1007/11538059_91.

    Examples
    --------
    Of 2.5, 8.9, 10.9 and 11.4 among 0 to 8 the first is noise, the second in danger:

    >>> import numpy as np
    >>> x = np.array([*range(9), 2.5, 8.9, 10.9, 11.4], np.float32)[:, None]
    >>> y = np.repeat([0, 1], [9, 4])
    >>> in_danger(x, y, 1, m=3)
    array([False,  True, False, False])
    """

    title: ClassVar[str] = "Borderline-SMOTE"
    constraints: ClassVar = {**SMOTE.constraints, "m_neighbors": whole(1, 1_000_000)}

    def __init__(self, k_neighbors: int = 5, m_neighbors: int = 10) -> None:
        super().__init__(k_neighbors)
        self.m_neighbors = m_neighbors

    def _starts(
        self, x: Examples, y: NDArray[np.int64], label: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        points, own = x.flat(), np.flatnonzero(y == label)
        near = neighbours(points[own], self._k(label, len(own)))
        m = min(self.m_neighbors, len(points) - 1)
        if m < self.m_neighbors:
            self.notes_.append(
                f"{self.title}'s m lowered from {self.m_neighbors} to {m}: "
                f"there are {len(points)} images"
            )
        starts = np.flatnonzero(in_danger(points, y, label, m))
        if len(starts) == 0:
            self.notes_.append(
                f"no image of class {label} is in danger: {self.title} acts as SMOTE"
            )
            starts = np.arange(len(own))
        elif len(starts) < len(own) / 2:
            self.notes_.append(
                f"fewer than half of the images of class {label} are in danger: {self.title} makes "
                "all new ones from those"
            )
        return starts, near[starts]


def in_danger(
    points: NDArray[np.float32], y: NDArray[np.int64], label: int, m: int
) -> NDArray[np.bool_]:
    """Return which images of a class are in danger, in their order."""
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=m + 1).fit(points)
    near = found.kneighbors(points[y == label], return_distance=False)[:, 1:]
    others = (y[near] != label).sum(axis=1)
    return np.asarray((others >= m / 2) & (others < m))
