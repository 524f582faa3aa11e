"""EasyEnsemble: Liu, Wu and Zhou 2009, IEEE Transactions on SMC B 39(2), algorithm 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.methods._ensemble import BalancedSets, as_many_of_each

__all__ = ["EasyEnsemble"]


class EasyEnsemble(BalancedSets):
    """Train several networks, each on the minority and as many images of the majority.

    Parameters
    ----------
    members : int
        Number of networks.
    each : bool
        Give each of them all steps; otherwise they share those that a method has.

    Notes
    -----
    Each network gets all images of the smallest class and a random part as large of every other
    class; their logits are averaged. Undersampling alone never sees most of the majority, T parts
    of n_B out of n_A images together hold on average

        n_A (1 - (1 - n_B / n_A)**T)

    different ones. By default the networks share the steps, so that it costs what every method
    costs, and each is trained for less; with ``each=true`` it costs as many times more, and the
    record says so. It does little where the classes are of nearly equal size.

    References
    ----------
    Liu, Wu and Zhou 2009, "Exploratory undersampling for class-imbalance learning", IEEE
    Transactions on Systems, Man, and Cybernetics B 39(2), algorithm 1,
    doi 10.1109/TSMCB.2008.2007853.

    Examples
    --------
    >>> import numpy as np
    >>> y = np.repeat([0, 1], [100, 5])
    >>> sets = EasyEnsemble(members=3).member_sets(y, None, np.random.default_rng(0))
    >>> for rows in sets:
    ...     print(np.bincount(y[rows]).tolist())
    [5, 5]
    [5, 5]
    [5, 5]
    """

    title: ClassVar[str] = "EasyEnsemble"

    def member_sets(
        self,
        y: NDArray[np.int64],
        score: Callable[[NDArray[np.int64]], NDArray[np.float64]],
        rng: np.random.Generator,
    ) -> Iterator[NDArray[np.int64]]:
        """Yield rows with as many of each class, drawn anew for each network."""
        classes = [np.flatnonzero(y == label) for label in np.unique(y)]
        least = min(map(len, classes))
        for _ in range(self.members):
            yield as_many_of_each(classes, least, rng)
