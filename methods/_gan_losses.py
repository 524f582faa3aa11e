"""What the players of a CycleGAN minimise: Zhu et al. 2017, arXiv 1703.10593, section 3."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F  # noqa: N812

__all__ = ["adversarial", "discriminator_loss", "generator_loss"]


def adversarial(kind: str, scores: Tensor, real: bool) -> Tensor:
    """Return how far a discriminator's scores are from a target, as one number.

    Parameters
    ----------
    kind : str
        ``lsgan``: mean (D - t)^2 with scores as they are; ``bce``: cross-entropy with scores as
        logits.
    scores : Tensor
        Of any shape; patches count equally.
    real : bool
        Whether the target is 1 or 0.
    """
    if kind == "lsgan":
        return (scores - float(real)).square().mean()
    return F.softplus(-scores if real else scores).mean()


def discriminator_loss(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    """Return half the sum of the losses on real and fake images, the reference code's scale."""
    return 0.5 * (adversarial(kind, real, True) + adversarial(kind, fake, False))


def generator_loss(kind: str, fake: Tensor) -> Tensor:
    """Return the non-saturating loss of a generator: its fakes should pass for real."""
    return adversarial(kind, fake, True)
