"""Deferred re-weighting (DRW): Cao et al. 2019, arXiv 1906.07413, section 3.3."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from imbench.constraints import number
from imbench.methods._weights import NORM, normalise
from imbench.methods.class_balanced import effective_number
from imbench.training.part import Part

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    from imbench.training.state import TrainState

__all__ = ["DeferredWeights"]


class DeferredWeights(Part):
    """Weigh classes only in the last steps.

    Parameters
    ----------
    beta : float
        Of the effective number of images, as in the class-balanced loss; 1 is the inverse count.
    start : float
        Share of the steps after which the weights act; 1 is never.
    norm : {'mean1', 'sum_C'}
        Mean weight 1 over the examples, or weights that add up to the number of classes, as the
        authors' code does.

    Notes
    -----
    Up to `start` all images count alike; from then on the loss of an image of class c is multiplied
    by a weight in proportion to

        (1 - beta) / (1 - beta**n_c)

    A network learns better features from all images alike; weights from the first step on make it
    learn the few of the minority by heart. Here the rate falls as a cosine, so the weights act
    while it is small: at the default `start` from a tenth of its height on.

    References
    ----------
    Cao, Wei, Gaidon, Arechiga and Ma 2019, "Learning imbalanced datasets with
    label-distribution-aware margin loss", NeurIPS, section 3.3 and algorithm 1, arXiv 1906.07413.

    Examples
    --------
    >>> import numpy as np
    >>> DeferredWeights().weights(np.array([10000.0, 50.0])).round(3).tolist()
    [0.615, 77.966]
    """

    title: ClassVar[str] = "DRW"
    constraints: ClassVar = {"beta": number(0, 1), "start": number(0, 1), "norm": NORM}

    def __init__(self, beta: float = 0.9999, start: float = 0.8, norm: str = "mean1") -> None:
        self.beta = beta
        self.start = start
        self.norm = norm

    @property
    def weighs(self) -> bool:
        """Whether the weights act at all; US and OS then balance only half way."""
        return self.start < 1

    @property
    def corrects(self) -> Literal["", "rest", "all"]:
        """The imbalance that the sampler leaves."""
        return "rest" if self.start < 1 else ""

    def weights(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight of each class in the last steps, shape (K,)."""
        return normalise(1 / effective_number(counts, self.beta), counts, self.norm)

    def weigh(
        self, state: TrainState, x: torch.Tensor, y: torch.Tensor, rows: NDArray[np.int64]
    ) -> torch.Tensor | None:
        """Return the weight of each example of a batch, shape (m,); None before `start`."""
        if state.step < self.start * state.steps:
            return None
        weights = x.new_tensor(self.weights(state.counts))
        return weights[y] if y.ndim == 1 else y @ weights
