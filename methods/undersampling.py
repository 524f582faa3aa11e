"""Random undersampling (US): Buda et al. 2018, arXiv 1710.05381, section 2."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.methods._rebalancing import Rebalancing, target_counts
from imbench.training.examples import Examples

__all__ = ["Undersampling"]


class Undersampling(Rebalancing):
    """Keep a random part of every class that is larger than the rarest.

    Parameters
    ----------
    rho : float, optional
        How far to go, in [0, 1]: the ratio IR of a class to the rarest becomes IR**(1 - rho).
        Left out it is 1, or 0.5 beside a part that weighs classes: after full balancing its
        weights would all be 1.

    Notes
    -----
    Of n_c images of class c it keeps n_min (n_c / n_min)**(1 - rho), where n_min is the size of
    the rarest class. The images kept at a larger rho are among those kept at a smaller one. It
    uses little of what there is: at counts (10000, 50) and rho 1 half a percent of the majority.
    The number of training steps stays that of every other method. It does nothing to classes of
    equal size.

    References
    ----------
    Buda, Maki and Mazurowski 2018, "A systematic study of the class imbalance problem in
    convolutional neural networks", Neural Networks 106, section 2, arXiv 1710.05381.

    Examples
    --------
    >>> import numpy as np
    >>> from imbench import Examples
    >>> x, y = Examples(np.zeros((105, 2))), np.repeat([0, 1], [100, 5])
    >>> for rho in (0, 0.5, 1):
    ...     _, kept = Undersampling(rho).resample(x, y, np.random.default_rng(0))
    ...     print(rho, np.bincount(kept))
    0 [100   5]
    0.5 [22  5]
    1 [5 5]
    """

    title: ClassVar[str] = "US"

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return how many images of each class are kept."""
        return target_counts(counts, self.rho, up=False)

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return fewer examples, in their order."""
        counts = np.bincount(y)
        kept = [
            rng.permutation(np.flatnonzero(y == label))[:wanted]
            for label, wanted in enumerate(target_counts(counts, self.rho, up=False))
        ]
        rows = np.sort(np.concatenate(kept))
        return x[rows], y[rows]
