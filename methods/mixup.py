"""Mixup: Zhang et al. 2018, arXiv 1710.09412, equation 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from imbench.constraints import number
from imbench.training.part import Part

if TYPE_CHECKING:
    import torch

    from imbench.training.state import TrainState

__all__ = ["Mixup"]


class Mixup(Part):
    """Train on sums of two images, with sums of their labels.

    Parameters
    ----------
    alpha : float
        Of the distribution of the shares: small values mix little, 1 mixes evenly; 0 is off.

    Notes
    -----
    A batch is mixed with itself in another order, by one share for the batch:

        x = lambda x_i + (1 - lambda) x_j,  y = lambda y_i + (1 - lambda) y_j,  lambda ~ Beta(a, a)

    It makes a network less certain between images, which few minority images call for; it knows no
    counts, so the priors stay in the outputs.

    References
    ----------
    Zhang, Cisse, Dauphin and Lopez-Paz 2018, "mixup: Beyond empirical risk minimization", ICLR,
    equation 2, arXiv 1710.09412.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from types import SimpleNamespace
    >>> rng = np.random.default_rng(0)
    >>> state = SimpleNamespace(counts=np.ones(2), rng=lambda purpose: rng)
    >>> x, y = Mixup().mix(state, torch.tensor([[0.0], [1.0]]), torch.tensor([0, 1]))
    >>> bool(torch.allclose(x[:, 0], y[:, 1]))
    True
    """

    title: ClassVar[str] = "Mixup"
    constraints: ClassVar = {"alpha": number(0, 100)}

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def mix(
        self, state: TrainState, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the mixed batch, and labels (m, K)."""
        if self.alpha == 0:
            return x, y
        from imbench.methods._mixing import soft

        rng = state.rng("mixup")
        share, order = rng.beta(self.alpha, self.alpha), rng.permutation(len(x))
        labels = soft(y, len(state.counts), x)
        return share * x + (1 - share) * x[order], share * labels + (1 - share) * labels[order]
