"""Focal loss: Lin et al. 2017, arXiv 1708.02002, section 3, in two forms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from imbench.constraints import choice, number
from imbench.training.part import Part

if TYPE_CHECKING:
    import torch

__all__ = ["Focal"]

TINY = 1e-12
"""Below it 1 - p counts as this: the derivative of its power has no infinite factor then."""


class Focal(Part):
    """Let images that are already classified with confidence count less.

    Parameters
    ----------
    gamma : float
        How much less; 0 is cross-entropy, 2 the paper's.
    form : {'softmax', 'sigmoid'}
        One distribution over the classes, or a yes or no for each class, as the class-balanced
        loss has it.

    Notes
    -----
    With p the probability of the image's class the loss is

        -(1 - p)**gamma log p

    In the sigmoid form it is the sum of such terms over the classes, p being the probability of the
    right answer to whether it is this one; the last layer starts with biases -log(K - 1). It does
    not know the counts: images of the minority count more because, and as long as, they are harder.
    Class weights of other parts stand outside the power, so ``cbl:beta=0.999+focal`` is the focal
    form of the class-balanced loss and ``cbl:beta=0.999+focal:gamma=0,form=sigmoid`` its sigmoid
    form. Probabilities are the softmax of the logits in both forms; the sigmoid form predicts the
    same classes, but for two of them its log odds are twice what they should be.

    References
    ----------
    Lin, Goyal, Girshick, He and Dollar 2017, "Focal loss for dense object detection", ICCV,
    section 3, arXiv 1708.02002.

    Cui, Jia, Lin, Song and Belongie 2019, "Class-balanced loss based on effective number of
    samples", CVPR, section 4, arXiv 1901.05555.

    Examples
    --------
    An image with probability 0.9 of its class counts a hundredth of what it does without:

    >>> import numpy as np, torch
    >>> logits, y = torch.tensor([[0.9, 0.1]]).log(), torch.tensor([0])
    >>> for gamma in (0, 1, 2):
    ...     print(gamma, round(Focal(gamma).losses(logits, y, np.ones(2)).item(), 6))
    0 0.105361
    1 0.010536
    2 0.001054
    """

    title: ClassVar[str] = "Focal"
    constraints: ClassVar = {"gamma": number(0, 100), "form": choice("softmax", "sigmoid")}

    def __init__(self, gamma: float = 2.0, form: str = "softmax") -> None:
        self.gamma = gamma
        self.form = form

    def build(self, net: torch.nn.Module, counts: NDArray[np.float64]) -> torch.nn.Module:
        """Return the network; in the sigmoid form each class starts at a chance of 1 / K."""
        if self.form == "sigmoid":
            from imbench.methods._head import find_head

            bias = find_head(net, len(counts), "focal:form=sigmoid").bias
            if bias is not None:
                bias.data.fill_(-math.log(len(counts) - 1))
        return net

    def losses(
        self, logits: torch.Tensor, y: torch.Tensor, counts: NDArray[np.float64]
    ) -> torch.Tensor:
        """Return one loss per example, shape (m,)."""
        from torch.nn import functional

        if self.form == "sigmoid":
            target = y if y.ndim == 2 else functional.one_hot(y, logits.shape[1])
            yes, no = functional.logsigmoid(logits), functional.logsigmoid(-logits)
            terms = target * self._scaled(yes) + (1 - target) * self._scaled(no)
            return terms.sum(dim=1)
        if self.gamma == 0:
            return functional.cross_entropy(logits, y, reduction="none")
        log_p = functional.log_softmax(logits, dim=1)
        if y.ndim == 2:
            return (y * self._scaled(log_p)).sum(dim=1)
        return self._scaled(log_p.gather(1, y[:, None])[:, 0])

    def _scaled(self, log_p: torch.Tensor) -> torch.Tensor:
        """Return -(1 - p)**gamma log p."""
        if self.gamma == 0:
            return -log_p
        return -((1 - log_p.exp()).clamp(min=TINY) ** self.gamma) * log_p
