"""Progressively balanced sampling (PB): Kang et al. 2020, arXiv 1910.09217, section 3.1."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number
from imbench.training.drawing import cumulated, draw_rows
from imbench.training.part import Part

if TYPE_CHECKING:
    from imbench.training.state import TrainState

__all__ = ["Progressive"]


class Progressive(Part):
    """Go from drawing images alike to drawing classes alike in the course of training.

    Parameters
    ----------
    end : float
        How far it goes: 1 ends with all classes alike, 0 is plain training.

    Notes
    -----
    After a share t of the steps the next image is of class c with the chance

        (1 - end t) n_c / n + end t / K

    for K classes, and any image of the class with the same chance; images are drawn with
    replacement. Features are learned from what there is, and the last steps weigh the classes
    alike. The priors, which TS and weights beside it use, are the mean of these chances over the
    training.

    References
    ----------
    Kang, Xie, Rohrbach, Yan, Gordo, Feng and Kalantidis 2020, "Decoupling representation and
    classifier for long-tailed recognition", ICLR, section 3.1, arXiv 1910.09217.

    Examples
    --------
    Share of the minority among what is drawn, over the whole training, at counts (99, 1):

    >>> import numpy as np
    >>> y = np.repeat([0, 1], [99, 1])
    >>> chances = Progressive().draw(y)
    >>> print(round(chances[y == 1].sum() / chances.sum(), 3))
    0.255
    """

    title: ClassVar[str] = "PB"
    constraints: ClassVar = {"end": number(0, 1)}

    def __init__(self, end: float = 1.0) -> None:
        self.end = end

    def draw(self, y: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return the mean over the training of each image's chance, shape (n,)."""
        return None if self.end == 0 else self._chances(y, 0.5)

    def batches(self, state: TrainState) -> Iterator[NDArray[np.int64]] | None:
        """Yield batches that become more and more balanced."""
        return None if self.end == 0 else self._drawn(state)

    def _drawn(self, state: TrainState) -> Iterator[NDArray[np.int64]]:
        size, rng = state.budget.batch_size, state.rng("batch order")
        for step in range(state.steps):
            chances = self._chances(state.labels, step / max(1, state.steps - 1))
            yield draw_rows(cumulated(chances), size, rng)

    def _chances(self, y: NDArray[np.int64], done: float) -> NDArray[np.float64]:
        """Return chances (n,) that add up to 1, after a share of the steps."""
        counts, share = np.bincount(y).astype(np.float64), self.end * done
        return np.asarray((1 - share) / len(y) + share / (len(counts) * counts))[y]
