"""A pool of past fakes for the discriminator: Shrivastava et al. 2017, arXiv 1612.07828, 2.3."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["ImagePool"]


class ImagePool:
    """Hands a discriminator older fakes half of the time, so that it does not forget them.

    Parameters
    ----------
    size : int
        Images kept; 0 hands every image straight through.
    """

    def __init__(self, size: int = 50) -> None:
        self.size = size
        self.images: list[Tensor] = []

    def query(self, fakes: Tensor, rng: np.random.Generator) -> Tensor:
        """Return as many images as are given, shape (m, channels, height, width).

        While it fills, an image is stored and returned. Afterwards, with chance 1/2 each, it is
        returned alone or swapped for a stored one.
        """
        if self.size == 0:
            return fakes
        return torch.stack([self._swap(fake, rng) for fake in fakes])

    def _swap(self, fake: Tensor, rng: np.random.Generator) -> Tensor:
        # Cloned: a row of a batch would keep all of it in memory and in checkpoints.
        if len(self.images) < self.size:
            self.images.append(fake.clone())
            return fake
        if rng.random() < 0.5:
            return fake
        chosen = int(rng.integers(self.size))
        old, self.images[chosen] = self.images[chosen], fake.clone()
        return old
