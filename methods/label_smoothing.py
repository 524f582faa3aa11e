"""Label smoothing: Szegedy et al. 2016, arXiv 1512.00567, section 7."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from imbench.constraints import number
from imbench.training.part import Part

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

__all__ = ["LabelSmoothing"]


class LabelSmoothing(Part):
    """Move a share of each label to all classes alike.

    Parameters
    ----------
    eps : float
        The share; 0 moves nothing.

    Notes
    -----
    With K classes the label of an image of class y becomes 1 - eps + eps / K for y and eps / K for
    every other class; the loss is the cross-entropy with it. A network then has no reason to become
    ever more certain, which keeps its outputs closer to what thresholds and priors can be applied
    to. It knows nothing of counts: it belongs to a well-tuned plain baseline.

    References
    ----------
    Szegedy, Vanhoucke, Ioffe, Shlens and Wojna 2016, "Rethinking the inception architecture for
    computer vision", CVPR, section 7, arXiv 1512.00567.

    Shwartz-Ziv, Goldblum, Li, Bruss and Wilson 2023, "Simplifying neural network training under
    class imbalance", NeurIPS, arXiv 2312.02517.

    Examples
    --------
    >>> import numpy as np, torch
    >>> logits, y = torch.tensor([[0.9, 0.1]]).log(), torch.tensor([0])
    >>> print(round(LabelSmoothing(0.2).losses(logits, y, np.ones(2)).item(), 6))
    0.325083
    """

    title: ClassVar[str] = "Smooth"
    constraints: ClassVar = {"eps": number(0, 1)}

    def __init__(self, eps: float = 0.1) -> None:
        self.eps = eps

    def losses(
        self, logits: torch.Tensor, y: torch.Tensor, counts: NDArray[np.float64]
    ) -> torch.Tensor:
        """Return one loss per example, shape (m,)."""
        from torch.nn import functional

        return functional.cross_entropy(logits, y, reduction="none", label_smoothing=self.eps)
