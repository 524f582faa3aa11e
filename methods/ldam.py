"""Label-distribution-aware margins (LDAM): Cao et al. 2019, arXiv 1906.07413, section 3.2."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import choice, number
from imbench.errors import UsageError
from imbench.training.part import Part

if TYPE_CHECKING:
    import torch

__all__ = ["LDAM", "refuse_cosines"]


class LDAM(Part):
    """Ask for a wider margin the rarer a class is.

    Parameters
    ----------
    margin : float
        Margin of the rarest class; 0 asks for none.
    scale : float
        What logits are multiplied by in the loss.
    head : {'cosine', 'plain'}
        A last layer of cosines between features and class vectors, as in the paper, or the
        network's own.

    Notes
    -----
    The loss of an image with logits z and label y is the cross-entropy of

        scale (z_c - m_y [c = y]),   m_y = margin (n_min / n_y)**(1/4)

    The cosine layer keeps z between -1 and 1: without a scale of about 30 no loss could become
    small, and without the layer a network could reach any margin by growing. It keeps the
    directions that the network's own last layer starts with. The scale belongs to the network, so
    that what is predicted, and what TS adds to it, is of the size that the loss saw. The paper uses
    it together with deferred re-weighting, ``ldam+drw``. It leaves the priors in the outputs.

    References
    ----------
    Cao, Wei, Gaidon, Arechiga and Ma 2019, "Learning imbalanced datasets with
    label-distribution-aware margin loss", NeurIPS, section 3.2, arXiv 1906.07413.

    Examples
    --------
    >>> import numpy as np
    >>> LDAM().margins(np.array([10000.0, 50.0])).round(6).tolist()
    [0.132957, 0.5]
    """

    version: ClassVar[int] = 2
    title: ClassVar[str] = "LDAM"
    constraints: ClassVar = {
        "margin": number(0, 10),
        "scale": number(0, 1000, open_low=True),
        "head": choice("cosine", "plain"),
    }

    def __init__(self, margin: float = 0.5, scale: float = 30.0, head: str = "cosine") -> None:
        self.margin = margin
        self.scale = scale
        self.head = head

    def build(self, net: torch.nn.Module, counts: NDArray[np.float64]) -> torch.nn.Module:
        """Return the network with a last layer of cosines, and its logits scaled."""
        from torch import nn

        from imbench.methods._head import CosineHead, find_head, replace_head
        from imbench.training.networks import Scale

        if self.head == "cosine":
            head = find_head(net, len(counts), "ldam:head=cosine")
            net = replace_head(net, CosineHead.of(head), "ldam:head=cosine")
        return net if self.scale == 1 else nn.Sequential(net, Scale(self.scale))

    def margins(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the margin of each class, shape (K,)."""
        return np.asarray(self.margin * (counts.min() / counts) ** 0.25)

    def losses(
        self, logits: torch.Tensor, y: torch.Tensor, counts: NDArray[np.float64]
    ) -> torch.Tensor:
        """Return one loss per example, shape (m,), of logits that are scaled already.

        That of a soft label is the mean over its classes.
        """
        import torch
        from torch.nn import functional

        margins = torch.from_numpy(self.scale * self.margins(counts)).to(logits)
        if y.ndim == 1:
            shifted = logits - functional.one_hot(y, len(margins)) * margins
            return functional.cross_entropy(shifted, y, reduction="none")
        # Row c of each (K, K) has the margin of class c, as if that were the label.
        shifted = logits[:, None] - margins.diag()
        return -(y * functional.log_softmax(shifted, dim=2).diagonal(dim1=1, dim2=2)).sum(dim=1)


def refuse_cosines(part: str, others: Sequence[Part]) -> None:
    """Raise UsageError where a part that scales class vectors stands beside a layer of cosines."""
    if any(isinstance(other, LDAM) and other.head == "cosine" for other in others):
        raise UsageError(
            f"{part} scales class vectors, of which ldam:head=cosine takes the directions alone: "
            "choose crt, or ldam:head=plain"
        )
