"""Deep ensembles of any recipe: Lakshminarayanan et al. 2017, arXiv 1612.01474, section 2.4."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.methods._ensemble import EnsemblePart

__all__ = ["Ensemble"]


class Ensemble(EnsemblePart):
    """Train several networks on the same images, and average their logits.

    Parameters
    ----------
    members : int
        Number of networks; 1 is the recipe without it.
    each : bool
        Give each of them all steps; otherwise they share those that a method has.

    Notes
    -----
    The networks differ in initial weights, order of the batches and augmentation. Averages vary
    less than what is averaged, whatever the recipe: so this is the yardstick of methods of several
    networks, and what they must beat at the same cost. By default each has all steps, so that it
    costs `members` times what a method costs, and the record says so.

    References
    ----------
    Lakshminarayanan, Pritzel and Blundell 2017, "Simple and scalable predictive uncertainty
    estimation using deep ensembles", NeurIPS, section 2.4, arXiv 1612.01474.

    Examples
    --------
    >>> Ensemble(members=3, each=False).member_steps(1000)
    [334, 333, 333]
    """

    title: ClassVar[str] = "Ensemble"

    def __init__(self, members: int = 5, each: bool = True) -> None:
        super().__init__(members, each)

    def member_sets(
        self,
        y: NDArray[np.int64],
        score: Callable[[NDArray[np.int64]], NDArray[np.float64]],
        rng: np.random.Generator,
    ) -> Iterator[None]:
        """Yield None, all rows, for each network."""
        yield from [None] * self.members
