"""Class-balanced loss (CBL): Cui et al. 2019, arXiv 1901.05555, sections 3 and 4."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number
from imbench.methods._weights import NORM, normalise
from imbench.training.part import Part

__all__ = ["ClassBalancedLoss", "effective_number"]


class ClassBalancedLoss(Part):
    """Weigh each class by the inverse of its effective number of images.

    Parameters
    ----------
    beta : float
        In [0, 1]: 0 weighs nothing, 1 is the inverse count (CS). Every beta is a method of its
        own, so there is no default.
    norm : {'mean1', 'sum_C'}
        Mean weight 1 over the examples, or weights that add up to the number of classes, as the
        authors' code does.

    Notes
    -----
    The loss of an image of class c is multiplied by w_c, in proportion to

        1 / E(n_c) = (1 - beta) / (1 - beta**n_c)

    where E(n) is the expected number of different images among n, of about 1 / (1 - beta) that
    there are. The batch loss is the mean of w_y times softmax cross-entropy. Where every class has
    many more than 1 / (1 - beta) images it does nothing: at beta 0.9 it equals the plain loss from
    about a hundred minority images on.

    References
    ----------
    Cui, Jia, Lin, Song and Belongie 2019, "Class-balanced loss based on effective number of
    samples", CVPR, Proposition 1 and section 4, arXiv 1901.05555.

    Examples
    --------
    How much more an error on the minority costs, at counts (10000, 50):

    >>> import numpy as np
    >>> counts = np.array([10000.0, 50.0])
    >>> for beta in (0.9, 0.99, 0.999, 1):
    ...     majority, minority = ClassBalancedLoss(beta).class_weights(counts, counts)
    ...     print(beta, round(minority / majority, 2))
    0.9 1.01
    0.99 2.53
    0.999 20.49
    1 200.0
    """

    title: ClassVar[str] = "CBL"
    constraints: ClassVar = {"beta": number(0, 1), "norm": NORM}

    def __init__(self, beta: float, norm: str = "mean1") -> None:
        self.beta = beta
        self.norm = norm

    def class_weights(
        self, counts: NDArray[np.float64], original: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return weights (K,), largest for the rarest class."""
        return normalise(1 / effective_number(counts, self.beta), counts, self.norm)


def effective_number(counts: NDArray[np.float64], beta: float) -> NDArray[np.float64]:
    """Return (1 - beta**n) / (1 - beta) for each count n; n itself at beta = 1."""
    counts = np.asarray(counts, np.float64)
    if beta == 1:
        return counts
    return np.asarray((1 - beta**counts) / (1 - beta))
