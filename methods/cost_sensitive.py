"""Cost-sensitive learning (CS): Elkan 2001; the weights n / (K n_c) are King and Zeng's 2001."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import NONE, choice, number, written
from imbench.errors import UsageError
from imbench.methods._weights import NORM, normalise
from imbench.training.part import Part

__all__ = ["CostSensitive"]


class CostSensitive(Part):
    """Weigh each class by its inverse count.

    Parameters
    ----------
    norm : {'mean1', 'sum_C'}
        Mean weight 1 over the examples, or weights that add up to the number of classes.
    counts : {'sampled', 'original'}
        Counts after resampling, so that beside US or OS only the residual imbalance is weighted;
        or those of the training set as it came, which beside full resampling corrects twice.
    ratio : float, optional
        Weight of the rarest class over that of the most frequent. It replaces their count ratio
        n_A / n_B and does not multiply it: at 1067 and 25 images ``ratio=10`` weighs the minority
        less than plain ``cs``. Classes in between are weighted along the same power of their
        counts.
    cost : float
        Cost of missing a minority image, a false alarm costing 1: it multiplies the weights
        n / (K n_c) of all classes but the majority, label 0. Excludes `ratio`.

    Notes
    -----
    The loss of an image of class c is multiplied by

        w_c = n / (K n_c)

    for K classes and n images, and the batch loss is the mean of w_y times the loss. (torch's own
    weighted mean divides by the weights of the batch: without a minority image they cancel.) Only
    the ratio of the weights matters for what is best to predict: for two classes the minority
    where its probability exceeds 1 / (1 + ratio). The effect fades as a network that separates the
    training images is trained on. It does nothing to classes of equal size.

    References
    ----------
    Elkan 2001, "The foundations of cost-sensitive learning", IJCAI, theorem 1.

    King and Zeng 2001, "Logistic regression in rare events data", Political Analysis 9(2),
    doi 10.1093/oxfordjournals.pan.a004868.

    Byrd and Lipton 2019, "What is the effect of importance weighting in deep learning?", ICML,
    arXiv 1812.03372.

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.array([90.0, 10.0])
    >>> CostSensitive().class_weights(counts, counts)
    array([0.55555556, 5.        ])
    >>> majority, minority = CostSensitive(ratio=3).class_weights(counts, counts)
    >>> print(round(minority / majority, 3))
    3.0
    >>> majority, minority = CostSensitive(cost=3).class_weights(counts, counts)
    >>> print(round(minority / majority, 3))
    27.0
    """

    title: ClassVar[str] = "CS"
    constraints: ClassVar = {
        "norm": NORM,
        "counts": choice("sampled", "original"),
        "ratio": number(0, 1e6, open_low=True) | NONE,
        "cost": number(0, 1e6, open_low=True),
    }

    def __init__(
        self,
        norm: str = "mean1",
        counts: str = "sampled",
        ratio: float | None = None,
        cost: float = 1.0,
    ) -> None:
        self.norm = norm
        self.counts = counts
        self.ratio = ratio
        self.cost = cost

    @property
    def caution(self) -> str:
        """What `ratio` does, which it is easily mistaken for."""
        if self.ratio is None:
            return ""
        ratio = written(self.ratio)
        return (
            f"cs:ratio={ratio} weighs the rarest class {ratio} times as much as the most frequent, "
            f"in place of n_A/n_B; cs:cost={ratio} multiplies n_A/n_B by {ratio}"
        )

    def beside(self, others: Sequence[Part]) -> Self:
        """Refuse a cost beside a ratio, which replaces what the cost would multiply."""
        del others
        if self.ratio is not None and self.cost != 1:
            raise UsageError("cs: ratio and cost exclude each other: leave one out")
        return self

    @property
    def corrects(self) -> Literal["", "rest", "all"]:
        """The imbalance that the sampler leaves, or that of the training set as it came."""
        return "all" if self.counts == "original" else "rest"

    def foresee(self, counts: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.int64]:
        """Refuse a cost ratio between classes of equal size: none of them is the rarest."""
        equal = counts.max() == counts.min()
        if self.ratio is not None and self.counts == "sampled" and equal:
            raise UsageError("cs:ratio needs classes of different size")
        return counts

    def class_weights(
        self, counts: NDArray[np.float64], original: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return weights (K,), largest for the rarest class."""
        basis = counts if self.counts == "sampled" else original
        raw = 1 / basis
        if self.ratio is not None:
            spread = np.log(basis.max() / basis.min())
            if spread == 0:
                raise UsageError("cs:ratio needs classes of different size")
            raw = raw ** (np.log(self.ratio) / spread)
        raw = raw * np.where(np.arange(len(raw)) > 0, self.cost, 1.0)
        return normalise(raw, counts, self.norm)
