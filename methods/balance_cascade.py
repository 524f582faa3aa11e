"""BalanceCascade: Liu, Wu and Zhou 2009, IEEE Transactions on SMC B 39(2), algorithm 2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.methods._ensemble import BalancedSets, as_many_of_each

__all__ = ["BalanceCascade", "kept_counts"]


class BalanceCascade(BalancedSets):
    """As EasyEnsemble, but each network leaves out what those before it have no doubt about.

    Parameters
    ----------
    members : int
        Number of networks.
    each : bool
        Give each of them all steps; otherwise they share those that a method has.

    Notes
    -----
    Each network is trained on all images of the smallest class and a random part as large of what
    is left of every other class. Then the images of these that it is most certain about are left
    out, and of n_c images there remain after the i-th of T networks

        n_c (n_min / n_c)**(i / (T - 1))

    so that for the last exactly as many are left as it takes. The logits of all are averaged. Hard
    images of the majority are seen more often, and so are those with a wrong label.

    References
    ----------
    Liu, Wu and Zhou 2009, "Exploratory undersampling for class-imbalance learning", IEEE
    Transactions on Systems, Man, and Cybernetics B 39(2), algorithm 2,
    doi 10.1109/TSMCB.2008.2007853.

    Examples
    --------
    What is left of the majority for each of four networks, at counts (10000, 50):

    >>> [kept_counts(10000, 50, done, 4) for done in range(4)]
    [10000, 1710, 292, 50]
    """

    title: ClassVar[str] = "BalanceCascade"

    def member_sets(
        self,
        y: NDArray[np.int64],
        score: Callable[[NDArray[np.int64]], NDArray[np.float64]],
        rng: np.random.Generator,
    ) -> Iterator[NDArray[np.int64]]:
        """Yield rows with as many of each class; the easy ones are left out in between."""
        counts = np.bincount(y)
        least = int(counts.min())
        left = [np.flatnonzero(y == label) for label in range(len(counts))]
        for done in range(1, self.members + 1):
            yield as_many_of_each(left, least, rng)
            if done == self.members:
                return
            for label, rows in enumerate(left):
                kept = kept_counts(int(counts[label]), least, done, self.members)
                if kept < len(rows):
                    order = np.argsort(_certainty(score(rows), label), kind="stable")
                    left[label] = np.sort(rows[order[:kept]])


def kept_counts(count: int, least: int, done: int, members: int) -> int:
    """Return how many of a class are left after some of the networks."""
    share: float = (least / count) ** (done / max(1, members - 1))
    return round(count * share)


def _certainty(logits: NDArray[np.float64], label: int) -> NDArray[np.float64]:
    """Return the log odds of a class, shape (n,): large where a network is certain of it."""
    others = np.delete(logits, label, axis=1)
    return np.asarray(logits[:, label] - np.logaddexp.reduce(others, axis=1))
