"""Square-root sampling: Kang et al. 2020, arXiv 1910.09217, section 3.1, equation 1."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number
from imbench.training.part import Part

__all__ = ["PowerSampling"]


class PowerSampling(Part):
    """Draw classes in proportion to a power of their counts.

    Parameters
    ----------
    q : float
        The power: 1 is plain training, 0 draws all classes alike, 0.5 is square-root sampling.

    Notes
    -----
    The next image is of class c with the chance

        n_c**q / sum_k n_k**q

    and any image of the class with the same chance; images are drawn with replacement. At 0.5 the
    ratio IR of two classes becomes its square root, as with ``os:rho=0.5``, but no list of copies
    is made. What is left of the imbalance stays in the priors: ``sqrt+cs`` and ``sqrt+ts`` correct
    for it. It does nothing to classes of equal size but drawing with replacement.

    References
    ----------
    Kang, Xie, Rohrbach, Yan, Gordo, Feng and Kalantidis 2020, "Decoupling representation and
    classifier for long-tailed recognition", ICLR, section 3.1, arXiv 1910.09217.

    Examples
    --------
    Share of the minority among what is drawn, at counts (100, 1):

    >>> import numpy as np
    >>> y = np.repeat([0, 1], [100, 1])
    >>> for q in (0.0, 0.5):
    ...     chances = PowerSampling(q).draw(y)
    ...     print(q, round(chances[y == 1].sum() / chances.sum(), 3))
    0.0 0.5
    0.5 0.091
    """

    title: ClassVar[str] = "Sqrt"
    constraints: ClassVar = {"q": number(0, 1)}

    def __init__(self, q: float = 0.5) -> None:
        self.q = q

    def draw(self, y: NDArray[np.int64]) -> NDArray[np.float64] | None:
        """Return chances (n,); None, a plain shuffle, at q = 1."""
        if self.q == 1:
            return None
        return np.asarray(np.bincount(y).astype(np.float64) ** (self.q - 1))[y]
