"""Random oversampling (OS): Buda et al. 2018, arXiv 1710.05381, section 2."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.methods._rebalancing import Rebalancing, target_counts
from imbench.training.examples import Examples

__all__ = ["Oversampling"]


class Oversampling(Rebalancing):
    """Repeat the images of every class that is smaller than the most frequent.

    Parameters
    ----------
    rho : float, optional
        How far to go, in [0, 1]: the ratio IR of the largest class to a class becomes
        IR**(1 - rho). Left out it is 1, or 0.5 beside a part that weighs classes.

    Notes
    -----
    The target for n_c images of class c is n_max (n_c / n_max)**(1 - rho), where n_max is the
    size of the largest class. Each image stands floor(target / n_c) times, and the remainder is
    drawn without replacement, so that no image is favoured by more than one copy. Copies are row
    numbers and take no memory. All images of the majority are used, but the few of the minority
    are seen often: augmentation helps against learning them by heart. It does nothing to classes
    of equal size.

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
    ...     _, shown = Oversampling(rho).resample(x, y, np.random.default_rng(0))
    ...     print(rho, np.bincount(shown))
    0 [100   5]
    0.5 [100  22]
    1 [100 100]
    """

    title: ClassVar[str] = "OS"

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Return how often an image of each class stands there."""
        return target_counts(counts, self.rho, up=True)

    def resample(
        self, x: Examples, y: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[Examples, NDArray[np.int64]]:
        """Return the examples followed by their copies, as row numbers."""
        counts = np.bincount(y)
        added = []
        for label, wanted in enumerate(target_counts(counts, self.rho, up=True)):
            own = np.flatnonzero(y == label)
            times, rest = divmod(int(wanted), len(own))
            added += [np.tile(own, times - 1), rng.permutation(own)[:rest]]
        rows = np.concatenate([np.arange(len(y)), *added])
        return x[rows], y[rows]
