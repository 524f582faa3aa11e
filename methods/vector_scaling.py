"""Vector-scaling loss (VS): Kini et al. 2021, arXiv 2103.01550; CDT: Ye et al. 2020."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number
from imbench.training.part import Part

if TYPE_CHECKING:
    import torch

__all__ = ["VectorScaling"]


class VectorScaling(Part):
    """Shift and shrink the logits of rare classes in training, but not in prediction.

    Parameters
    ----------
    gamma : float
        How much the logits of rare classes shrink; 0 not at all.
    tau : float
        How much they are shifted by their log prior; 0 not at all.

    Notes
    -----
    The loss of an image with logits s and label y is the cross-entropy of

        s_c (n_c / n_max)**gamma + tau log pi_c

    With gamma 0 it is logit adjustment, with tau 0 it is class-dependent temperatures (CDT). The
    shift acts early in training, when the logits are small; the factors go on acting on a network
    that separates all training images, where shift and class weights fade. It does nothing to
    classes of equal size.

    References
    ----------
    Kini, Paraskevas, Oymak and Thrampoulidis 2021, "Label-imbalanced and group-sensitive
    classification under overparameterization", NeurIPS, arXiv 2103.01550.

    Ye, Chen, Zhan and Chao 2020, "Identifying and compensating for feature deviation in imbalanced
    deep learning", arXiv 2001.01385.

    Examples
    --------
    At counts (10000, 50) the minority's logits shrink to a fifth:

    >>> import numpy as np
    >>> factors, shifts = VectorScaling().scales(np.array([10000.0, 50.0]))
    >>> factors.round(3).tolist(), shifts.round(3).tolist()
    ([1.0, 0.204], [-0.005, -5.303])
    """

    title: ClassVar[str] = "VS"
    constraints: ClassVar = {"gamma": number(0, 10), "tau": number(0, 100)}

    def __init__(self, gamma: float = 0.3, tau: float = 1.0) -> None:
        self.gamma = gamma
        self.tau = tau

    @property
    def corrects(self) -> Literal["", "rest", "all"]:
        """The imbalance that the sampler leaves."""
        return "rest" if self.gamma or self.tau else ""

    def scales(
        self, counts: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return factor and shift of each class, shapes (K,)."""
        factors = (counts / counts.max()) ** self.gamma
        return factors, self.tau * np.log(counts / counts.sum())

    def losses(
        self, logits: torch.Tensor, y: torch.Tensor, counts: NDArray[np.float64]
    ) -> torch.Tensor:
        """Return one loss per example, shape (m,)."""
        import torch

        factors, shifts = (torch.from_numpy(values).to(logits) for values in self.scales(counts))
        scaled = logits * factors + shifts
        return torch.nn.functional.cross_entropy(scaled, y, reduction="none")
