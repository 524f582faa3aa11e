"""Remix: Chou et al. 2020, arXiv 2007.03943, equation 7."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number
from imbench.errors import UsageError
from imbench.training.part import Part, overrides

if TYPE_CHECKING:
    import torch

    from imbench.training.state import TrainState

__all__ = ["Remix", "label_shares"]


class Remix(Part):
    """Mix two images as mixup does, but give the label to the rarer class.

    Parameters
    ----------
    alpha : float
        Of the distribution of the shares, as in mixup; 0 is off.
    kappa : float
        Ratio of the counts from which on a class counts as the rarer one.
    tau : float
        Largest share of the more frequent class that loses its label; 0 is mixup.

    Notes
    -----
    Images are mixed by a share lambda ~ Beta(alpha, alpha), one for the batch. The label's share of
    the first image, of class i, mixed with one of class j is

        0       where n_i / n_j >= kappa and lambda < tau
        1       where n_j / n_i >= kappa and 1 - lambda < tau
        lambda  otherwise

    So a mixture that is mostly of the minority is of the minority alone, and the boundary moves
    towards the majority. How far depends on how often both meet in a batch: few minority images are
    in few mixtures.

    References
    ----------
    Chou, Chang, Pan, Wei and Juan 2020, "Remix: rebalanced mixup", ECCV workshops, equation 7,
    arXiv 2007.03943.

    Examples
    --------
    Shares of the label of the first image, majority then minority, at counts (100, 10):

    >>> import numpy as np
    >>> first, second = np.array([100, 10]), np.array([10, 100])
    >>> for share in (0.3, 0.7):
    ...     print(share, label_shares(first, second, share, 3, 0.5))
    0.3 [0.  0.3]
    0.7 [0.7 1. ]
    """

    title: ClassVar[str] = "Remix"
    constraints: ClassVar = {
        "alpha": number(0, 100),
        "kappa": number(1, 1e6),
        "tau": number(0, 1),
    }

    def __init__(self, alpha: float = 1.0, kappa: float = 3.0, tau: float = 0.5) -> None:
        self.alpha = alpha
        self.kappa = kappa
        self.tau = tau

    def beside(self, others: Sequence[Part]) -> Self:
        """Refuse another part that mixes: a soft label is of no class that has a count."""
        if any(overrides(part, "mix") for part in others):
            raise UsageError("remix cannot stand beside another part that mixes images")
        return self

    def mix(
        self, state: TrainState, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mixed batch, and labels (m, K)."""
        if self.alpha == 0:
            return x, y
        from imbench.methods._mixing import soft

        rng = state.rng("mixup")
        share, order = rng.beta(self.alpha, self.alpha), rng.permutation(len(x))
        counts = state.counts[y.cpu().numpy()]
        shares = label_shares(counts, counts[order], share, self.kappa, self.tau)
        given, labels = x.new_tensor(shares)[:, None], soft(y, len(state.counts), x)
        return share * x + (1 - share) * x[order], given * labels + (1 - given) * labels[order]


def label_shares(
    first: NDArray[np.float64], second: NDArray[np.float64], share: float, kappa: float, tau: float
) -> NDArray[np.float64]:
    """Return the label's share of the first image of each pair, from both classes' counts."""
    shares = np.full(len(first), share)
    if share < tau:
        shares[first / second >= kappa] = 0
    if 1 - share < tau:
        shares[second / first >= kappa] = 1
    return shares
