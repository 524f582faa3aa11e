"""Tau-normalisation: Kang et al. 2020, arXiv 1910.09217, section 4.1, equation 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Self

from imbench.constraints import choice, number
from imbench.methods.ldam import refuse_cosines
from imbench.training.part import Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor, nn

    from imbench.training.state import TrainState

__all__ = ["TauNorm"]


class TauNorm(Part):
    """Divide each class's vector in the last layer by a power of its length, after training.

    Parameters
    ----------
    tau : float
        The power: 0 divides by 1, 1 makes all lengths equal.
    bias : {'drop', 'keep'}
        The authors' code leaves the bias out.

    Notes
    -----
    With w_c the row of class c in the last linear layer the logits become those of

        w_c / |w_c|**tau

    Plain training gives frequent classes the longer vectors, and their lengths alone then draw
    images to them. That is seen with many classes. With two the gradients of the rows are opposite
    and weight decay shrinks what differs, so their lengths are nearly equal and it is the dropped
    bias that moves the boundary. It costs nothing, but has a training of its own.

    References
    ----------
    Kang, Xie, Rohrbach, Yan, Gordo, Feng and Kalantidis 2020, "Decoupling representation and
    classifier for long-tailed recognition", ICLR, section 4.1, arXiv 1910.09217.

    Examples
    --------
    >>> import torch
    >>> rows = torch.tensor([[3.0, 4.0], [0.6, 0.8]], dtype=torch.float64)
    >>> for tau in (0.5, 1.0):
    ...     print(TauNorm(tau).normalised(rows).numpy().round(3).tolist())
    [[1.342, 1.789], [0.6, 0.8]]
    [[0.6, 0.8], [0.6, 0.8]]
    """

    title: ClassVar[str] = "Tau-norm"
    constraints: ClassVar = {"tau": number(0, 10), "bias": choice("drop", "keep")}

    def __init__(self, tau: float = 1.0, bias: str = "drop") -> None:
        self.tau = tau
        self.bias = bias

    def beside(self, others: Sequence[Part]) -> Self:
        """Refuse a layer of cosines, which class vectors of any length leave as it is."""
        refuse_cosines("tau-norm", others)
        return self

    @property
    def corrects(self) -> Literal["", "rest", "all"]:
        """The imbalance that the sampler leaves, as far as it shows in the last layer."""
        return "rest" if self.tau or self.bias == "drop" else ""

    def build(self, net: nn.Module, counts: NDArray[np.float64]) -> nn.Module:
        """Return the network as it is; refuse one without a last linear layer before it trains."""
        from imbench.methods._head import find_head

        find_head(net, len(counts), "tau-norm")
        return net

    def normalised(self, rows: Tensor) -> Tensor:
        """Return the rows (K, d), each divided by a power of its length."""
        lengths: Tensor = rows.norm(dim=1, keepdim=True).clamp(min=1e-12)
        return rows / lengths.pow(self.tau)

    def finish(self, state: TrainState) -> None:
        """Change the last layer."""
        import torch

        from imbench.methods._head import find_head

        head = find_head(state.net, len(state.counts), "tau-norm")
        with torch.no_grad():
            head.weight.copy_(self.normalised(head.weight))
            if head.bias is not None and self.bias == "drop":
                head.bias.zero_()
