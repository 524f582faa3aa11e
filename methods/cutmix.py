"""CutMix: Yun et al. 2019, arXiv 1905.04899, section 3.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from imbench.constraints import number
from imbench.training.part import Part

if TYPE_CHECKING:
    import torch

    from imbench.training.state import TrainState

__all__ = ["CutMix"]


class CutMix(Part):
    """Paste a box of one image onto another, and mix the labels by its area.

    Parameters
    ----------
    alpha : float
        Of the distribution of the area that stays: 1 makes all areas alike.
    prob : float
        Share of the batches that are mixed; 0 is off.

    Notes
    -----
    A share lambda ~ Beta(alpha, alpha) is drawn for a batch, and a box with sides sqrt(1 - lambda)
    of the image's around a random point. What lies in the box comes from another image of the
    batch, and the label is that of both images by their areas, after the box was cut off at the
    border. It knows no counts, so the priors stay in the outputs. It takes images, not features.

    References
    ----------
    Yun, Han, Oh, Chun, Choe and Yoo 2019, "CutMix: regularization strategy to train strong
    classifiers with localizable features", ICCV, section 3.1, arXiv 1905.04899.

    Examples
    --------
    >>> import numpy as np, torch
    >>> from types import SimpleNamespace
    >>> rng = np.random.default_rng(1)
    >>> state = SimpleNamespace(counts=np.ones(2), rng=lambda purpose: rng)
    >>> images = torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1).expand(2, 1, 8, 8)
    >>> x, y = CutMix(prob=1).mix(state, images, torch.tensor([0, 1]))
    >>> bool(torch.allclose(x.mean((1, 2, 3)), y[:, 1]))
    True
    """

    title: ClassVar[str] = "CutMix"
    constraints: ClassVar = {"alpha": number(0, 100, open_low=True), "prob": number(0, 1)}

    def __init__(self, alpha: float = 1.0, prob: float = 0.5) -> None:
        self.alpha = alpha
        self.prob = prob

    @property
    def needs_pixels(self) -> str:
        """A row of features has no place for a box."""
        return "it pastes a box of one image onto another"

    def mix(
        self, state: TrainState, x: torch.Tensor, y: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the batch with boxes, and labels (m, K)."""
        from imbench.methods._mixing import box, check_images, soft

        check_images(x, "cutmix")
        rng = state.rng("cutmix")
        if rng.random() >= self.prob:
            return x, y
        kept = rng.beta(self.alpha, self.alpha)
        rows, columns, outside = box(x.shape[2], x.shape[3], kept, rng)
        order = rng.permutation(len(x))
        mixed, labels = x.clone(), soft(y, len(state.counts), x)
        mixed[:, :, rows, columns] = x[order][:, :, rows, columns]
        return mixed, outside * labels + (1 - outside) * labels[order]
