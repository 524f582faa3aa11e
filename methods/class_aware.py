"""Class-aware sampling (CAS): Shen, Lin and Huang 2016, arXiv 1512.05830, section 3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.training.part import Part

if TYPE_CHECKING:
    from imbench.training.state import TrainState

__all__ = ["ClassAware", "class_aware_batches"]


class ClassAware(Part):
    """Fill every batch with equally many images of each class.

    Notes
    -----
    There is a list of the classes and a list of the images of each. Classes are taken from their
    list in turn, and the next image from the list of that class; a list that has come to its end is
    shuffled and begins anew. So a batch of m images has m / K of each class, and no image of a
    class is shown again before all others of it were. Oversampling shows the classes equally often
    on average only, and one in thousands of batches without any of the minority. It does nothing
    else: few images of the minority are seen often.

    References
    ----------
    Shen, Lin and Huang 2016, "Relay backpropagation for effective learning of deep convolutional
    neural networks", ECCV, section 3, arXiv 1512.05830.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.repeat([0, 1], [90, 3])
    >>> batches = class_aware_batches(y, 8, np.random.default_rng(0))
    >>> [np.bincount(y[next(batches)]).tolist() for _ in range(3)]
    [[4, 4], [4, 4], [4, 4]]
    """

    title: ClassVar[str] = "CAS"

    def draw(self, y: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return chances (n,) in inverse proportion to the class counts."""
        return np.asarray(1 / np.bincount(y)[y])

    def batches(self, state: TrainState) -> Iterator[NDArray[np.int64]]:
        """Yield batches of equally many rows of each class."""
        return class_aware_batches(state.labels, state.budget.batch_size, state.rng("batch order"))


def class_aware_batches(
    y: NDArray[np.int64], size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Yield rows of `y`, without end: `size` at a time, classes in turn."""
    classes = _Walk(np.unique(y), rng)
    images = {label: _Walk(np.flatnonzero(y == label), rng) for label in np.unique(y)}
    while True:
        chosen = classes.take(size)
        rows = np.empty(size, np.int64)
        for label, walk in images.items():
            places = np.flatnonzero(chosen == label)
            rows[places] = walk.take(len(places))
        yield rows


class _Walk:
    """A list that is walked and shuffled anew each time it ends."""

    def __init__(self, items: NDArray[np.int64], rng: np.random.Generator) -> None:
        self.items, self.rng = items, rng
        self.queue = items[:0]

    def take(self, n: int) -> NDArray[np.int64]:
        while len(self.queue) < n:
            self.queue = np.concatenate([self.queue, self.rng.permutation(self.items)])
        taken, self.queue = self.queue[:n], self.queue[n:]
        return taken
