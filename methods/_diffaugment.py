"""Augmentation that gradients pass through: Zhao et al. 2020, arXiv 2006.10738, section 3.2."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

__all__ = ["diff_augment", "flip_and_crop"]


def diff_augment(x: Tensor, rng: np.random.Generator) -> Tensor:
    """Change colour, shift by up to 1/8 and cut out a square of half the side, per image.

    For what a discriminator sees, real and fake alike: it then cannot learn a few real images by
    heart, and the generator does not copy the augmentation since its gradient passes through.

    Parameters
    ----------
    x : Tensor (m, channels, height, width)
        In [-1, 1]; the result may leave the range.
    rng : Generator
        Where the draws come from.
    """
    return _cutout(_translate(_colour(x, rng), rng), rng)


def flip_and_crop(x: Tensor, steps: Sequence[object], rng: np.random.Generator) -> Tensor:
    """Augment as `imbench.training.augment.augment` does, on tensors and with gradients."""
    if "crop" in steps:
        border = max(1, x.shape[-2] // 8)
        x = _shift(F.pad(x, (border,) * 4, mode="reflect"), border, x.shape[-2:], rng)
    if "flip" in steps:
        flipped = _column(rng.random(len(x)) < 0.5, x)
        x = torch.where(flipped, x.flip(-1), x)
    return x


def _column(values: object, x: Tensor) -> Tensor:
    return torch.from_numpy(np.asarray(values)).to(x.device).view(-1, 1, 1, 1)


def _uniform(x: Tensor, rng: np.random.Generator) -> Tensor:
    return _column(rng.random(len(x)).astype(np.float32), x)


def _colour(x: Tensor, rng: np.random.Generator) -> Tensor:
    x = x + (_uniform(x, rng) - 0.5)
    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * (2 * _uniform(x, rng))
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    return mean + (x - mean) * (_uniform(x, rng) + 0.5)


def _translate(x: Tensor, rng: np.random.Generator) -> Tensor:
    border = max(1, round(x.shape[-2] / 8))
    return _shift(F.pad(x, (border,) * 4), border, x.shape[-2:], rng)


def _shift(padded: Tensor, border: int, shape: torch.Size, rng: np.random.Generator) -> Tensor:
    height, width = shape
    down, right = rng.integers(0, 2 * border + 1, size=(2, len(padded)))
    return torch.stack(
        [
            image[:, i : i + height, j : j + width]
            for image, i, j in zip(padded, down.tolist(), right.tolist(), strict=True)
        ]
    )


def _cutout(x: Tensor, rng: np.random.Generator) -> Tensor:
    height, width = x.shape[-2:]
    rows = torch.arange(height, device=x.device).view(1, 1, -1, 1)
    columns = torch.arange(width, device=x.device).view(1, 1, 1, -1)
    # The square's middle may lie on the edge: half of it then falls outside.
    top = _column(rng.integers(0, height + 1, size=len(x)), x) - height // 4
    left = _column(rng.integers(0, width + 1, size=len(x)), x) - width // 4
    inside = (rows >= top) & (rows < top + height // 2)
    inside = inside & (columns >= left) & (columns < left + width // 2)
    return x.masked_fill(inside, 0.0)
