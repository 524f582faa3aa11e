"""Logit adjustment (LA), in the loss: Menon et al. 2021, arXiv 2007.07314, equation 10."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import number
from imbench.training.part import Part

if TYPE_CHECKING:
    import torch

__all__ = ["LogitAdjustment"]


class LogitAdjustment(Part):
    """Add tau times the log prior to the logits in training, but not in prediction.

    Parameters
    ----------
    tau : float
        Strength: 0 is the plain loss; 1, the default, is balanced softmax.

    Notes
    -----
    The loss of an image with logits s and label y is the cross-entropy of shifted logits,

        -log softmax(s + tau log pi)_y

    with pi_c = n_c / n the sampler's priors. What the network then predicts is the best for classes
    that are equally frequent. Where training images are few and easily told apart, the margin that
    the shift asks for stays: unlike a class weight it also moves a boundary between classes that a
    network separates. It does nothing to classes of equal size, so beside US or OS alone nothing.

    References
    ----------
    Menon, Jayasumana, Rawat, Jain, Veit and Kumar 2021, "Long-tail learning via logit adjustment",
    ICLR, equation 10, arXiv 2007.07314.

    Ren, Yu, Sheng, Ma, Zhao, Yi and Li 2020, "Balanced meta-softmax for long-tailed visual
    recognition", NeurIPS, equation 4, arXiv 2007.10740.

    Examples
    --------
    At counts (10000, 50) a network that knows nothing pays little for the majority:

    >>> import numpy as np, torch
    >>> logits, y = torch.zeros(2, 2), torch.tensor([0, 1])
    >>> losses = LogitAdjustment().losses(logits, y, np.array([10000.0, 50.0]))
    >>> [round(loss, 4) for loss in losses.tolist()]
    [0.005, 5.3033]
    """

    title: ClassVar[str] = "LA"
    constraints: ClassVar = {"tau": number(0, 100)}

    def __init__(self, tau: float = 1.0) -> None:
        self.tau = tau

    @property
    def corrects(self) -> Literal["", "rest", "all"]:
        """The imbalance that the sampler leaves."""
        return "rest" if self.tau else ""

    def losses(
        self, logits: torch.Tensor, y: torch.Tensor, counts: NDArray[np.float64]
    ) -> torch.Tensor:
        """Return one loss per example, shape (m,)."""
        import torch

        shift = torch.from_numpy(self.tau * np.log(counts / counts.sum())).to(logits)
        return torch.nn.functional.cross_entropy(logits + shift, y, reduction="none")
